# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a machine as the sysfs tree in which a kernel would show it.

Every number that firmware or kernel hands out is made up here: in order and without gaps, or, with a seed, as
another boot could have had it (another order of probing, gaps, other buses). Nothing of it may show in a name.

The shapes are those of Linux 6.1: drivers/pci (probe.c, iov.c: a virtual function is a child of the bridge that its
physical function is below), drivers/scsi/scsi_sysfs.c, drivers/ata/libata-transport.c, drivers/nvme/host/core.c,
drivers/pci/controller/{vmd,pci-hyperv}.c. Only what has a meaning for names is there: every device's uevent, its
subsystem, the attributes and class links that by-path or pcipath read.
"""

import os
import random
from dataclasses import dataclass
from itertools import count

from trees import machine as m

UNTOUCHED = "EVENT=0\n"


@dataclass
class Device:
    """A device of the tree: `key` is what Names knows it by; None for what has no entry there."""
    devpath: str
    subsystem: str
    devtype: str = None
    key: object = None
    devname: str = None
    devnum: tuple = None
    ifindex: int = None
    is_char: bool = False

    @property
    def syspath(self):
        return "/sys" + self.devpath


@dataclass
class NvmeSubsystem:
    """One of the tree: the number in its name, and the instance of each namespace's head."""
    devpath: str
    number: int
    heads: dict


class Numbers:
    """What a boot makes up."""

    def __init__(self, seed=None):
        self.random = random.Random(seed) if seed is not None else None
        self.counters = {}

    def gap(self, most):
        return self.random.randint(0, most) if self.random else 0

    def order(self, items):
        items = list(items)
        if self.random:
            self.random.shuffle(items)
        return items

    def next(self, what, first=0, most_gap=2):
        number = self.counters.get(what, first) + self.gap(most_gap)
        self.counters[what] = number + 1
        return number


def disk_letters(number):
    letters = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


def count_buses(functions):
    """How many bus numbers the bridges and virtual functions on one bus need, with the bus itself."""
    return 1 + overflow(functions) + sum(count_buses(bridge_functions(f)) for f in functions if is_bridge(f))


def bridge_functions(function):
    return [below for below in function.below if isinstance(below, m.Function)]


def is_bridge(function):
    return bool(bridge_functions(function))


def vf_devfn(function, number):
    """PCI SR-IOV 3.3.9: a routing ID counts on from the physical function's, into the next buses."""
    return function.devfn + function.vfs.offset + function.vfs.stride * number


def overflow(functions):
    return max((vf_devfn(f, len(f.vfs.functions) - 1) >> 8 for f in functions if f.vfs), default=0)


class Tree:
    """The tree of `machine` below `root` (a directory that becomes /sys). `devices`: parents before children."""

    def __init__(self, machine, root, seed=None):
        self.root = root
        self.numbers = Numbers(seed)
        self.devices = []
        self.made = set()
        self.subsystems = {}  # NVMe
        self.spare = 0  # bus numbers of the host bridge that nobody needs

        for name in ("devices", "bus", "class", "dev"):
            os.makedirs(f"{root}/{name}", exist_ok=True)
        for top in self.numbers.order(machine.roots + machine.others):
            match top:
                case m.Root():
                    buses = {r.bus for r in machine.roots if isinstance(r, m.Root) and r.domain == top.domain}
                    self.add_root(top, min((bus for bus in buses if bus > top.bus), default=0x100))
                case m.VmbusRoot():
                    self.add_vmbus_root(top)
                case m.NoPci():
                    self.add_other(top)
                case m.NvmeSubsystem():
                    self.find_nvme_subsystem(top)
        for subsystem in self.subsystems.values():
            self.add_heads(subsystem)
        for group in machine.groups:
            self.add_group(group)

    # -- Directories, attributes, links --

    def mkdir(self, devpath):
        os.makedirs(self.root + devpath, exist_ok=True)
        return devpath

    def attribute(self, devpath, name, value):
        with open(f"{self.root}{devpath}/{name}", "w") as f:
            f.write(f"{value}\n")

    def link(self, path, target):
        """A relative link, as all of sysfs's are; both from the root of the tree."""
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), self.root + path)

    def add(self, devpath, subsystem=None, devtype=None, key=None, uevent="", klass=False):
        self.mkdir(devpath)
        lines = f"DEVTYPE={devtype}\n" if devtype else ""
        with open(f"{self.root}{devpath}/uevent", "w") as f:
            f.write(uevent + lines)

        if subsystem:
            name = os.path.basename(devpath)
            of_subsystem = f"/class/{subsystem}" if klass else f"/bus/{subsystem}"
            self.link(f"{devpath}/subsystem", of_subsystem)
            self.link(f"{of_subsystem}/{name}" if klass else f"{of_subsystem}/devices/{name}", devpath)
            self.devices.append(Device(devpath, subsystem, devtype, key))
        return devpath

    # -- Roots --

    def add_platform(self, above):
        """What is above a root bus or a disk, and plays no part in a name."""
        devpath = "/devices"
        for name in filter(None, above.split("/")):
            devpath = f"{devpath}/{name}"
            if devpath in self.made or devpath == "/devices/virtual":
                self.mkdir(devpath)
                continue
            self.made.add(devpath)
            if name.endswith((".pcie", ".virtio_mmio")):
                self.add(devpath, "platform")
            elif name.count(".") == 2:
                self.add(devpath, "ccw")
            elif ":" in name:
                self.add(devpath, "acpi")
            else:
                self.add(devpath)
        return devpath

    def add_other(self, other):
        above = self.add_platform(other.above)
        if other.virtio:
            above = self.add(f'{above}/virtio{self.numbers.next("virtio")}', "virtio")
        self.add_disk(above, other.disk, "vd" if other.virtio else "loop")

    def add_root(self, root, end):
        above = self.add_platform(root.above)
        self.add_host_bridge(above, root.domain, root.bus, root.functions, end)

    def add_vmbus_root(self, root):
        above = self.add_platform(root.above)
        name = f'vmbus_{self.numbers.next("vmbus", 1)}_1' if root.old else root.guid
        devpath = self.add(f"{above}/{name}", "vmbus", uevent=f'MODALIAS=vmbus:{root.guid.replace("-", "")}\n')
        self.attribute(devpath, "device_id", "{" + root.guid + "}")
        # hv_pci_probe(): bytes 4 and 5 of the GUID, or another one when a device has that already; never 0.
        domain = self.numbers.next("vmbus domain", 0x8d3a, most_gap=100)
        self.add_host_bridge(devpath, domain, 0, root.functions)

    def add_host_bridge(self, above, domain, bus, functions, end=0x100):
        """`end`: the first bus number that is not its own."""
        devpath = self.add(f"{above}/pci{domain:04x}:{bus:02x}")
        outer, self.spare = self.spare, max(0, end - bus - count_buses(functions))
        self.add_bus(devpath, domain, bus, functions)
        self.spare = outer

    # -- Functions --

    def add_bus(self, above, domain, bus, functions):
        """The functions on a bus. The bridges take the buses from the next one on, in any order, with gaps where

        there are numbers to spare. Return: the first bus number that is free.
        """
        free = bus + 1 + overflow(functions)
        for function in self.numbers.order(functions):
            if is_bridge(function):
                free = self.add_function(above, domain, bus, function, free + self.take_spare())
            else:
                self.add_function(above, domain, bus, function, free)
        return free

    def take_spare(self):
        gap = self.numbers.gap(min(3, self.spare))
        self.spare -= gap
        return gap

    def add_function(self, above, domain, bus, function, free):
        devpath = self.add_function_device(above, domain, bus, function.devfn, function)
        if function.vfs:
            for number in self.numbers.order(range(len(function.vfs.functions))):
                self.add_virtual_function(above, devpath, domain, bus, function, number)
        bridged = bridge_functions(function)
        if bridged:
            self.attribute(devpath, "secondary_bus_number", free)
            free = self.add_bus(devpath, domain, free, bridged)
        self.add_all_below(devpath, function)
        return free

    def add_function_device(self, above, domain, bus, devfn, function):
        # Only malformed machines have more buses than there are numbers.
        name = f"{domain:04x}:{bus & 0xff:02x}:{devfn >> 3 & 0x1f:02x}.{devfn & 7}"
        return self.add(f"{above}/{name}", "pci", key=function, uevent=f"PCI_SLOT_NAME={name}\n")

    def add_virtual_function(self, above, physfn, domain, bus, function, number):
        devfn = vf_devfn(function, number)
        virtual = function.vfs.functions[number]
        devpath = self.add_function_device(above, domain, bus + (devfn >> 8), devfn & 0xff, virtual)
        self.link(f"{devpath}/physfn", physfn)
        self.link(f"{physfn}/virtfn{number}", devpath)
        self.add_all_below(devpath, virtual)

    def add_all_below(self, devpath, function, things=None):
        for below in self.numbers.order(function.below if things is None else things):
            match below:
                case m.HostBridge():
                    # vmd_find_free_domain(): from 0x10000 on, in the order of probing.
                    domain = self.numbers.next("domain", 0x10000)
                    self.add_host_bridge(devpath, domain, below.bus, below.functions)
                case m.VirtioBlk():
                    self.add_disk(self.add_virtio(devpath, function), below.disk, "vd")
                case m.VirtioPmem():
                    self.add_pmem(self.add_virtio(devpath, function), below.disk, function, below.claim)
                case m.Pmem():
                    self.add_pmem(devpath, below.disk, function, "namespace")
                case m.VirtioScsi():
                    self.add_scsi_host(self.add_virtio(devpath, function), below.luns, function)
                case m.ScsiHosts():
                    # scsi_host_alloc(): the hosts of one function are made in one go, with numbers that follow.
                    base = self.numbers.next("host")
                    for number, luns in enumerate(below.hosts):
                        self.add_scsi_host(devpath, luns, function, base + number)
                    self.numbers.counters["host"] = base + len(below.hosts)
                case m.Nvme():
                    self.add_nvme(devpath, below, function)
                case m.Ata():
                    self.add_ata(devpath, below, function)
                case m.FibreChannel():
                    self.add_fibre_channel(devpath, below, function)
                case m.Sas():
                    base = self.numbers.next("host")
                    for number, devices in enumerate(below.hosts):
                        self.add_sas(devpath, base + number, devices, function)
                    self.numbers.counters["host"] = base + len(below.hosts)
                case m.Usb():
                    self.add_usb(devpath, below, function)
                case m.Net():
                    self.add_net(self.add_virtio(devpath, function) if below.virtio else devpath, below)
                case m.SubFunctions():
                    for number, things in self.numbers.order(below.below.items()):
                        above = self.add(f'{devpath}/mlx5_core.sf.{self.numbers.next("auxiliary", 2)}', "auxiliary", key=function)
                        self.attribute(above, "sfnum", number)
                        self.add_all_below(above, function, things)
                case m.Auxiliary():
                    above = self.add(f'{devpath}/mlx5_core.eth.{self.numbers.next("auxiliary", 2)}', "auxiliary", key=function)
                    self.add_all_below(above, function, below.below)
                case m.Nodes():
                    above = self.add_virtio(devpath, function) if below.virtio else devpath
                    for node in below.nodes:
                        self.add_node(above, node, function)
                case m.Mmc():
                    number = self.numbers.next("mmc")
                    host = self.add(f"{devpath}/mmc_host/mmc{number}", "mmc_host", key=function, klass=True)
                    card = self.add(f"{host}/mmc{number}:0001", "mmc", key=function)
                    self.add_disk(card, below.disk, "mmcblk")

    def add_node(self, above, node, function):
        for number, (path, subsystem, *more) in enumerate(node.steps, 1):
            devtype, attributes = [*more, None, {}][:2] if len(more) < 2 else more
            above = f"{above}/{path}"
            if number == len(node.steps):
                self.add_char(above, subsystem, node, node.uevent, os.path.basename(path))
            elif above not in self.made:
                self.made.add(above)
                self.add(above, subsystem, devtype, function, klass=subsystem not in ("usb", "hid", "scsi", "usb-serial"))
            for name, value in (attributes or {}).items():
                self.attribute(above, name, value)

    def add_char(self, devpath, subsystem, key, uevent, devname):
        number = self.numbers.next("char", most_gap=0)
        major, minor = 250 + (number >> 8), number & 0xff
        self.add(devpath, subsystem, key=key, klass=True, uevent=f"MAJOR={major}\nMINOR={minor}\nDEVNAME={devname}\n{uevent}")
        self.attribute(devpath, "dev", f"{major}:{minor}")
        self.link(f"/dev/char/{major}:{minor}", devpath)
        self.devices[-1].devname, self.devices[-1].devnum, self.devices[-1].is_char = devname, (major, minor), True

    def add_group(self, group):
        """Linux drivers/iommu/iommu.c and drivers/vfio/vfio_main.c: its node is there as long as a function is bound."""
        number = self.numbers.next("group")
        for device in [d for d in self.devices if d.subsystem == "pci" and d.key in group.functions]:
            self.link(f"/kernel/iommu_groups/{number}/devices/{os.path.basename(device.devpath)}", device.devpath)
            self.link(f"{device.devpath}/iommu_group", f"/kernel/iommu_groups/{number}")
            driver = "vfio-pci" if device.key in group.bound else "pcieport"
            self.mkdir(f"/bus/pci/drivers/{driver}")
            self.link(f"{device.devpath}/driver", f"/bus/pci/drivers/{driver}")
        if group.bound:
            name = f"noiommu-{number}" if group.noiommu else f"{number}"
            self.add_char(f"/devices/virtual/vfio/{name}", "vfio", group, "", f"vfio/{name}")

    def add_net(self, above, net):
        for port in self.numbers.order(net.ports):
            ifindex = self.numbers.next("ifindex", 2, most_gap=0)
            name = f"eth{ifindex}"
            devpath = self.add(f"{above}/net/{name}", "net", key=port, klass=True,
                               uevent=f"INTERFACE={name}\nIFINDEX={ifindex}\n")
            self.link(f"{devpath}/device", above)
            self.attribute(devpath, "ifindex", ifindex)
            self.attribute(devpath, "dev_port", port.number)
            if port.name is not None:
                self.attribute(devpath, "phys_port_name", port.name)
            self.devices[-1].ifindex = ifindex

    # -- Disks --

    def add_virtio(self, devpath, function):
        return self.add(f'{devpath}/virtio{self.numbers.next("virtio")}', "virtio", key=function)

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
