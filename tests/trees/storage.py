# SPDX-License-Identifier: LGPL-2.1-or-later
"""The storage below a PCI function in a synthetic sysfs tree.

The shapes are those of Linux 6.1: drivers/scsi/scsi_sysfs.c, drivers/ata/libata-transport.c, drivers/nvme/host/core.c.
"""

import os
from dataclasses import dataclass
from itertools import count

from trees.writer import Writer

UNTOUCHED = "EVENT=0\n"


@dataclass
class NvmeSubsystem:
    """One of the tree: the number in its name, and the instance of each namespace's head."""
    devpath: str
    number: int
    heads: dict


def disk_letters(number):
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


class Storage(Writer):
    """Adds controllers, hosts, disks and partitions."""

    def __init__(self, root, seed):
        super().__init__(root, seed)
        self.subsystems = {}  # NVMe

    def add_pmem(self, above, disk, function, claim):
        """nvdimm_bus_register(), nd_region_create(), and the namespace or what claims it (drivers/nvdimm/{pfn,btt}_devs.c)."""
        number = self.numbers.next("nd")
        bus = self.add(f"{above}/ndbus{number}", "nd", "nvdimm_bus", key=function)
        region = self.add(f"{bus}/region{number}", "nd", "nd_region", key=function)
        device = self.add(f'{region}/{claim}{number}.{0 if claim == "namespace" else 1}', "nd", key=function)
        self.add_disk(device, disk, "pmem", number)

    def add_scsi_host(self, above, luns, function, number=None):
        number = self.numbers.next("host") if number is None else number
        host = self.add(f"{above}/host{number}", "scsi", "scsi_host", key=function)
        self.add(f"{host}/scsi_host/host{number}", "scsi_host", key=function, klass=True)
        targets = {}
        for lun in self.numbers.order(luns):
            self.add_lun(host, number, targets, (lun.channel, lun.target, lun.kernel_lun), lun.disk, function)

    def add_lun(self, host, number, targets, address, disk, function):
        channel, target, lun = address
        if (channel, target) not in targets:
            targets[channel, target] = self.add(f"{host}/target{number}:{channel}:{target}", "scsi", "scsi_target",
                                                key=function)
        device = self.add(f"{targets[channel, target]}/{number}:{channel}:{target}:{lun}", "scsi", "scsi_device",
                          key=function)
        self.add_disk(device, disk, "sd")

    def add_nvme(self, devpath, nvme, function):
        number = self.numbers.next("nvme")
        controller = self.add(f"{devpath}/nvme/nvme{number}", "nvme", key=function, klass=True)
        self.attribute(controller, "state", nvme.state)
        if nvme.subsystem:
            subsystem = self.find_nvme_subsystem(nvme.subsystem)
            self.add_paths(subsystem, controller, number, nvme.namespaces, nvme.lost)
            return
        for instance, namespace in enumerate(self.numbers.order(nvme.namespaces), 1):
            disk = self.add_disk(controller, namespace.disk, f"nvme{number}n", instance, klass_dir="")
            self.attribute(disk, "nsid", namespace.nsid)

    def find_nvme_subsystem(self, subsystem):
        """It has the number of its first controller, which may be gone."""
        if subsystem not in self.subsystems:
            number = self.numbers.next("nvme")
            devpath = self.add(f"/devices/virtual/nvme-subsystem/nvme-subsys{number}", "nvme-subsystem", klass=True)
            self.attribute(devpath, "iopolicy", "numa")
            self.subsystems[subsystem] = found = NvmeSubsystem(devpath, number, {})
            if subsystem.fabric:
                other = self.numbers.next("nvme")
                controller = self.add(f"/devices/virtual/nvme-fabrics/ctl/nvme{other}", "nvme", klass=True)
                self.attribute(controller, "state", "live")
                self.add_paths(found, controller, other, subsystem.fabric)
        return self.subsystems[subsystem]

    def add_paths(self, subsystem, controller, number, namespaces, lost=()):
        """Hidden disks without a node and without events, whose names begin as their head's does."""
        self.link(f"{subsystem.devpath}/nvme{number}", controller)
        for namespace in self.numbers.order(namespaces):
            instance = subsystem.heads.setdefault(namespace, len(subsystem.heads) + 1)
            name = f"nvme{subsystem.number}c{number}n{instance}"
            # Not among the devices, which have events.
            path = self.add(f"{controller}/{name}", uevent="DEVTYPE=disk\n")
            self.link(f"{path}/subsystem", "/class/block")
            self.link(f"/class/block/{name}", path)
            self.attribute(path, "nsid", namespace.nsid)
            self.attribute(path, "ana_state", "persistent-loss" if namespace in lost else "inaccessible")

    def add_heads(self, subsystem):
        for namespace, instance in subsystem.heads.items():
            head = self.add_disk(subsystem.devpath, namespace.disk, f"nvme{subsystem.number}n", instance, klass_dir="")
            self.attribute(head, "nsid", namespace.nsid)
            self.link(f"{head}/device", subsystem.devpath)

    def add_ata(self, devpath, ata, function):
        for port in self.numbers.order(ata.ports):
            number = self.numbers.next("ata", 1)
            above = self.add(f"{devpath}/ata{number}")
            klass = self.add(f"{above}/ata_port/ata{number}", "ata_port", key=function, klass=True)
            self.attribute(klass, "port_no", port.number)

            host_number = self.numbers.next("host")
            host = self.add(f"{above}/host{host_number}", "scsi", "scsi_host", key=function)
            disks = [((0, 0, 0), port.disk), ((0, 1, 0), port.slave)]
            disks += [((multiplier_port, 0, 0), disk) for multiplier_port, disk in port.multiplied or []]
            targets = {}
            for address, disk in self.numbers.order(disks):
                if disk:
                    self.add_lun(host, host_number, targets, address, disk, function)

    def add_class_device(self, above, klass, function, **attributes):
        """Of a transport: it has the name of the device that it is for."""
        devpath = self.add(f"{above}/{klass}/{os.path.basename(above)}", klass, key=function, klass=True)
        for name, value in attributes.items():
            self.attribute(devpath, name, value)

    def add_fibre_channel(self, devpath, channel, function):
        number = self.numbers.next("host")
        host = self.add(f"{devpath}/host{number}", "scsi", "scsi_host", key=function)
        for target, (name, luns) in enumerate(self.numbers.order(channel.ports.items())):
            above = self.add(f"{host}/rport-{number}:0-{target}")
            targets = {}
            for lun in luns:
                self.add_lun(above, number, targets, (0, target, lun.kernel_lun), lun.disk, function)
            for devpath_of_target in targets.values():
                self.add_class_device(devpath_of_target, "fc_transport", function, port_name=name)

    def add_sas(self, devpath, number, devices, function):
        host = self.add(f"{devpath}/host{number}", "scsi", "scsi_host", key=function)
        expanders = {}
        for target, device in enumerate(self.numbers.order(devices)):
            above, name = host, f"{number}:{target}"
            if device.expander:
                above = expanders.get(device.expander) or self.add_expander(host, number, device, function)
                name = f"{number}:0:{target}"
                expanders[device.expander] = above
            port = self.add(f"{above}/port-{name}")
            self.add_class_device(port, "sas_port", function, num_phys=device.phys)
            end = self.add(f"{port}/end_device-{name}")
            self.add_class_device(end, "sas_device", function, phy_identifier=device.phy, sas_address=device.address)
            targets = {}
            for lun in device.luns:
                self.add_lun(end, number, targets, (0, target, lun.kernel_lun), lun.disk, function)

    def add_expander(self, host, number, device, function):
        expander = self.numbers.next("expander")
        devpath = self.add(self.add(f"{host}/port-{number}:{100 + expander}") + f"/expander-{number}:{expander}")
        self.add_class_device(devpath, "sas_device", function, sas_address=device.expander)
        return devpath

    def add_usb(self, devpath, usb, function):
        numbers = [self.numbers.next("usb", 1) for _ in range(usb.root_hubs)]
        for number in numbers:
            hub = self.add(f"{devpath}/usb{number}", "usb", "usb_device", key=function)
            ports = self.add(f"{hub}/{number}-0:1.0", "usb", "usb_interface", key=function)
            for port in range(1, 5):
                self.mkdir(f"{ports}/usb{number}-port{port}")
                for other in (n for n in numbers if n != number and usb.sockets):
                    self.link(f"{ports}/usb{number}-port{port}/peer", f"{devpath}/usb{other}/{other}-0:1.0/usb{other}-port{port}")
        for disk in self.numbers.order(usb.disks):
            number = numbers[disk.root_hub]
            above = f"{devpath}/usb{number}"
            ports = disk.ports.split(".")
            for depth in range(len(ports)):
                above = f'{above}/{number}-{".".join(ports[:depth + 1])}'
                if not os.path.isdir(self.root + above):
                    self.add(above, "usb", "usb_device", key=function)
            interface = self.add(f"{above}/{number}-{disk.ports}:{disk.interface}", "usb", "usb_interface", key=function)
            self.add_scsi_host(interface, disk.luns, function)

    def add_disk(self, above, disk, prefix, instance=None, klass_dir="/block"):
        if prefix in ("sd", "vd"):
            name = prefix + disk_letters(self.numbers.next(prefix))
        else:
            name = f"{prefix}{self.numbers.next(prefix) if instance is None else instance}"
        devpath = f"{above}{klass_dir}/{name}"
        self.add_block(devpath, name, "disk", disk)
        separator = "p" if name[-1].isdigit() else ""
        for number in range(1, disk.partitions + 1):
            partition = f"{name}{separator}{number}"
            self.add_block(f"{devpath}/{partition}", partition, "partition", (disk, number))
            self.attribute(f"{devpath}/{partition}", "partition", number)
        return devpath

    def add_block(self, devpath, name, devtype, key):
        number = next(self.minors)
        major, minor = 240 + (number >> 8), number & 0xff
        # Who writes an event into the file overwrites the first line and nothing else.
        self.add(devpath, "block", devtype, key, f"{UNTOUCHED}MAJOR={major}\nMINOR={minor}\nDEVNAME={name}\n", klass=True)
        self.attribute(devpath, "dev", f"{major}:{minor}")
        self.link(f"/dev/block/{major}:{minor}", devpath)
        self.devices[-1].devname = name
        self.devices[-1].devnum = (major, minor)

    @property
    def minors(self):
        if not hasattr(self, "_minors"):
            self._minors = count(self.numbers.gap(3))
        return self._minors
