# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a machine as the sysfs tree in which a kernel would show it.

Every number that firmware or kernel hands out is made up here: in order and without gaps, or, with a seed, as
another boot could have had it (another order of probing, gaps, other buses). Nothing of it may show in a name.

The shapes are those of Linux 6.1: drivers/pci (probe.c, iov.c: a virtual function is a child of the bridge that its
physical function is below), drivers/pci/controller/{vmd,pci-hyperv}.c, and those of trees/storage.py. Only what has a meaning for names
is there: every device's uevent, its subsystem, the attributes and class links that by-path or pcipath read.
"""

import os

from trees import machine as m
from trees.storage import Storage


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


class Tree(Storage):
    """The tree of `machine` below `root` (a directory that becomes /sys). `devices`: parents before children."""

    def __init__(self, machine, root, seed=None):
        super().__init__(root, seed)
        self.made = set()
        self.spare = 0  # bus numbers of the host bridge that nobody needs

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

    def add_virtio(self, devpath, function):
        return self.add(f'{devpath}/virtio{self.numbers.next("virtio")}', "virtio", key=function)

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
        devpath = self.add_physical_function(above, domain, bus, function)
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

    def add_physical_function(self, above, domain, bus, function):
        devpath = self.add_function_device(above, domain, bus, function.devfn, function)
        # pci_dev_hp_attrs_are_visible(): virtual functions have none.
        self.attribute(devpath, "remove", "")
        return devpath

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
