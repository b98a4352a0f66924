# SPDX-License-Identifier: LGPL-2.1-or-later
"""The oracle: what the naming contract (pcipath-names(7)) calls each function and disk of a description.

Written from the contract, for descriptions, which say what the contract speaks of. It has never seen a sysfs tree.
"""

from dataclasses import dataclass

from trees import machine as m

LINK_BYTES = 255
INTERFACE_BYTES = 127


@dataclass(frozen=True)
class Name:
    path: str  # None: it is below no function
    link: str = None  # of a disk; None: the contract gives no link
    interface: str = None
    nodes: tuple = ()  # links of a node that is no disk, below /dev
    sub: int = None  # the number of the sub-function that it is below

    @property
    def flat(self):
        return flatten(self.path)

    @property
    def places(self):
        """The path and link of each place where the device is plugged in."""
        return [(self.path, self.link)] if self.path else []

    @property
    def disk_links(self):
        return [link for _, link in self.places if link]

    @property
    def links(self):
        """All of them, below /dev."""
        return [*(f"disk/by-pci-path/{link}" for link in self.disk_links), *self.nodes]

    def properties(self):
        properties = {"ID_PCI_PATH": self.path, "ID_PCI_PATH_TAG": self.flat} if self.path else {}
        if self.link is not None:
            properties["ID_PCI_PATH_LINK"] = self.link
        if self.interface is not None:
            properties["ID_NET_NAME_PCI_PATH"] = self.interface
        if self.nodes:
            properties["ID_PCI_PATH_LINKS"] = " ".join(sorted(self.nodes))
        return properties


@dataclass(frozen=True)
class Several(Name):
    """Of a device that is plugged in at several places. No path of them is the one."""
    path: str = None
    names: tuple = ()

    @property
    def places(self):
        return [(name.path, name.link) for name in self.names]

    def properties(self):
        return {"ID_PCI_PATH_LINKS": " ".join(sorted(self.links))} if self.links else {}


def flatten(path):
    return path.replace("/", "-").replace(":", "_")


def limited(link):
    return link if len(link) <= LINK_BYTES else None


def port_word(port):
    return f"n{port.name}" if port.name else f"d{port.number}" if port.number else ""


def interface_name(port, ports, path, sub=None):
    """None: it is too long, not unique, or a port has a name that no interface could have."""
    words = [port_word(other) for other in ports]
    word = port_word(port)
    name = f"pci-{flatten(path)}{'' if sub is None else f'S{sub}'}{word}"
    legal = all("!" <= c <= "~" and c not in ":/%" for c in word)
    return name if legal and words.count(word) == 1 and len(name) <= INTERFACE_BYTES else None


def root_prefix(root):
    if isinstance(root, m.VmbusRoot):
        return root.guid.replace("-", "").lower() + ":"
    if root.domain == 0 and root.bus == 0:
        return ""
    return f"{root.domain:04x}:{root.bus:02x}:"


def scsi(host, lun):
    return f"scsi-{host}:{lun.channel}:{lun.target}:{lun.contract_lun}"


def disks_below(below):
    """Each disk with its suffix; None when it has no words."""
    match below:
        case m.VirtioBlk() | m.VirtioPmem():
            yield below.disk, ""
        case m.VirtioScsi():
            for lun in below.luns:
                yield lun.disk, "-" + scsi(0, lun)
        case m.ScsiHosts():
            for host, luns in enumerate(below.hosts):
                for lun in luns:
                    yield lun.disk, "-" + scsi(host, lun)
        case m.Nvme():
            for namespace in below.live_namespaces:
                yield namespace.disk, f"-nvme-{namespace.nsid}"
        case m.Ata():
            for port in below.ports:
                yield from ata_disks(port)
        case m.FibreChannel():
            for port, luns in below.ports.items():
                for lun in luns:
                    yield lun.disk, f"-fc-{port}-lun-{lun.contract_lun}"
        case m.Sas():
            for number, devices in enumerate(below.hosts):
                for device in devices:
                    for lun in device.luns:
                        yield lun.disk, f"-{sas(device)}-lun-{lun.contract_lun}" if number == 0 else None
        case m.Usb():
            for device in below.disks:
                word = f"-usb-0:{device.ports}:{device.interface}-" if below.sockets or below.root_hubs < 2 else None
                for lun in device.luns:
                    yield lun.disk, word and word + scsi(0, lun)
        case m.Mmc() | m.Pmem():
            yield below.disk, None


def sas(device):
    if device.phys > 1:
        return f"sas-{device.address}"
    return f"sas-exp{device.expander}-phy{device.phy}" if device.expander else f"sas-phy{device.phy}"


def ata_disks(port):
    if port.disk:
        yield port.disk, f"-ata-{port.number}.0"
    if port.slave:
        yield port.slave, f"-ata-{port.number}.1"
    for multiplier_port, disk in port.multiplied or []:
        yield disk, f"-ata-{port.number}.{multiplier_port}.0" if multiplier_port else f"-ata-{port.number}.0"


class Names(dict):
    """From a Function or a Disk to its Name, from (disk, N) to that of its partition N; None: no PCI path."""

    def __init__(self, machine):
        super().__init__()
        for root in machine.roots:
            for function in root.functions:
                self.add_function(function, root_prefix(root) + function.address)
        for other in machine.others:
            if isinstance(other, m.NoPci):
                self.add_disk(other.disk, None, None)
        for group in machine.groups:
            # The tests' functions have addresses in the order of their paths.
            self[group] = Several(names=tuple(self[function] for function in group.bound),
                                  nodes=tuple(f"vfio/by-pci-path/{self[function].flat}" for function in group.bound))

    def add_function(self, function, path):
        self[function] = Name(path)
        self.add_all_below(function.below, path)
        if function.vfs:
            for number, virtual in enumerate(function.vfs.functions):
                self.add_function(virtual, f"{path}v{number}")

    def add_all_below(self, things, path, sub=None):
        """`sub`: the number of the sub-function that they are below, if any."""
        for below in things:
            match below:
                case m.Function():
                    self.add_function(below, f"{path}/{below.address}")
                case m.HostBridge():
                    for nested in below.functions:
                        self.add_function(nested, f"{path}/{below.bus:02x}:{nested.address}")
                case m.Net():
                    for port in below.ports:
                        self[port] = Name(path, interface=interface_name(port, below.ports, path, sub), sub=sub)
                case m.SubFunctions():
                    for number, inner in below.below.items():
                        self.add_all_below(inner, path, number)
                case m.Auxiliary():
                    for net in below.below:
                        for port in net.ports:
                            self[port] = Name(path)
                case m.Nodes():
                    for node in below.nodes:
                        flat = flatten(path) + (f"-sf-{sub}" if sub is not None else "")
                        self[node] = Name(path, nodes=(node.link.replace("FLAT", flat),) if node.link else (), sub=sub)
                case _:
                    for disk, suffix in disks_below(below):
                        if suffix is not None and sub is not None:
                            suffix = f"-sf-{sub}{suffix}"
                        self.add_disk(disk, path, suffix, sub)

    def add_disk(self, disk, path, suffix, sub=None):
        link = None if suffix is None else flatten(path) + suffix
        for number in range(disk.partitions + 1):
            key = (disk, number) if number else disk
            part = f"-part{number}" if number else ""
            if path is None:
                self[key] = None
                continue
            name = Name(path, None if link is None else limited(link + part), sub=sub)
            before = self.get(key)
            self[key] = name if before is None else Several(
                names=(*(before.names if isinstance(before, Several) else [before]), name))
