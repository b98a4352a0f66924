# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases from files, credentials and the kernel command line: in the initramfs and after it, with udevd and without."""

import base64
import json
import subprocess

import pytest
from machine import card, disk, root_ports

COVERS = {
    "boot_by_alias": "Boot: root on a disk by its alias; aliases of disks and interfaces, from each source, kept and changed at the change of root",
    "without_udevd": "Alias: disks and interfaces without udevd, cold and hot",
}

# In the image's own files; as a credential; and one that is given twice.
IMAGE = "system=02.0/00.0\nonly-in-image=02.1-00.0\nclash=02.0/00.0\n"
CREDENTIAL = "lan=02.2/00.0\nspare=02.3/00.0\nwrong line\nclash=02.1/00.0\n"
WORDS = "pcipath.alias=database=02.1/00.0 pcipath.alias=twin=02.1-00.0"
TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0"), disk("virtio-blk-pci", "data", bus="port1"), card("card", "port2")]

SMBIOS = ["-smbios", "type=11,value=io.systemd.credential.binary:pcipath.aliases=" + base64.b64encode(CREDENTIAL.encode()).decode()]


def fw_cfg(directory):
    """QEMU's option, by a file: an option's value has no line breaks."""
    (directory / "aliases").write_text(CREDENTIAL)
    return ["-fw_cfg", f"name=opt/io.systemd.credentials/pcipath.aliases,file={directory / 'aliases'}"]


def add_to_image(machine, text):
    """/etc/pcipath/aliases.d/1.conf in the initramfs: the kernel unpacks one archive after the other."""
    tree = machine.directory / "image"
    (tree / "etc/pcipath/aliases.d").mkdir(parents=True)
    (tree / "etc/pcipath/aliases.d/1.conf").write_text(text)
    files = "etc\netc/pcipath\netc/pcipath/aliases.d\netc/pcipath/aliases.d/1.conf\n"
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=files.encode(), stdout=subprocess.PIPE, check=True).stdout
    image = machine.directory / "initrd"
    image.write_bytes(machine.initrd.read_bytes() + archive)
    machine.initrd = image


def links(machine):
    """From each link by alias to the node."""
    rows = machine.run("cd /dev/disk/by-pci-alias 2>/dev/null && ls -l || true").splitlines()
    return {row.split()[-3]: row.split()[-1].rpartition("/")[2] for row in rows if row.startswith("l")}


def altnames(machine):
    [found] = [link for link in json.loads(machine.run("ip -j link")) if link["ifname"] != "lo"]
    return {found["ifname"], *found.get("altnames", [])}


def check_hot(machine):
    """A disk that is plugged in has its alias, and no other."""
    before = links(machine)
    machine.plug(disk("virtio-blk-pci", "late", bus="port3"))
    machine.wait("/dev/disk/by-pci-path/02.3-00.0")
    assert links(machine) == before | {"spare": machine.disks()["late"]}
    machine.unplug("late")
    machine.wait("/dev/disk/by-pci-path/02.3-00.0", gone=True)
    assert links(machine) == before


@pytest.mark.parametrize("kind", ["nosystemd", *(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in ("systemd", "initramfs-tools"))])
def test_boot_by_alias(make_machine, release, kind, tmp_path):
    """The image has a file that the root file system does not have. So its aliases go at the change of root, and the others stay."""
    options = fw_cfg(tmp_path) if kind != "systemd" else SMBIOS
    with make_machine(TOPOLOGY, kind=kind, release=release, options=options) as machine:
        add_to_image(machine, IMAGE)
        for name in ("data", "late"):
            machine.add_drive(name)
        subprocess.run(["sfdisk", "-q", machine.directory / "data.img"], input="size=2048\n", text=True, check=True)
        machine.boot(f"root=/dev/disk/by-pci-alias/system rd.pcipath.wait=alias:database,alias:lan {WORDS}")
        machine.settle()
        nodes = machine.disks()
        # The link that it was mounted by has gone.
        assert machine.run("findmnt -n -o MAJ:MIN /").strip() == machine.run(f"cat /sys/class/block/{nodes['root']}/dev").strip()
        data = {f"{name}{part and f'-part{part}'}": nodes["data"] + part for name in ("database", "twin") for part in ("", "1")}
        assert links(machine) == data | {"clash": nodes["data"], "clash-part1": f"{nodes['data']}1"}
        assert {"lan", "pci-02.2-00.0"} <= altnames(machine)
        machine.run("udevadm info /dev/disk/by-pci-alias/database && systemctl is-active sys-subsystem-net-devices-lan.device")
        state = machine.run("systemctl show -P Result pcipath-alias.service; journalctl -b -o cat -u pcipath-alias.service")
        assert state.startswith("exit-code\n") and "pcipath.aliases:3: the line is not NAME=TARGET" in state
        check_hot(machine)
        if release != "bookworm":  # systemd 254 has it
            machine.run("udevadm verify /run/udev/rules.d/62-pcipath-alias.rules")

        machine.run("mkdir -p /etc/pcipath/aliases.d && printf 'other=02.1/00.0\\ndmz=02.2/00.0\\n' >/etc/pcipath/aliases.d/1.conf")
        machine.call("pcipath alias --apply")
        machine.settle()
        assert links(machine) == data | {name.replace("clash", other): node for other in ("clash", "other") for name, node in (
            ("clash", nodes["data"]), ("clash-part1", f"{nodes['data']}1"))}
        assert {"lan", "dmz"} <= altnames(machine)
        machine.run("rm /etc/pcipath/aliases.d/1.conf")
        machine.call("systemctl restart pcipath-alias.service")
        machine.settle()
        assert links(machine) == data | {"clash": nodes["data"], "clash-part1": f"{nodes['data']}1"} and "dmz" not in altnames(machine)


def test_without_udevd(make_machine):
    """As one manager makes them that knows them from its start."""
    with make_machine(TOPOLOGY, kind="minimal", options=SMBIOS) as machine:
        add_to_image(machine, IMAGE)
        for name in ("data", "late"):
            machine.add_drive(name)
        machine.boot(WORDS)
        machine.settle()
        nodes = machine.disks()
        assert links(machine) == {"system": nodes["root"], "database": nodes["data"], "twin": nodes["data"], "only-in-image": nodes["data"]}
        assert {"lan", "pci-02.2-00.0"} <= altnames(machine)
        check_hot(machine)


@pytest.mark.exhaustive
def test_no_aliases_no_process(make_machine, release):
    """systemd does not start the unit."""
    with make_machine(TOPOLOGY[:5], kind="systemd", release=release) as machine:
        machine.boot("root=/dev/disk/by-pci-path/02.0-00.0")
        assert machine.run("systemctl show -P ConditionResult pcipath-alias.service") == "no\n"
        assert machine.run("systemctl show -P ExecMainPID pcipath-alias.service") == "0\n"
        assert machine.run("ls -A /run/udev/rules.d /run/pcipath 2>/dev/null || true").count("alias") == 0
