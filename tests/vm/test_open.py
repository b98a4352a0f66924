# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath open`: whatever is unplugged and plugged in at whichever moment, the command never gets another disk."""

import contextlib
import itertools
import subprocess
from pathlib import Path

import pytest
from machine import disk, root_ports

COVERS = {
    "never_another_disk": "Hotplug: `pcipath open` while its disk is unplugged and another one gets the name of its node",
    "held_disk": "Hotplug: a disk that `pcipath open` holds open is unplugged: its name and number stay its own",
}

TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0"), {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pcie.0", "addr": "5.0"}]
RIGHT, OTHER = "/dev/disk/by-pci-path/02.2-00.0", "/dev/disk/by-pci-path/02.3-00.0"
OPENAT, EXECVE = "257", "59"
SCRIPT = Path(__file__).parent / "stop-at.pl"
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY) as machine:
        for name in ("right", "other"):
            path = machine.add_drive(name)
            subprocess.run(["mke2fs", "-q", "-F", path], check=True)
            with path.open("r+b") as file:
                file.write(name.encode())
        machine.boot("root=LABEL=root")
        machine.settle()
        machine.run(f"cat >/run/stop-at.pl <<'EOF'\n{SCRIPT.read_text()}EOF")
        yield machine


@pytest.fixture(autouse=True)
def clean(machine):
    yield
    for name in ("right", "other"):
        with contextlib.suppress(Exception):
            machine.unplug(name)
    machine.settle()


def plug(machine, name, port, link, **more):
    machine.plug(disk("virtio-blk-pci", name, bus=port, **more))
    machine.wait(link)
    return machine.run(f"realpath {link}").strip()


class Open:
    """`pcipath open` in the background of the guest, stopped before its system call of that number."""

    def __init__(self, machine, number):
        self.machine, self.place = machine, f"/run/open{next(NUMBERS)}"
        command = "pcipath open --timeout=60 --read-only 02.2/00.0 -- sh -c 'exec head -c 5 <&3'"
        machine.run(f"mkdir {self.place}; cd {self.place}; mkfifo news go status; "
                    f"(perl /run/stop-at.pl {number} . {command} >out 2>err; echo $? >status) >/dev/null 2>&1 </dev/null &")

    def wait_until_stopped(self):
        assert self.machine.run(f"cat {self.place}/news") == "stopped\n"

    def go(self):
        self.machine.run(f"echo go >{self.place}/go")

    def result(self):
        """Status and standard output."""
        return int(self.machine.run(f"cat {self.place}/status")), self.machine.run(f"cat {self.place}/out")

    def calls(self):
        return [line.partition(" ")[::2] for line in self.machine.run(f"cat {self.place}/calls").splitlines()]


def moments(machine):
    """The numbers of the system calls: the open of the node, and the start of the command."""
    node = plug(machine, "right", "port2", RIGHT)
    whole = Open(machine, 0)
    assert whole.result() == (0, "right")
    calls = whole.calls()
    machine.unplug("right")
    machine.wait(RIGHT, gone=True)
    return calls.index((OPENAT, node)) + 1, next(n for n, (number, _) in enumerate(calls, 1) if number == EXECVE and n > 1)


def replace_at(machine, number):
    """Stopped there, the disk is unplugged, and another is plugged in elsewhere. Return: what the command gets when the disk is back
    and whether the other disk got the name of its node."""
    node = plug(machine, "right", "port2", RIGHT)
    opening = Open(machine, number)
    opening.wait_until_stopped()
    machine.unplug("right")
    machine.wait(RIGHT, gone=True)
    other = plug(machine, "other", "port3", OTHER)
    opening.go()
    plug(machine, "right", "port2", RIGHT)
    result = opening.result()
    for name, link in (("right", RIGHT), ("other", OTHER)):
        machine.unplug(name)
        machine.wait(link, gone=True)
    return result, other == node


def check_moments(machine, numbers, opened):
    is_checked = False
    for number in numbers:
        (status, output), is_same_name = replace_at(machine, number)
        # Once the open disk has been checked, the command has it, though it is gone and reads find its end. Until then pcipath waits.
        is_checked = is_checked or (number > opened and output == "")
        assert (status, output) == (0, "" if is_checked else "right"), number
        # An open disk keeps its name.
        assert is_same_name == (number <= opened), number
    return is_checked


def test_never_another_disk(machine):
    opened, started = moments(machine)
    check_moments(machine, [opened, (opened + started) // 2], opened)


@pytest.mark.exhaustive
def test_never_another_disk_at_any_moment(machine):
    opened, started = moments(machine)
    assert check_moments(machine, range(opened - 8, started + 1), opened)


HELD = {"virtio": ("virtio-blk-pci", {"bus": "port2"}, RIGHT, "02.2/00.0"),
        "scsi": ("scsi-hd", {"bus": "scsi.0"}, "/dev/disk/by-pci-path/05.0-scsi-0:0:0:0", "05.0,scsi-0:0:0:0"),
        "nvme": ("nvme", {"bus": "port2", "serial": "held"}, RIGHT + "-nvme-1", "02.2/00.0,nvme-1")}


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.exhaustive] if kind != "virtio" else []) for kind in HELD])
def test_held_disk(machine, kind):
    """As long as the disk is open, no other gets its name or number. Opened anew, /dev/fd/3 is the same disk, or none."""
    driver, properties, link, spec = HELD[kind]
    place = f"/run/held{next(NUMBERS)}"
    machine.plug({"driver": driver, "id": "right", "drive": "right", **properties})
    machine.run(f"""mkdir {place}; cd {place}; mkfifo ready go done
        cat >command <<'EOF'
            mount -o ro /dev/fd/3 /mnt && umount /mnt
            readlink -f /proc/self/fd/3 >node; echo >ready; read go <go
            head -c 5 <&3; head -c 5 /dev/fd/3; mount -o ro /dev/fd/3 /mnt
            echo >done\nEOF
        pcipath open --read-only --timeout=60 {spec} -- sh command >out 2>&1 </dev/null 3>&- &""")
    machine.run(f"cat {place}/ready")
    assert machine.run(f"cat {place}/out") == ""
    node = machine.run(f"cat {place}/node")
    assert node == machine.run(f"realpath {link}")
    machine.unplug("right")
    machine.wait(link, gone=True)
    assert plug(machine, "other", "port3", OTHER) != node.strip()
    machine.run(f"echo go >{place}/go; cat {place}/done")
    out = machine.run(f"cat {place}/out")
    assert out.startswith("head: cannot open '/dev/fd/3' for reading: No such device or address\nmount: "), out
