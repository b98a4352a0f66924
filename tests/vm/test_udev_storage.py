# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scenarios of systemd's own test of disks (TEST-64-UDEV-STORAGE), written anew after what they do: all links are right at each settled
moment, and those of whole disks are never gone in between. What it stacks on disks is in other modules.

There are fewer rounds of simultaneous events than systemd has without emulation (100) and under it (10): ITERATIONS.
"""

import itertools

import pytest
from checks import check_disks, check_functions, check_helper, check_links
from machine import disk, virtio
from oracle import link_name

LINKS = "/dev/disk/by-pci-path"

pytestmark = pytest.mark.exhaustive

COVERS = {
    "long_path_with_file_systems": "Disk: systemd's TEST-64: a disk behind 26 bridges, with swap and a file system",
    "odd_nvme_serials": "Disk: systemd's TEST-64: 12 NVMe controllers with blanks and slashes in their serial numbers",
    "shared_namespaces": "Disk: systemd's TEST-64: an NVMe subsystem with two controllers that share namespaces",
    "128_luns": "Disk: systemd's TEST-64: 128 LUNs of four adapters",
    "identically_named_partitions": "Disk: systemd's TEST-64: 16 disks with 8 partitions of one name each",
    "simultaneous_events": "Hotplug: systemd's TEST-64: the partitions of 10 disks made and deleted at the same time",
    "many_partitions_at_once": "Hotplug: systemd's TEST-64: the partitions of 10 disks made and deleted at the same time",
}

ITERATIONS = 6


def check_all(machine):
    machine.settle()
    check_functions(machine)
    check_disks(machine)
    check_helper(machine)


def boot(machine):
    machine.add_drives()
    machine.boot("root=LABEL=root")
    check_all(machine)


def partition(drive_link, *partitions):
    """A command that writes a partition table: each partition with its name and size in MiB. udevd does not look at the disk meanwhile."""
    table = "".join(f'name="{name}", size={size}MiB\\n' for name, size in partitions)
    return f"printf 'label: gpt\\n{table}' | udevadm lock --device={drive_link} sfdisk -q --wipe always {drive_link}"


def delete(drive_link):
    return f"udevadm lock --device={drive_link} sfdisk -q --delete {drive_link}"


def at_once(commands):
    """A command that runs all of them at the same time, and fails if one does."""
    return "\n".join(["set --", *(f"{{ {command}; }} & set -- \"$@\" $!" for command in commands),
                      "for pid; do wait \"$pid\" || exit; done"])


class Watched:
    """No link of a whole disk is gone, not even for a moment."""

    def __init__(self, machine):
        self.machine = machine
        self.links = {link for link in check_links(machine) if "-part" not in link}
        machine.run(f"""perl /usr/local/libexec/watch-links.pl {LINKS} /run/links </dev/null >/dev/null 2>&1 & echo $! >/run/watch.pid
            until [ -s /run/links ]; do :; done""")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if not any(error):
            _, *events = self.machine.run("cat /run/links && kill $(cat /run/watch.pid)").splitlines()
            assert {event for event in events if event.split()[1] in self.links} <= {f"replace {link}" for link in self.links}
            assert any(event.startswith("delete ") for event in events), "the links of partitions come and go"


def test_long_path_with_file_systems(make_machine):
    bridges = [{"driver": "pci-bridge", "id": f"bridge{n}", "bus": f"bridge{n - 1}" if n else "pci.0", "addr": f"{n % 31 + 1:x}.0" if n else "5.0",
                "chassis_nr": n + 1} for n in range(26)]
    with make_machine([virtio("root", "pci.0", addr="1d.0"), *bridges, virtio("far", "bridge25", addr="2.0")], machine="pc") as machine:
        boot(machine)
        link = f"{LINKS}/{link_name(machine.qmp, 'far')}"
        machine.run(partition(link, ("swap", 8), ("data", 16)))
        for number in (1, 2):
            machine.wait(f"{link}-part{number}")
        machine.run(f"mkswap -q -L swap_vol {link}-part1 && mkfs.ext4 -q -L data_vol {link}-part2")
        machine.settle()
        check_all(machine)
        machine.run(f"swapon {link}-part1 && mount {link}-part2 /mnt && swapoff {link}-part1 && umount /mnt")
        assert machine.run(f"realpath {link}-part2") == machine.run("realpath /dev/disk/by-label/data_vol")
        machine.trigger("change", "block")
        check_all(machine)


SERIALS = [form.format(n) for form, n in itertools.product(("deadbeef{}", "    deadbeef  {}", "    dead/beef/{}", "dead/../../beef/{}"), range(3))]
NVME = [
    virtio("root", "pcie.0", addr="3.0"),
    *({"driver": "pcie-root-port", "id": f"port{n}", "bus": "pcie.0", "addr": f"{4 + n // 8:x}.{n % 8}", "chassis": n + 1,
       "multifunction": n % 8 == 0} for n in range(14)),
    *(disk("nvme", f"nvme{n}", bus=f"port{n}") | {"serial": serial} for n, serial in enumerate(SERIALS)),
    {"driver": "nvme-subsys", "id": "subsystem"},
    *({"driver": "nvme", "id": f"of-subsystem{n}", "bus": f"port{n + 12}", "serial": "deadbeef", "subsys": "/machine/peripheral/subsystem"}
      for n in range(2)),
    *(disk("nvme-ns", f"shared{nsid}", bus="of-subsystem1", nsid=nsid) for nsid in (16, 17)),
]


@pytest.fixture(scope="module")
def machine(make_machine, request):
    with make_machine(request.param, memory="1G") as machine:
        boot(machine)
        yield machine


with_nvme = pytest.mark.parametrize("machine", [pytest.param(NVME, id="nvme")], indirect=True)


@with_nvme
def test_odd_nvme_serials(machine):
    links = check_links(machine)
    for n, serial in enumerate(SERIALS):
        node = links[link_name(machine.qmp, f"nvme{n}")]
        assert machine.run(f"cat /sys/class/block/{node}/device/serial").split() == serial.split()
    for action in ("change", "add"):
        machine.trigger(action, "block", "nvme")
        check_all(machine)


@with_nvme
def test_shared_namespaces(machine):
    """Two controllers, two namespaces: four links of two disks."""
    links = check_links(machine)
    for nsid in (16, 17):
        assert len([link for link in links if link.endswith(f"-nvme-{nsid}")]) == 2
        assert len({node for link, node in links.items() if link.endswith(f"-nvme-{nsid}")}) == 1


SCSI = [
    virtio("root", "pcie.0", addr="3.0"),
    *({"driver": "virtio-scsi-pci", "id": f"scsi{n}", "bus": "pcie.0", "addr": f"{4 + n:x}.0"} for n in range(4)),
    *(disk("scsi-hd", f"disk{n}", bus=f"scsi{n // 32}.0", channel=0, **{"scsi-id": n % 32}, lun=0) for n in range(128)),
]
with_luns = pytest.mark.parametrize("machine", [pytest.param(SCSI, id="scsi")], indirect=True)


def links_of(machine, names):
    return [f"{LINKS}/{link_name(machine.qmp, name)}" for name in names]


@with_luns
def test_128_luns(machine):
    assert len(check_links(machine)) == 129
    machine.trigger("change", "block")
    check_all(machine)


@with_luns
def test_identically_named_partitions(machine):
    """Each udev link by partition name has 128 claimants; ours have one."""
    disks = links_of(machine, [f"disk{n}" for n in range(0, 128, 8)])
    with Watched(machine):
        machine.run(at_once(partition(link, *(8 * [("Hello world", 1)])) for link in disks))
        machine.settle()
        assert len(check_links(machine)) == 129 + 128
        check_all(machine)
        machine.run(at_once(map(delete, disks)))
        machine.settle()
        assert len(check_links(machine)) == 129


@with_luns
def test_simultaneous_events(machine):
    """Half of the disks get partitions while the other half loses them, and so on. No wait in between."""
    disks = links_of(machine, [f"disk{n}" for n in range(10)])
    table = [(f"test{n}", 1) for n in range(1, 5)]
    with Watched(machine):
        for iteration in range(ITERATIONS):
            machine.run(at_once(partition(link, *table) if n % 2 == iteration % 2 else delete(link) if iteration else partition(link)
                                for n, link in enumerate(disks)))
            if iteration % 3 == 2:
                machine.settle()
                check_all(machine)
                assert len(check_links(machine)) == 129 + 5 * 4
        machine.run(at_once(delete(link) for n, link in enumerate(disks) if n % 2 != ITERATIONS % 2))
        machine.settle()
        assert len(check_links(machine)) == 129


@with_luns
def test_many_partitions_at_once(machine):
    """20 partitions of one name on each of 10 disks, all at the same time."""
    disks = links_of(machine, [f"disk{n}" for n in range(100, 110)])
    with Watched(machine):
        machine.run(at_once(partition(link, *(20 * [("testlabel", 1)])) for link in disks))
        machine.settle()
        check_all(machine)
        assert len(check_links(machine)) == 129 + 200
        machine.run(at_once(map(delete, disks)))
        machine.settle()
        check_all(machine)
