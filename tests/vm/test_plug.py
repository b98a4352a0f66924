# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways to plug: by whom a guest is told that a device came or goes, or that nobody told it. Links follow what is there."""

import pytest
from checks import check_disks, check_functions, check_helper
from machine import MACHINES as TYPES
from machine import disk, root_ports
from oracle import link_name

LINKS = "/dev/disk/by-pci-path"
PCI = "/sys/bus/pci"

BRIDGE = {"driver": "pci-bridge", "id": "bridge", "addr": "5.0", "chassis_nr": 9}
Q35 = [*root_ports(2), {"driver": "i82801b11-bridge", "id": "dmi", "bus": "pcie.0", "addr": "4.0"}, {**BRIDGE, "bus": "dmi"}]

ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "acpi-root-bus": "Hotplug: ACPI: on the root bus",
    "acpi-bridge": "Hotplug: ACPI: below a conventional bridge",
    "acpi-bridge-q35": "Hotplug: ACPI: below a conventional bridge",
    "acpi-root-port": "Hotplug: ACPI: below a root port",
    "native-pcie": "Hotplug: native PCIe hotplug",
    "shpc": "Hotplug: SHPC, which takes six seconds",
    "functions_of_one_device": "Hotplug: several functions of one device, function 0 last",
    "unplugged_while_mounted": "Hotplug: a mounted disk is unplugged, and another disk plugged into its port",
    "surprise_removal": "Hotplug: surprise removal of a mounted disk",
    "rescan": "Hotplug: a function is removed and found again through sysfs",
    "rescan_where_nobody_listens": "Hotplug: a port without a driver: the disk is found by a rescan",
    "driver_unbound_and_bound": "Hotplug: a driver is unbound and bound again",
    "odd_serial": "Fault: serial numbers of disks with quotes, slashes and other characters",
}

# By name: machine type, devices, arguments of QEMU, and the hotplug drivers of the guest that have a bridge there; where
# there is none, ACPI's (acpiphp), which sysfs does not show.
MACHINES = {
    "acpi": ("q35", Q35, [], []),
    "native": ("q35", Q35, ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"], ["pciehp", "shpchp"]),
    "i440fx": ("pc", [{**BRIDGE, "bus": "pci.0"}], [], []),
}

# By name: machine, and bus and address to plug into.
WAYS = {
    "acpi-root-bus": ("i440fx", "pci.0", "7.0"),
    "acpi-bridge": ("i440fx", "bridge", "3.0"),
    "acpi-bridge-q35": ("acpi", "bridge", "3.0"),
    "acpi-root-port": ("acpi", "port0", "0.0"),
    "native-pcie": ("native", "port0", "0.0"),
    "shpc": ("native", "bridge", "3.0"),
}


def virtio(name, bus="port0", addr="0.0", **properties):
    return disk("virtio-blk-pci", name, bus=bus, addr=addr, **properties)


@pytest.fixture(scope="module")
def machine(make_machine, request):
    kind, devices, options, _ = MACHINES[request.param]
    root = virtio("root", TYPES[kind].root_bus, "1d.0")
    with make_machine([root, *devices], machine=kind, options=options) as machine:
        for name in ("data", "more", "third"):
            machine.add_drive(name)
        machine.boot("root=LABEL=root")
        machine.settle()
        yield machine


def on(*names):
    return pytest.mark.parametrize("machine", names, indirect=True)


def link_of(machine, name):
    return f"{LINKS}/{link_name(machine.qmp, name)}"


def plug(machine, *devices):
    """Plug in, in this order, and wait for the links. Returns that of the last."""
    for device in devices:
        machine.plug(device)
    links = [link_of(machine, device["id"]) for device in devices]
    for link in links:
        machine.wait(link)
    check_disks(machine)
    check_functions(machine)
    return link


def check_gone(machine, *links):
    for link in links:
        machine.wait(link, gone=True)
    check_disks(machine)


def unplug(machine, name):
    link = link_of(machine, name)
    machine.unplug(name)
    check_gone(machine, link)


@on(*MACHINES)
def test_who_listens(machine, request):
    """A machine's ways are those that it is named after."""
    drivers = machine.run("cd /sys/bus; ls -d pci_express/drivers/pciehp/*:pcie* pci/drivers/shpchp/*:* 2>/dev/null; true")
    assert sorted({driver.split("/")[2] for driver in drivers.split()}) == MACHINES[request.node.callspec.params["machine"]][3]


@pytest.mark.parametrize("machine,way", [(machine, way) for way, (machine, *_) in WAYS.items()],
                         indirect=["machine"], scope="module")
def test_plug(machine, way):
    """In, out, and another disk into the same place."""
    _, bus, addr = WAYS[way]
    for name in ("data", "more"):
        plug(machine, virtio(name, bus, addr))
        unplug(machine, name)


@on("acpi", "native")
def test_functions_of_one_device(machine):
    """Functions 1 and 7 first: nobody is told of them until function 0 comes, nor that they go but with it."""
    devices = [virtio("data", addr="0.1"), virtio("more", addr="0.7"), virtio("third", multifunction=True)]
    plug(machine, *devices)
    links = [link_of(machine, device["id"]) for device in devices]
    machine.unplug("third")
    for name in ("data", "more"):
        machine.qmp.wait_event("DEVICE_DELETED", device=name)
    check_gone(machine, *links)


# Bits of Slot Control (PCIe 5.0, 7.5.3.10).
INTERRUPT, INDICATOR_OFF, POWER_OFF = 0x0020, 0x0300, 0x0400


def set_slot_control(machine, value, mask=INDICATOR_OFF | POWER_OFF):
    """Of the first port, as its driver does."""
    machine.run(f"setpci -s 00:02.0 CAP_EXP+18.w={value:04x}:{mask:04x}")


def pull_out(machine, name):
    """Take the disk out of the first port as a hand would: the guest is told when it is done.

    QEMU detaches what is in a slot that loses its power, without a word to the guest if the slot's interrupt is off. With
    power and interrupt on again, the driver finds that a card is no longer present.
    """
    off, everything = INDICATOR_OFF | POWER_OFF, INTERRUPT | INDICATOR_OFF | POWER_OFF
    set_slot_control(machine, off, everything)
    machine.qmp.wait_event("DEVICE_DELETED", device=name)
    set_slot_control(machine, INTERRUPT, everything)
    # The driver tells nobody when it is through, and what comes before it turns the power off would go again with that.
    machine.run(f"until [ $((0x$(setpci -s 00:02.0 CAP_EXP+18.w) & {off})) -eq {off} ]; do :; done")


def plug_and_mount(machine, device):
    """With a file that has yet to be written when the disk goes. Returns the link."""
    link = plug(machine, device)
    machine.run(f"mkfs.ext4 -q {link} && mount {link} /mnt && echo lost >/mnt/file")
    return link


def check_dead_mount(machine, device, link):
    """The mounted disk has gone. Another one in its place has its link, and the dead one none; then it can be unmounted."""
    check_gone(machine, link)
    dead = machine.run("findmnt -n -o SOURCE /mnt").strip()
    again = plug(machine, {**device, "id": "more", "drive": "more", "serial": "more"})
    assert again == link and machine.run(f"realpath {link}").strip() == f"/dev/{machine.disks()['more']}" != dead
    machine.run(f"umount /mnt && mkfs.ext4 -q {link} && mount {link} /mnt && umount /mnt")
    unplug(machine, "more")


@on("acpi", "native")
def test_unplugged_while_mounted(machine):
    """The guest gives the disk up although it is in use."""
    device = virtio("data")
    link = plug_and_mount(machine, device)
    machine.unplug("data")
    check_dead_mount(machine, device, link)


@on("native")
def test_surprise_removal(machine):
    """Pulled out while mounted. NVMe's driver is made for it; virtio_blk waits for ever for what was being written (6.1)."""
    device = disk("nvme", "data", bus="port0")
    link = plug_and_mount(machine, device)
    machine.run("dmesg -c")
    pull_out(machine, "data")
    check_dead_mount(machine, device, link)
    assert "Card not present" in machine.run("dmesg | grep pciehp")


def let_go(machine):
    """Have the guest remove what is in the first port. Of all disks it keeps the root."""
    machine.run(f"cd {PCI}/devices/0000:00:02.0; echo 1 >$(ls -d ????:??:??.?)/remove")
    machine.settle()
    assert machine.run(f"ls {LINKS}") == f"{link_name(machine.qmp, 'root')}\n"


def look_again(machine, name):
    machine.run(f"echo 1 >{PCI}/rescan")
    machine.wait(link_of(machine, name))
    check_disks(machine)
    check_functions(machine)


@on("acpi")
def test_rescan(machine):
    """A disk that the guest has let go of comes back when it looks again."""
    plug(machine, virtio("data"))
    let_go(machine)
    look_again(machine, "data")
    unplug(machine, "data")


@on("native")
def test_rescan_where_nobody_listens(machine):
    """The port has no driver: a disk that comes is found by a rescan alone, and goes without a word."""
    service = machine.run("ls /sys/bus/pci_express/drivers/pciehp | grep ^0000:00:02.0:").strip()
    machine.run(f"echo {service} >/sys/bus/pci_express/drivers/pciehp/unbind")
    set_slot_control(machine, 0, POWER_OFF)
    machine.plug(virtio("data"))
    machine.settle()
    assert machine.run(f"ls {LINKS}") == f"{link_name(machine.qmp, 'root')}\n"
    look_again(machine, "data")
    let_go(machine)
    set_slot_control(machine, INDICATOR_OFF | POWER_OFF)
    machine.qmp.wait_event("DEVICE_DELETED", device="data")
    check_disks(machine)
    # Slot Status: the driver is not to act on what happened before it came.
    machine.run(f"setpci -s 00:02.0 CAP_EXP+1a.w=ffff && echo {service} >/sys/bus/pci_express/drivers/pciehp/bind")


@on("acpi")
def test_driver_unbound_and_bound(machine):
    """Of a disk that stays plugged in: no driver, no disk, no link; and again."""
    link = plug(machine, virtio("data"))
    for _ in range(2):
        machine.run("cd /sys/bus/virtio/drivers/virtio_blk; device=$(readlink -f /sys/class/block/"
                    f"{machine.disks()['data']}/device); device=${{device##*/}}; echo $device >unbind; echo $device >/run/device")
        machine.wait(link, gone=True)
        assert machine.run(f"ls {LINKS}") == f"{link_name(machine.qmp, 'root')}\n"
        machine.run("cat /run/device >/sys/bus/virtio/drivers/virtio_blk/bind")
        machine.wait(link)
        check_disks(machine)
    unplug(machine, "data")


@on("acpi")
@pytest.mark.parametrize("driver", ["virtio-blk-pci", "nvme"])
@pytest.mark.parametrize("serial", ["\nID_PCI_PATH=07.0\n", "../../by-pci-path/x", "'\"`$(x)\\\x01\x1b[31m%s"], ids=ascii)
def test_odd_serial(machine, driver, serial):
    """What a disk says of itself is no part of its name here, and no property of ours comes out of it."""
    plug(machine, disk(driver, "data", bus="port0", serial=serial))
    check_helper(machine)
    unplug(machine, "data")
