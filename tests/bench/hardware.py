# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines to measure in: many disks or cards, and a clock that counts the guest's instructions. For tests/bench/run."""

import subprocess

from machine import INSTRUCTION_CLOCK, Machine, card, disk

ROOT = {"driver": "virtio-blk-pci", "id": "root", "drive": "root", "serial": "root", "bus": "pcie.0", "addr": "1d.0"}


def scsi_disks(number, targets):
    """A virtio-scsi function in a slot of the root bus for each `targets` disks, one disk a target."""
    topology = []
    for i in range(number):
        if i % targets == 0:
            topology.append({"driver": "virtio-scsi-pci", "id": f"scsi{i // targets}", "bus": "pcie.0",
                             "addr": f"{4 + i // targets:02x}.0"})
        topology.append({"driver": "scsi-hd", "id": f"lun{i}", "drive": f"lun{i}", "serial": f"lun{i}",
                         "bus": f"scsi{i // targets}.0", "channel": 0, "scsi-id": i % targets, "lun": 0})
    return topology


def place(i):
    """The functions of slots 4 and up of the root bus, one after the other."""
    return f"{4 + i // 8:02x}.{i % 8}"


def virtio_disks(number):
    return [disk("virtio-blk-pci", f"disk{i}", bus="pcie.0", addr=place(i), multifunction=i % 8 == 0) for i in range(number)]


def cards(number):
    return [card(f"card{i}", "pcie.0", addr=place(i), multifunction=i % 8 == 0) for i in range(number)]


def aliases(number):
    """Lines of pcipath-aliases(5): one for each of virtio_disks() or cards()."""
    return "".join(f"alias-{i}={place(i)}\n" for i in range(number))


def partition(machine):
    """Two partitions on each drive, by a table made once."""
    drives = [machine.directory / f"{device['drive']}.img" for device in machine.topology if device.get("drive", "root") != "root"]
    subprocess.run(["sfdisk", "-q", drives[0]], input="start=2048,size=2048\nstart=4096,size=2048\n", text=True, check=True)
    table = drives[0].read_bytes()[:512]
    for drive in drives[1:]:
        with drive.open("r+b") as file:
            file.write(table)


def boot(guest, directory, topology, partitioned=False):
    """A booted q35 machine with a drive for each device that wants one, empty or with two partitions."""
    machine = Machine(guest, directory, [ROOT, *topology], memory="1G", options=INSTRUCTION_CLOCK)
    machine.add_drives()
    if partitioned:
        partition(machine)
    machine.boot("root=LABEL=root")
    machine.settle()
    return machine
