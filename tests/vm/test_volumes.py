# SPDX-License-Identifier: LGPL-2.1-or-later
"""Volumes on top of disks by PCI path: the recipes of docs/guests.md, and the boots after that. Whatever is made of the disks, their links
stay theirs, and nothing above them gets one."""

import subprocess

import pytest
from checks import check_disks, lspci_paths
from machine import Machine, disk, root_ports, virtio
from oracle import disks, link_name, pci_path
from recipes import guest, keep_root, run_blocks, run_section, section_commands
from release import HOST
from test_packages import in_root

COVERS = {
    "crypttab": "Disk: encrypted with a key of each boot, by crypttab: at boot and plugged in later",
    "dracut": "Boot: LUKS below the root file system, by crypttab with a link in the initramfs",
    "initramfs-tools": "Boot: LUKS below the root file system, by crypttab with a link in the initramfs",
    "luks": "Disk: below a LUKS volume, by crypttab: at boot, plugged in later, and again",
    "lvm": "Disk: two below an LVM volume group with a filter: at boot, plugged in later, and again",
    "md": "Disk: two below an md array, by mdadm.conf: at boot, plugged in later, and again",
    "btrfs": "Disk: two of one Btrfs: at boot, plugged in later, and again",
    "swap": "Disk: swap: at boot, plugged in later, and again",
    "integrity": "Disk: below a dm-integrity volume, by a service: at boot, plugged in later, and again",
    "verity": "Disk: two below a dm-verity volume, by veritytab: at boot, plugged in later, and again",
    "multipath": "Disk: two paths of one SCSI disk below multipath: at boot, plugged in later, and again",
}

SECTIONS = {"luks": "LUKS", "lvm": "LVM", "md": "RAID (mdadm)", "btrfs": "Btrfs on two disks", "swap": "Swap", "integrity": "dm-integrity",
            "verity": "dm-verity", "multipath": "Multipath"}


def paths(name, port):
    """One SCSI disk behind two adapters."""
    return [device for n in (1, 0) for device in (
        {"driver": "virtio-scsi-pci", "id": f"{name}-adapter{n}", "bus": f"port{port + n}"},
        disk("scsi-hd", f"path{n}", bus=f"{name}-adapter{n}.0", channel=0, **{"scsi-id": 0, "share-rw": True}, lun=0, serial=name,
             wwn=0x5000c50000000001))]


# The devices of each kind where the recipes have them, the last disk first: it is plugged in first.
DEVICES = {
    "luks": [virtio("luks", "port1")],
    "lvm": [virtio("lvm1", "port3"), virtio("lvm0", "port2")],
    "md": [virtio("md1", "port5"), virtio("md0", "port4")],
    "btrfs": [virtio("btrfs1", "port7"), virtio("btrfs0", "port6")],
    "swap": [virtio("swap", "port8")],
    "integrity": [virtio("integrity", "port9")],
    "verity": [virtio("hashes", "port11"), virtio("data", "port10")],
    "multipath": paths("shared", 12),
}
BASE = [*root_ports(14), virtio("root", "port0")]
BOOT = "root=LABEL=root"


class Guest(Machine):
    def add_drives(self):
        for name in ("btrfs0", "btrfs1"):
            self.add_drive(name, size=(256 << 20) + 512 * int(name[-1]))
        for device in self.topology:
            if "drive" in device and device["drive"] not in ("root", *self._drives):
                self.add_drive(device["drive"])
        self._drives["path1"] = self._drives["path0"]

    def disks(self):
        """Two paths have one size. They are told by their adapters."""
        found = super().disks()
        for name in {"path0", "path1"} & set(disks(self.qmp)):
            [address] = [address for address, path in lspci_paths(self).items() if path == pci_path(self.qmp, name)]
            found[name] = self.run(f"ls /sys/bus/pci/devices/{address}/virtio*/host*/target*/*/block").strip()
        return found


@pytest.fixture(scope="module")
def machine(make_machine):
    """With every volume made, in use, and written to; then it was switched off."""
    with make_machine([*BASE, *sum(DEVICES.values(), [])], of=Guest, **guest(HOST)) as machine:
        keep_root(machine, without=("NetworkManager", "ifupdown"))
        machine.add_drives()
        machine.boot(BOOT)
        for name, heading in SECTIONS.items():
            run_section(machine, heading)
            check_lies_on(machine, name)
            if name not in ("swap", "verity"):
                machine.run(f"echo kept >/srv/{name}/file")
        check_disks(machine)
        machine.shutdown()
        yield machine


@pytest.fixture(scope="module")
def cold(machine):
    machine.boot(BOOT)
    return machine


@pytest.fixture(scope="module")
def late(machine):
    """Booted without any of the disks: nothing holds the boot."""
    machine.stop()
    machine.topology = BASE
    machine.boot(BOOT)
    return machine


def check_lies_on(machine, name):
    """The volume is in use, or is about to be, and is made of the disks that the host has plugged in for it: no other."""
    target = f"/srv/{name}"
    if name == "swap":
        below = "realpath $(swapon --noheadings --show=NAME)"
    elif name == "btrfs":
        below = f"btrfs filesystem show {target} | sed -n 's/.* path //p'"
    else:
        below = f"lsblk --inverse --noheadings --list --paths --output NAME,TYPE $(findmnt -n -o SOURCE {target}) | sed -n 's/ *disk//p'"
    ready = "swapon --noheadings | grep -q ." if name == "swap" else f"findmnt --mountpoint {target}"
    machine.run(f"timeout 900 sh -c 'until {ready}; do sleep 0.2; done' >/dev/null || {{ systemctl list-jobs; journalctl -b; exit 1; }} >&2")
    nodes = machine.disks()
    devices = {device["id"] for device in DEVICES[name] if "drive" in device}
    assert set(machine.run(below).split()) == {f"/dev/{nodes[device]}" for device in devices}


def check_volume(machine, name):
    check_lies_on(machine, name)
    if name not in ("swap", "verity"):
        assert machine.run(f"cat /srv/{name}/file") == "kept\n"
    machine.settle()
    check_disks(machine)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SECTIONS)
def test_cold(cold, name):
    check_volume(cold, name)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SECTIONS)
def test_late(late, name):
    """Plugged in, unplugged, and plugged in again while nothing but the recipe tells the guest what to do with it."""
    for _ in range(2):
        for device in DEVICES[name]:
            late.plug(device)
        check_volume(late, name)
        run_blocks(late, SECTIONS[name], "unplug")
        for device in reversed(DEVICES[name]):
            link = f"/dev/disk/by-pci-path/{link_name(late.qmp, device['id'])}" if "drive" in device else ""
            late.unplug(device["id"])
            if link:
                late.wait(link, gone=True)
        check_disks(late)


def test_crypttab(make_machine):
    """The units of the disk that is not there wait, and go on when it is. It needs no package but systemd's."""
    names = ("early", "later")
    text = "".join(f"{name} /dev/disk/by-pci-path/02.{n}-00.0 /dev/urandom swap,cipher=aes-xts-plain64,size=256,nofail\n"
                   for n, name in enumerate(names, 1))
    with make_machine([*root_ports(3), virtio("root", "port0"), virtio("early", "port1")]) as machine:
        keep_root(machine, files={"/etc/crypttab": text})
        for name in names:
            machine.add_drive(name)
        machine.boot(BOOT)
        check_encrypted(machine, "early")
        assert "systemd-cryptsetup@later.service start waiting" in " ".join(machine.run("systemctl list-jobs --no-legend").split())
        machine.plug(virtio("later", "port2"))
        check_encrypted(machine, "later")
        check_disks(machine)


def check_encrypted(machine, name):
    machine.run(f"timeout 900 sh -c 'until systemctl -q is-active systemd-cryptsetup@{name}.service; do sleep 0.2; done'")
    machine.settle()
    assert machine.run(f"lsblk --inverse --noheadings --list --output NAME,TYPE,FSTYPE /dev/mapper/{name}").split() == [
        name, "crypt", "swap", machine.disks()[name], "disk"]


# What makes a small image, as it would take an emulated processor minutes to unpack.
TOOLS = {
    "dracut": """printf '%s\n' 'hostonly=no' 'compress="zstd -1"' 'early_microcode=no' 'mdadmconf=no' 'lvmconf=no' \
        'dracutmodules="dash systemd systemd-initrd systemd-udevd systemd-journald systemd-modules-load dracut-systemd udev-rules base rootfs-block fs-lib dm crypt pcipath"' \
        'drivers="ext4"' >/etc/dracut.conf.d/tests.conf
""",
    "initramfs-tools": """printf '%s\n' MODULES=list COMPRESS=zstd COMPRESSLEVEL=1 >/etc/initramfs-tools/conf.d/tests
        echo ext4 >>/etc/initramfs-tools/modules""",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("tool", TOOLS)
def test_root(make_machine, tmp_path, tool):
    """With a cipher that does nothing the root file system lies behind the header as it is."""
    with make_machine([*root_ports(2), virtio("root", "port0"), virtio("header", "port1")], **guest(HOST)) as machine:
        header = machine.add_drive("header")
        machine.boot(BOOT)
        machine.run(": >/run/key && cryptsetup luksFormat -q --type=luks2 --cipher=cipher_null-ecb --pbkdf=pbkdf2 --iter-time=10"
                    " /dev/disk/by-pci-path/02.1-00.0 /run/key && sync")
    with make_machine([*root_ports(1), virtio("root", "port0")], **guest(HOST)) as machine:
        keep_root(machine, without=("NetworkManager", "ifupdown"))
        (tmp_path / "debs").mkdir()
        commands = f"mkdir /etc/keys; : >/etc/keys/system; {TOOLS[tool]}\n{section_commands('LUKS below the root file system', tool)}"
        machine.initrd = in_root(machine.root, tmp_path / "debs", tmp_path, f"{commands}\n[ -e /boot/initrd.img-* ] || mv /boot/init* /boot/initrd.img-new")
        whole = tmp_path / "system.img"
        whole.write_bytes(header.read_bytes()[:16 << 20])
        subprocess.run(["dd", f"if={machine.root}", f"of={whole}", "bs=1M", "seek=16", "conv=sparse,notrunc", "status=none"], check=True)
        whole.open("r+b").truncate((16 << 20) + machine.root.stat().st_size)
        machine.keep_root(whole)
        machine.boot("root=/dev/mapper/system")
        assert machine.run("findmnt -n -o SOURCE /") == "/dev/mapper/system\n"
        machine.settle()
        check_disks(machine)
