# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is plugged in where.

Nothing here is a number that firmware or kernel hands out: no bus number of a bridge, no domain of a nested host
bridge, no host number. A node is itself, not its contents: two equal ones are two devices.
"""

from dataclasses import dataclass, field


def node(cls):
    return dataclass(eq=False)(cls)


class Below:
    """Whatever can be below a PCI function and is not PCI."""


@node
class Disk:
    partitions: int = 0


@node
class VirtioBlk(Below):
    disk: Disk = field(default_factory=Disk)


@node
class VirtioPmem(Below):
    """`claim`: the device that has the disk, the namespace itself or what uses it: "namespace", "pfn", "btt"."""
    disk: Disk = field(default_factory=Disk)
    claim: str = "namespace"


@node
class Pmem(Below):
    """Persistent memory of another kind, of which a function can have any number: it has no words to tell them apart."""
    disk: Disk = field(default_factory=Disk)


@node
class Lun:
    target: int = 0
    lun: int = 0  # as the host numbers it
    channel: int = 0
    disk: Disk = field(default_factory=Disk)
    flat: bool = False  # also below 256, where QEMU and most others use SAM's peripheral addressing

    @property
    def kernel_lun(self):
        """As Linux numbers it: SAM's flat addressing from 256 on, as QEMU's scsi-bus and virtio-scsi have it."""
        return self.lun | 0x4000 if self.flat or self.lun >= 256 else self.lun

    @property
    def contract_lun(self):
        return self.kernel_lun if self.lun < 256 else self.lun


@node
class VirtioScsi(Below):
    luns: list


@node
class ScsiHosts(Below):
    """A SCSI controller without transport class (megaraid, pvscsi): one list of LUNs for each of its hosts."""
    hosts: list


@node
class Namespace:
    nsid: int
    disk: Disk = field(default_factory=Disk)


@node
class NvmeSubsystem:
    """Of controllers that could be several: each namespace of theirs is a multipath head, whose paths are below those
    controllers that have it. `fabric`: the namespaces that a controller of another transport has."""
    fabric: list = field(default_factory=list)


@node
class Nvme(Below):
    """A controller. `state`: as the kernel shows it; `lost`: namespaces that it has lost for good."""
    namespaces: list
    subsystem: NvmeSubsystem = None
    state: str = "live"
    lost: list = field(default_factory=list)

    @property
    def live_namespaces(self):
        if self.subsystem and self.state not in ("live", "resetting", "connecting"):
            return []
        return [namespace for namespace in self.namespaces if namespace not in self.lost]


@node
class AtaPort:
    """Port numbers count from 1. A port multiplier's disks are (multiplier's port, disk) pairs."""
    number: int
    disk: Disk = None
    slave: Disk = None       # IDE: the second device of the cable
    multiplied: list = None


@node
class Ata(Below):
    ports: list


@node
class FibreChannel(Below):
    """A list of LUNs for each remote port, by its name."""
    ports: dict


@node
class SasDevice:
    """`expander`: the address of the one it is attached to, if any. `phys`: how many, by which it is."""
    phy: int
    address: str
    luns: list
    expander: str = None
    phys: int = 1


@node
class Sas(Below):
    """A list of devices for each host."""
    hosts: list


@node
class UsbDisk:
    """A device of mass storage. `ports` on the way to it: "1", or "1.3" behind a hub."""
    ports: str
    luns: list
    root_hub: int = 0
    interface: str = "1.0"


@node
class Usb(Below):
    """A USB controller. `root_hubs`: one for each speed. `sockets`: are ports of one number halves of one socket?"""
    disks: list
    root_hubs: int = 2
    sockets: bool = True


@node
class Mmc(Below):
    """A disk of a kind that has no words to tell it apart: it has a path, and no link."""
    disk: Disk = field(default_factory=Disk)


@node
class Port:
    """An interface: the number that its driver counts for it, and the driver's name for it."""
    number: int = 0
    name: str = None


@node
class Net(Below):
    ports: list = field(default_factory=lambda: [Port()])
    virtio: bool = False


@node
class Node:
    """A character device. `steps`: path, subsystem, type and attributes of each device on the way to it, and of itself."""
    steps: list
    link: str = None  # below /dev, with FLAT for the function's path
    uevent: str = ""


@node
class Nodes(Below):
    nodes: list
    virtio: bool = False


@node
class SubFunctions(Below):
    """Children on the auxiliary bus (mlx5): what is below each, by its number, which the administrator has chosen."""
    below: dict


@node
class Auxiliary(Below):
    """A child on the auxiliary bus that is a part of the function and no sub-function."""
    below: list


@node
class HostBridge(Below):
    """A host bridge that is the child of a PCI function: Intel VMD."""
    bus: int
    functions: list


@node
class VirtualFunctions:
    """SR-IOV. The functions are where First VF Offset and VF Stride of the capability put them."""
    functions: list  # of Function; their addresses are made from offset and stride
    offset: int = 1
    stride: int = 1


@node
class Function:
    """`address` is "slot.function". Functions below make it a bridge."""
    address: str
    below: list = field(default_factory=list)
    vfs: VirtualFunctions = None

    @property
    def devfn(self):
        slot, function = self.address.split(".")
        return int(slot, 16) << 3 | int(function)


@node
class Root:
    """A root bus. `above`: the devpath of what it is below, if anything."""
    functions: list
    domain: int = 0
    bus: int = 0
    above: str = ""


@node
class VmbusRoot:
    """A Hyper-V virtual PCI host bridge. `old`: as kernels before 4.14 named its device."""
    functions: list
    guid: str
    above: str = "LNXSYSTM:00/LNXSYBUS:00/ACPI0004:00/VMBUS:00"
    old: bool = False


@node
class NoPci:
    """A disk that no PCI function is above."""
    above: str
    virtio: bool = False
    disk: Disk = field(default_factory=Disk)


@node
class Group:
    """An IOMMU group of functions, of which some have a vfio driver."""
    functions: list
    bound: list
    noiommu: bool = False


@node
class Machine:
    """`others`: disks that no PCI function is above, and NVMe subsystems that perhaps none of its controllers is in."""
    roots: list
    others: list = field(default_factory=list)
    groups: list = field(default_factory=list)


def function(address, *below, vfs=None):
    return Function(address, list(below), vfs)


def vf(*below):
    return Function(None, list(below))
