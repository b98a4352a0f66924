# SPDX-License-Identifier: LGPL-2.1-or-later
"""Units that wait for what is plugged in after boot: systemd's own for devices, and pcipath-wait@.service."""

import shlex
import subprocess

import pytest
from machine import card, disk, root_ports
from oracle import link_name

LINKS = "/dev/disk/by-pci-path"

COVERS = {
    "mount_unit": "Unit: a mount unit that is started before its disk is plugged in",
    "wanted_by_its_disk": "Unit: a mount unit that is started when its disk is plugged in",
    "fstab": "Unit: a line of fstab, mounted each time its disk is plugged in",
    "unplugged_while_mounted": "Unit: the disk of a mounted file system is unplugged and plugged in again: unmounted and mounted",
    "declared_unready": "Unit: a disk with SYSTEMD_READY=0: neither systemd nor pcipath wait calls it ready",
    "stricter_sandbox": "Unit: udevd in a stricter sandbox: devices get their names",
    "automount": "Unit: a line of fstab with automount: the first access waits for the disk",
    "wait_unit": "Unit: pcipath-wait@.service before a mount, for a disk and for a partition",
    "wait_unit_says_what_is_missing": "Unit: pcipath-wait@.service after a timeout, and with an invalid path",
    "wait_unit_of_a_wrong_path": "Unit: pcipath-wait@.service after a timeout, and with an invalid path",
    "container": "Unit: a systemd-nspawn container with a disk that is plugged in after boot",
}

TOPOLOGY = [*root_ports(3), disk("virtio-blk-pci", "root", bus="port0")]
FLAT = {"port1": "02.1-00.0", "port2": "02.2-00.0"}


@pytest.fixture(scope="module")
def machine(make_machine, release, tmp_path_factory):
    with make_machine(TOPOLOGY, release=release) as machine:
        content = tmp_path_factory.mktemp("content")
        (content / "file").write_text("kept\n")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", content, machine.add_drive("data")], check=True)
        subprocess.run(["sfdisk", "-q", machine.add_drive("parted")], input="type=linux", text=True, check=True)
        machine.boot("root=LABEL=root")
        # The guest has no use for generators but here.
        machine.run("rm /etc/systemd/system-generators/systemd-fstab-generator; mkdir -p /srv/data")
        machine.settle()
        yield machine


@pytest.fixture(autouse=True)
def clean(machine):
    yield
    machine.run("systemctl stop srv-data.automount; systemctl stop srv-data.mount; rm -rf /run/systemd/system/*; : >/etc/fstab;"
                " systemctl daemon-reload; systemctl reset-failed; true")
    for name in {"data", "parted"} & set(machine.buses):
        unplug(machine, name)


def plug(machine, port="port1", name="data"):
    machine.plug(disk("virtio-blk-pci", name, bus=port))
    assert link_name(machine.qmp, name) == FLAT[port]


def unplug(machine, name="data"):
    machine.unplug(name)
    del machine.buses[name]
    machine.settle()


def write_unit(machine, name, *lines):
    words = " ".join(shlex.quote(line) for line in lines)
    machine.run(f"mkdir -p /run/systemd/system; printf '%s\\n' {words} >/run/systemd/system/{shlex.quote(name)}"
                " && systemctl daemon-reload")


def write_mount(machine, *more, what=f"{LINKS}/{FLAT['port1']}", kind="ext4"):
    write_unit(machine, "srv-data.mount", "[Mount]", f"What={what}", "Where=/srv/data", f"Type={kind}", *more)


def write_fstab(machine, options, what=f"{LINKS}/{FLAT['port1']}"):
    machine.run(f"echo '{what} /srv/data ext4 {options}' >/etc/fstab && systemctl daemon-reload")


def start_waiting(machine, unit):
    """Start a unit that cannot be started yet."""
    machine.run(f"systemctl start --no-block {unit}")
    assert f"{unit} start waiting" in " ".join(machine.run("systemctl list-jobs --no-legend").split())


def check_mounted(machine):
    """It is, or is about to be: nobody is asked to mount it."""
    machine.run("until findmnt --mountpoint /srv/data; do :; done")
    assert machine.run("findmnt -n -o SOURCE --mountpoint /srv/data") == f"/dev/{machine.disks()['data']}\n"
    assert machine.run("cat /srv/data/file") == "kept\n"


def journal(machine, unit):
    return machine.run(f"journalctl --sync; journalctl -b -o cat -u {unit}")


def device_unit(machine, port="port1"):
    return machine.run(f"systemd-escape -p --suffix=device {LINKS}/{FLAT[port]}").strip()


def test_mount_unit(machine):
    write_mount(machine)
    start_waiting(machine, "srv-data.mount")
    plug(machine)
    check_mounted(machine)


def test_wanted_by_its_disk(machine):
    """Nobody has started it."""
    write_mount(machine, "[Install]", f"WantedBy={device_unit(machine)}")
    machine.run("systemctl enable -q --runtime srv-data.mount")
    plug(machine)
    check_mounted(machine)


def test_fstab(machine):
    """As pcipath-wait.service(8) has it; each time that the disk comes."""
    write_fstab(machine, f"nofail,x-systemd.wanted-by={device_unit(machine)}")
    plug(machine)
    check_mounted(machine)
    machine.run("umount /srv/data")
    unplug(machine)
    plug(machine)
    check_mounted(machine)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["fstab", "unit"])
def test_unplugged_while_mounted(machine, kind):
    """As pcipath-wait.service(8) says, with every version of systemd."""
    if kind == "fstab":
        write_fstab(machine, f"nofail,x-systemd.wanted-by={device_unit(machine)}")
    else:
        write_mount(machine, "[Install]", f"WantedBy={device_unit(machine)}")
        machine.run("systemctl enable -q --runtime srv-data.mount")
    plug(machine)
    check_mounted(machine)
    unplug(machine)
    machine.run("while findmnt --mountpoint /srv/data; do :; done")
    assert machine.run("systemctl is-active srv-data.mount; true") in ("inactive\n", "failed\n")
    plug(machine)
    check_mounted(machine)


@pytest.mark.exhaustive
def test_declared_unready(machine):
    """Until a later event takes it back."""
    rule = "/run/udev/rules.d/90-unready.rules"
    machine.run(f"""mkdir -p /run/udev/rules.d; echo 'ENV{{ID_PCI_PATH_LINK}}=="{FLAT["port1"]}", ENV{{SYSTEMD_READY}}="0"' >{rule}; udevadm control --reload""")
    plug(machine)
    machine.settle()
    unit = shlex.quote(device_unit(machine))
    result = machine.call("pcipath wait --timeout=0 02.1/00.0")
    node = f"/dev/{machine.disks()['data']}"
    assert (result.status, result.stderr) == (4, f"pcipath: timed out: 02.1/00.0: {node} exists, but a udev rule has set SYSTEMD_READY=0, so "
                                                 "systemd treats it as unplugged\n")
    assert machine.run(f"systemctl is-active {unit}; true") == "inactive\n"

    machine.run(f"rm {rule}; udevadm control --reload; udevadm trigger --action=change {node}")
    assert machine.run("pcipath wait 02.1/00.0") == node + "\n"
    machine.run(f"until systemctl is-active -q {unit}; do :; done")


@pytest.mark.exhaustive
def test_stricter_sandbox(machine):
    """One that later versions of systemd may have: the rules and helpers need no more than this."""
    machine.run("mkdir -p /run/systemd/system/systemd-udevd.service.d")
    write_unit(machine, "systemd-udevd.service.d/strict.conf", "[Service]", "ProtectSystem=strict", "ReadWritePaths=/run", "ProtectHome=yes",
               "NoNewPrivileges=yes", "ProtectKernelLogs=yes", "ProtectProc=invisible", "RestrictNamespaces=yes",
               "RestrictAddressFamilies=", "RestrictAddressFamilies=AF_UNIX AF_NETLINK", "CapabilityBoundingSet=",
               "CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_MKNOD CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_SYS_MODULE")
    machine.run("systemctl restart systemd-udevd.service")
    machine.qmp.execute("device_add", **card("card", "port2"))
    machine.run("pcipath wait --timeout=60 02.2/00.0")
    assert machine.run("ip -o link show pci-02.2-00.0 | wc -l") == "1\n"
    plug(machine)
    machine.run("pcipath wait --timeout=60 02.1/00.0")
    # The other helper: the rules do not know this link themselves.
    machine.run("rm /dev/virtio-ports/by-pci-path/1e.0-pcipath.agent; udevadm trigger --settle --subsystem-match=virtio-ports")
    assert machine.run("test -e /dev/virtio-ports/by-pci-path/1e.0-pcipath.agent && echo there") == "there\n"
    machine.unplug("card")
    machine.run("rm -r /run/systemd/system/systemd-udevd.service.d; systemctl daemon-reload; systemctl restart systemd-udevd.service")


def test_automount(machine):
    """Whoever looks waits for the disk."""
    write_fstab(machine, "noauto,x-systemd.automount")
    machine.run("systemctl start srv-data.automount; mkfifo /run/looked;"
                " (cat /srv/data/file >/run/copy; echo $? >/run/looked) >/dev/null 2>&1 </dev/null &")
    machine.run("until systemctl list-jobs --no-legend | grep -q srv-data.mount; do :; done")
    plug(machine)
    assert machine.run("cat /run/looked /run/copy; rm /run/looked /run/copy") == "0\nkept\n"


@pytest.mark.parametrize("name,instance", [("data", "02.1-00.0"), ("parted", "02.1-00.0-part1")])
def test_wait_unit(machine, name, instance):
    """The mount itself needs nothing that is plugged in."""
    unit = f"pcipath-wait@{instance}.service"
    write_unit(machine, "srv-data.mount", "[Unit]", f"Requires={unit}", f"After={unit}",
               "[Mount]", "What=tmpfs", "Where=/srv/data", "Type=tmpfs")
    start_waiting(machine, "srv-data.mount")
    plug(machine, name=name)
    machine.run("systemctl start srv-data.mount")
    assert machine.run(f"findmnt -n -o SOURCE /srv/data; realpath {LINKS}/{instance}") == (
        f"tmpfs\n/dev/{machine.disks()[name]}{'1' if name == 'parted' else ''}\n")


def test_wait_unit_with_fstab(machine):
    write_fstab(machine, "noauto,x-systemd.requires=pcipath-wait@02.2-00.0.service", f"{LINKS}/{FLAT['port2']}")
    start_waiting(machine, "srv-data.mount")
    plug(machine, "port2")
    check_mounted(machine)


def test_wait_unit_says_what_is_missing(machine):
    """When it is told to end, as systemd does when the time is over."""
    unit = "pcipath-wait@02.1-00.0.service"
    machine.run(f"systemctl start --no-block {unit}")
    # It sleeps in ppoll: system call 271 of x86-64.
    machine.run(f"until grep -q \"^271 \" /proc/$(systemctl show -P MainPID {unit})/syscall; do :; done")
    machine.run(f"systemctl stop {unit}")
    assert "02.1-00.0: 02.1 is there: a PCI bridge with an empty slot" in journal(machine, unit)
    assert machine.run(f"systemctl show -P TimeoutStartUSec {unit}") == "1min 30s\n"


def test_wait_unit_of_a_wrong_path(machine):
    unit = "pcipath-wait@02.8.service"
    assert machine.call(f"systemctl start {unit}").status == 1
    assert "'02.8' is not a path, at byte 3: a function is 0 to 7" in journal(machine, unit)

    # An instance is never an option.
    unit = "pcipath-wait@-h.service"
    assert machine.call(f"systemctl start {unit}").status == 1
    assert "'-h' is not a path" in journal(machine, unit)


def test_container(machine):
    """It begins when its volume is there, which it sees and writes."""
    write_mount(machine)
    write_unit(machine, "container.service", "[Unit]", "RequiresMountsFor=/srv/data", "[Service]", "Type=oneshot",
               "ExecStart=systemd-nspawn --quiet --keep-unit --register=no --directory=/ --volatile=yes --bind=/srv/data"
               " sh -c 'cat /srv/data/file >/srv/data/copy'")
    start_waiting(machine, "container.service")
    plug(machine)
    machine.run("systemctl start container.service")
    assert machine.run("cat /srv/data/copy; rm /srv/data/copy") == "kept\n"


def test_verify(machine, release):
    """Neither systemd nor udev finds a fault with what is installed."""
    assert machine.run("systemd-analyze verify --man=no pcipath-wait@02.0-00.0.service pcipath-prune.service pcipath-alias.service pcipath-cdi.service 2>&1") == ""
    # The figure in the README, times ten.
    machine.run("systemd-analyze security --no-pager --threshold=14 pcipath-wait@02.0-00.0.service")
    if release != "bookworm":  # systemd 254
        machine.run("mkdir -p /run/pcipath/aliases.d; echo data=02.1/00.0,part=1 >/run/pcipath/aliases.d/test.conf; pcipath alias --apply")
        rules = "/usr/lib/udev/rules.d/61-pcipath.rules /run/udev/rules.d/62-pcipath-alias.rules"
        assert machine.run(f"udevadm verify --no-summary {rules} 2>&1") == ""
        machine.run("rm /run/pcipath/aliases.d/test.conf; pcipath alias --apply")
