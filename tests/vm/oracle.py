# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the host knows: the names that a guest must give, from QEMU's own objects.

Written from the naming contract alone, and by other means than the package: that climbs sysfs, this climbs QOM, which no
guest can write to and which is right before the guest has run. It answers or raises; it never guesses.

In QOM a device has the path of the bus it sits on in `parent_bus`, and a bus is the child of the device that carries it:

    /machine/peripheral/disk0 ─ parent_bus ─> /machine/peripheral/port1/port1 ─ dirname ─> /machine/peripheral/port1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from qmp import QMP, QMPError

PERIPHERAL = PurePosixPath("/machine/peripheral")
ZPCI = PurePosixPath("/machine/s390-pcihost/s390-pcibus.0")
UNATTACHED = PurePosixPath("/machine/unattached")  # what QEMU makes itself


class NoName(Exception):
    """The contract gives the device no name."""


class NotTaught(Exception):
    """The device is of a kind that this oracle does not know, or where it is was left to QEMU."""


def pci_path(qmp: QMP, device_id: str) -> str:
    """The canonical PCI path of the function that is, or that carries, the device."""
    hops: list[str] = []
    prefix, function = "", None
    for device in _climb(qmp, PERIPHERAL / device_id):
        address = _address(qmp, device)
        if address is not None:
            hops.append(_hop(address))
            prefix = prefix or _expander_prefix(qmp, _bus(qmp, device))
            function = function or device
        elif hops:  # no function itself, it carries the bus of one: the host bridge
            if _get(qmp, device, "type") == "s390-pcihost":  # its guest sees neither bridges nor slots
                return f"{_uid(qmp, function):04x}:00:00.0"
            prefix = prefix or _root_prefix(qmp, device)
            break
    if not hops:
        raise NoName(f"{device_id} is not below a PCI function")
    return prefix + "/".join(reversed(hops))


def domain(path: str) -> str:
    """The domain in which a canonical PCI path begins."""
    root, _, _ = path.partition("/")[0].rpartition(":")
    return root.partition(":")[0] or "0000"


def flat(path: str) -> str:
    """The flat form of a canonical PCI path."""
    return path.replace("/", "-").replace(":", "_")


def link_names(qmp: QMP, device_id: str, bus: str | None = None) -> list[str]:
    """The names of a disk below /dev/disk/by-pci-path: one, or one for each controller that an NVMe namespace is attached to.

    `bus`: what it was plugged into, or attached to later. QEMU itself does not tell whose a namespace is that not all
    controllers have.
    """
    device = PERIPHERAL / device_id
    kind = _kind(qmp, device)
    if kind not in _SUFFIXES:
        raise NotTaught(f"{device_id}: no suffix known for a {kind}")
    subsystem = _bus(qmp, device).parent
    if _get(qmp, subsystem, "type") == "nvme-subsys":
        is_everyones = _get(qmp, device, "shared") and not _get(qmp, device, "detached")
        paths = [path for name, path in _controllers(qmp, subsystem) if name == bus or is_everyones]
    else:
        paths = [pci_path(qmp, device_id)]
    return [flat(path) + _SUFFIXES[kind](qmp, device) for path in paths]


def link_name(qmp: QMP, device_id: str) -> str:
    """The name of a disk that has one."""
    [name] = link_names(qmp, device_id)
    return name


# Of each type of virtual functions that QEMU makes itself: how many functions the first is behind its physical function,
# and the next behind that (hw/nvme/ctrl.c, NVME_VF_OFFSET and NVME_VF_STRIDE; hw/net/igb_common.h).
_VIRTUAL = {"nvme": (1, 1), "igbvf": (0x80, 2)}


def virtual_functions(qmp: QMP, in_use: bool = False) -> dict[str, str]:
    """The address on its bus ("00.1") by PCI path of each virtual function that QEMU has: 7.2 makes them when the guest enables
    them, later ones have all of them from the start. Those in use have a driver in the guest, too.

    The physical function is the only other one on the bus.
    """
    places = {}  # of each: that of the physical function, and the number
    for vf in _children(qmp, UNATTACHED):
        if offset_stride := _VIRTUAL.get(str(_get(qmp, vf, "type"))):
            offset, stride = offset_stride
            [physical] = [PERIPHERAL / i for i in pci_functions(qmp) if _bus(qmp, PERIPHERAL / i) == _bus(qmp, vf)]
            places[vf] = physical, (_address(qmp, vf) - _address(qmp, physical) - offset) // stride
    # Which the host has made itself are numbered as they are placed.
    made = sorted((PERIPHERAL / i for i in _ids(qmp) if _physical(qmp, i)), key=lambda vf: _address(qmp, vf))
    for vf in made:
        physical = _physical(qmp, vf.name)
        places[vf] = PERIPHERAL / physical, [other for other in made if _physical(qmp, other.name) == physical].index(vf)
    return {f"{pci_path(qmp, physical.name)}v{number}": _hop(_address(qmp, vf)) for vf, (physical, number) in places.items()
            if not in_use or _is_mapped(qmp, vf)}


def _is_mapped(qmp: QMP, function: PurePosixPath) -> bool:
    """Does the function decode memory addresses? A driver sees to that."""
    children = qmp.execute("qom-list", path=str(function))
    containers = [str(_get(qmp, function / child["name"], "container") or "") for child in children
                  if child["type"] == "child<memory-region>"]
    return any(container and PurePosixPath(container).parent != function for container in containers)


def pci_functions(qmp: QMP) -> list[str]:
    """The ids of the devices that are PCI functions which a guest always sees."""
    seen = [i for i in _ids(qmp) if _address(qmp, PERIPHERAL / i) is not None and not _physical(qmp, i)]
    return [i for i in seen if not (_get(qmp, PERIPHERAL / i, "type") == "pci-bridge" and _get(qmp, ZPCI, "type"))]


def _uid(qmp: QMP, function: PurePosixPath) -> int:
    """What stands for a function's place on s390. QEMU has it in a device "zpci" for each function, made by the user or by itself."""
    zpcis = [PurePosixPath(_get(qmp, ZPCI, child["name"])) for child in qmp.execute("qom-list", path=str(ZPCI))
             if child["type"] == "link<zpci>"]
    [uid] = [_get(qmp, zpci, "uid") for zpci in zpcis if _get(qmp, zpci, "target") == function.name]
    return uid


def _physical(qmp: QMP, device_id: str) -> str | None:
    """The id of the physical function of what was made to be a virtual one."""
    return _get(qmp, PERIPHERAL / device_id, "sriov-pf")


def disks(qmp: QMP) -> list[str]:
    """The ids of the devices that a drive is plugged into."""
    def has_drive(device: PurePosixPath) -> bool:
        kind = _kind(qmp, device)
        # usb-storage cannot be without one, and hands it on to the SCSI disk that it makes.
        return kind == "usb-storage" or kind in _SUFFIXES and bool(_get(qmp, device, "drive") or _get(qmp, device, "memdev"))

    return [i for i in _ids(qmp) if has_drive(PERIPHERAL / i)]


def _controllers(qmp: QMP, subsystem: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Id (of virtual functions their path) and PCI path of the controllers of an NVMe subsystem."""
    for i in _ids(qmp):
        if _get(qmp, PERIPHERAL / i, "type") == "nvme" and _get(qmp, PERIPHERAL / i, "subsys") == str(subsystem):
            yield i, pci_path(qmp, i)
    for path in virtual_functions(qmp, in_use=True):  # in the tests the one subsystem that has them is the one with all
        yield path, path




def node_links(qmp: QMP) -> dict[str, str]:
    """By id of each device with a node that is no disk the node's link below /dev."""
    kinds = {i: str(_get(qmp, PERIPHERAL / i, "type")) for i in _ids(qmp)}
    return {i: _NODES[kind].format(flat=flat(pci_path(qmp, i)), name=_get(qmp, PERIPHERAL / i, "name"))
            for i, kind in kinds.items() if kind in _NODES}


def interfaces(qmp: QMP) -> dict[str, str]:
    """By id of each network card the name of its interface in the guest."""
    return {i: f"pci-{flat(pci_path(qmp, i))}" for i in pci_functions(qmp) if _get(qmp, PERIPHERAL / i, "mac")}


def standby_interfaces(qmp: QMP) -> dict[str, str]:
    """By id of each virtio card that is one of a failover pair the name of its standby interface, whose port the kernel calls "sby"."""
    return {i: f"{name}nsby" for i, name in interfaces(qmp).items() if _get(qmp, PERIPHERAL / i, "failover")}


def mac(qmp: QMP, device_id: str) -> str:
    """A network card's address, by which a test knows its interface."""
    return str(_get(qmp, PERIPHERAL / device_id, "mac"))


def _ids(qmp: QMP) -> list[str]:
    """The ids of all devices that were given one."""
    return [child.name for child in _children(qmp, PERIPHERAL)]


def _kind(qmp: QMP, device: PurePosixPath) -> str:
    """QOM's type of a device, without the virtio model that some are named after."""
    return str(_get(qmp, device, "type")).removesuffix("-transitional").removesuffix("-non")


def _children(qmp: QMP, path: PurePosixPath) -> list[PurePosixPath]:
    children = qmp.execute("qom-list", path=str(path))
    return [path / child["name"] for child in children if child["type"].startswith("child<")]


def _scsi(qmp: QMP, device: PurePosixPath) -> str:
    # A host bus adapter is a PCI function with the bus, or a USB device.
    adapter = _bus(qmp, device).parent
    kind = str(_get(qmp, adapter, "type"))
    channel, target, lun = (_get(qmp, device, name) for name in ("channel", "scsi-id", "lun"))
    if kind == "mptsas1068":  # each target is a phy of the adapter, with one disk (hw/scsi/mptconfig.c)
        return f"-sas-phy{target}-lun-{lun}"
    if kind.startswith("megasas"):  # what QEMU has are logical drives, which Linux puts behind its physical channels (megaraid_sas.h)
        channel = 2
    usb = _usb(qmp, adapter) if kind.startswith("usb-") else ""
    return f"{usb}-scsi-0:{channel}:{target}:{lun}"


def _usb(qmp: QMP, device: PurePosixPath) -> str:
    """The words for a USB device's one interface. Where it is plugged in is known only when the host has said so."""
    port = _get(qmp, device, "port")
    if not port:
        raise NotTaught(f"{device} was plugged into no port by name")
    return f"-usb-0:{port}:1.0"


def _ata(qmp: QMP, device: PurePosixPath) -> str:
    # The bus is named after its controller and its port, counted from 0; the kernel counts ports from 1.
    port = int(_bus(qmp, device).name.rpartition(".")[2])
    return f"-ata-{port + 1}.{_get(qmp, device, 'unit')}"


# By the type of the device that carries the drive, what follows the flat form.
_SUFFIXES: dict[str, Callable[[QMP, PurePosixPath], str]] = {
    "virtio-blk-pci": lambda qmp, device: "",
    "virtio-pmem-pci": lambda qmp, device: "",  # its drive is memory
    "virtio-blk-device": lambda qmp, device: "",  # virtio-mmio's
    "virtio-blk-ccw": lambda qmp, device: "",  # a channel device
    "nvme": lambda qmp, device: "-nvme-1",  # a controller with a drive of its own: its one namespace
    "nvme-ns": lambda qmp, device: f"-nvme-{_get(qmp, device, 'nsid')}",
    "scsi-hd": _scsi,
    "scsi-cd": _scsi,
    "usb-storage": lambda qmp, device: _usb(qmp, device) + "-scsi-0:0:0:0",  # QEMU makes the one disk itself
    "ide-hd": _ata,
    "ide-cd": _ata,
}


_NODES = {
    "virtio-keyboard-pci": "input/by-pci-path/{flat}-event-kbd",
    "usb-kbd": "input/by-pci-path/{flat}-usb-0:1:1.0-event-kbd",  # plugged into the controller's port 1
    "pci-serial": "serial/by-pci-path/{flat}",
    "virtserialport": "virtio-ports/by-pci-path/{flat}-{name}",
}


def _expander_prefix(qmp: QMP, bus: PurePosixPath) -> str:
    """The root's prefix if the bus is that of a pxb or pxb-pcie, which bears the expander's id; else an empty string."""
    if str(_get(qmp, PERIPHERAL / bus.name, "type")) in ("pxb", "pxb-pcie"):
        return f"0000:{_get(qmp, PERIPHERAL / bus.name, 'bus_nr'):02x}:"
    return ""


def _root_prefix(qmp: QMP, host_bridge: PurePosixPath) -> str:
    match _get(qmp, host_bridge, "type"):
        case "q35-pcihost" | "i440FX-pcihost" | "gpex-pcihost":
            return ""
        case "spapr-pci-host-bridge":  # the kernel takes the domain from the host bridge's unit id, which ends in index
            index = _get(qmp, host_bridge, "index")
            return f"{index:04x}:00:" if index else ""
        case kind:
            raise NotTaught(f"no prefix known for the root {host_bridge}, a {kind}")


def _climb(qmp: QMP, device: PurePosixPath) -> Iterator[PurePosixPath]:
    """The device, the one that carries its bus, and so on up."""
    while True:
        yield device
        bus = _bus(qmp, device)
        if bus == PurePosixPath():
            return
        device = bus.parent
        if device.parent == UNATTACHED and _get(qmp, device, "type") == "nvme-subsys":
            # Later QEMU has one for each controller that was given none.
            [device] = [PERIPHERAL / i for i in _ids(qmp) if _get(qmp, PERIPHERAL / i, "subsys") == str(device)]


def _address(qmp: QMP, device: PurePosixPath) -> int | None:
    """Slot times eight and function of a PCI function."""
    address = _get(qmp, device, "addr")  # of memory, too, which is not so low
    return address if address is not None and 0 <= address <= 0xff else None


def _hop(address: int) -> str:
    return f"{address >> 3:02x}.{address & 7}"


def _bus(qmp: QMP, device: PurePosixPath) -> PurePosixPath:
    return PurePosixPath(_get(qmp, device, "parent_bus") or "")


def _get(qmp: QMP, path: PurePosixPath, name: str) -> Any:
    """A property's value; None if the object or the property is not there."""
    try:
        return qmp.execute("qom-get", path=str(path), property=name)
    except QMPError as error:
        if error.error_class in ("GenericError", "DeviceNotFound"):
            return None
        raise
