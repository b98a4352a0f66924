# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest can give to guests of its own: with an IOMMU, two functions behind a conventional bridge are one group, two
behind root ports are two. Each function that has the driver vfio-pci is reached by its path."""

import cdi
import pytest
from checks import check_functions
from machine import card, disk, root_ports
from oracle import flat, node_links, pci_path

LINKS = "/dev/vfio/by-pci-path"

COVERS = {
    "other_nodes": "Device node: keyboards (virtio, USB), a serial port, a virtio-serial port",
    "two_of_one_group": "Device node: VFIO: two functions in one group, behind a conventional bridge",
    "one_of_a_group_unplugged": "Device node: VFIO: one of two functions in a group is unplugged",
    "two_groups": "Device node: VFIO: two functions in two groups, behind root ports",
    "container_devices": "Container: a function that is bound to VFIO, by its CDI name",
}

pytestmark = pytest.mark.releases("bookworm", "trixie")  # a node for each function is new in Linux 6.6

ALONE, TOGETHER = ["alone0", "alone1"], ["together0", "together1"]

# Without interrupts: a kernel that finds the timer slow through an emulated IOMMU panics.
TOPOLOGY = [{"driver": "intel-iommu", "intremap": "off"}, *root_ports(5), disk("virtio-blk-pci", "root", bus="port0"),
            card("alone0", "port1"), card("alone1", "port2"),
            {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port3"},
            *(card(name, "bridge", addr=f"{number}.0") for number, name in enumerate(TOGETHER, 1)),
            # And what has other nodes. The two ports of a pci-serial-2x are of one function, and nothing tells them apart.
            {"driver": "virtio-keyboard-pci", "id": "keyboard", "bus": "pcie.0", "addr": "6.0"},
            {"driver": "pci-serial", "id": "serial1", "bus": "pcie.0", "addr": "7.0"},
            {"driver": "pci-serial-2x", "id": "serial2", "bus": "pcie.0", "addr": "8.0"},
            {"driver": "qemu-xhci", "id": "xhci", "bus": "pcie.0", "addr": "9.0"},
            {"driver": "usb-kbd", "id": "usbkeyboard", "bus": "xhci.0", "port": "1"}]


@pytest.fixture(scope="module")
def machine(make_machine, release):
    with make_machine(TOPOLOGY, release=release) as machine:
        machine.boot("root=LABEL=root intel_iommu=on 8250.nr_uarts=8")
        machine.run("modprobe vfio-pci")
        machine.settle()
        check_functions(machine)
        yield machine


@pytest.fixture(autouse=True)
def nothing_bound(machine):
    yield
    machine.run("cd /sys/bus/pci/drivers/vfio-pci; for device in *:*; do [ ! -L $device ] || echo $device >unbind; done")
    machine.settle()
    check_links(machine)


def device_of(machine, name):
    address = machine.run(f"pcipath find -t pci {pci_path(machine.qmp, name)}").strip()
    return f"/sys/bus/pci/devices/{address}"


def bind(machine, *names):
    """Take the functions from their driver and give them to vfio-pci."""
    for name in names:
        device = device_of(machine, name)
        machine.run(f"cd {device} && echo vfio-pci >driver_override && if [ -e driver ]; then echo ${{PWD##*/}} >driver/unbind; fi"
                    f" && echo ${{PWD##*/}} >/sys/bus/pci/drivers_probe && [ $(basename $(readlink driver)) = vfio-pci ]")
    machine.settle()


def unbind(machine, name):
    machine.run(f"cd {device_of(machine, name)}; case $(readlink driver) in */vfio-pci) echo ${{PWD##*/}} >driver/unbind;; esac")
    machine.settle()


def group_of(machine, name):
    return machine.run(f"basename $(readlink {device_of(machine, name)}/iommu_group)").strip()


def check_links(machine, *names):
    """There are links for these functions, to the nodes of their groups, and for no other."""
    rows = machine.run(f"cd {LINKS} 2>/dev/null || exit 0; for l in *; do [ -L $l ] && echo $l $(realpath $l); done; true")
    assert dict(row.split() for row in rows.splitlines()) == {
        flat(pci_path(machine.qmp, name)): f"/dev/vfio/{group_of(machine, name)}" for name in names}
    assert all(machine.run(f"[ -c {LINKS}/{flat(pci_path(machine.qmp, name))} ]") == "" for name in names)


def test_other_nodes(machine):
    """Keyboards, a serial port and the agent's port: where the host has plugged them in; list shows them."""
    rows = machine.run("cd /dev; for l in */by-pci-path/*; do [ -L $l ] && echo $l $(realpath $l); done; true")
    found = {link: node for link, node in (row.split() for row in rows.splitlines()) if not link.startswith(("disk/", "vfio/"))}
    assert set(found) == set(node_links(machine.qmp).values())
    # Not those of storage and network controllers, which have other uses.
    listed = dict(row.split() for row in machine.run("pcipath list -n -o LINK,NAME").splitlines() if row.startswith("/dev/"))
    assert {link: listed[f"/dev/{link}"] for link in found} == found
    # The word of each is that of systemd's own link to the node.
    for link, node in found.items():
        directory, _, name = link.partition("/by-pci-path/")
        theirs = machine.run(f"cd /dev/{directory}/by-path 2>/dev/null || exit 0; for l in *; do"
                             f" [ $(realpath $l) = {node} ] && echo $l; done; true").split()
        word = name.partition("-")[2]
        assert not theirs or any(their.split(":", 2)[2].partition("-")[2] == word for their in theirs), (link, theirs)


def test_groups_are_what_this_is_about(machine):
    groups = {name: group_of(machine, name) for name in (*ALONE, *TOGETHER)}
    assert groups["together0"] == groups["together1"]
    assert len(set(groups.values())) == 3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
def test_two_of_one_group(machine, order):
    """Each has its link as long as it has the driver, though the node has events for the first and the last only."""
    first, second = (TOGETHER[number] for number in order)
    bind(machine, first)
    check_links(machine, first)
    bind(machine, second)
    check_links(machine, first, second)
    unbind(machine, first)
    check_links(machine, second)
    bind(machine, first)
    check_links(machine, first, second)


def test_one_of_a_group_unplugged(machine):
    """It is gone before udevd handles its events, and the node of the group stays."""
    bind(machine, *TOGETHER)
    machine.run("udevadm control --stop-exec-queue")
    machine.unplug("together1")
    machine.run("udevadm control --start-exec-queue")
    machine.settle()
    check_links(machine, "together0")
    machine.plug(card("together1", "bridge", addr="2.0"))
    machine.run(f"pcipath wait {pci_path(machine.qmp, 'together1')}")


def test_two_groups(machine):
    bind(machine, *ALONE)
    check_links(machine, *ALONE)
    unbind(machine, "alone0")
    check_links(machine, "alone1")


def test_every_event_keeps_the_links(machine):
    bind(machine, *ALONE, *TOGETHER)
    for action in ("add", "change", "bind"):
        machine.run(f"udevadm trigger --settle --action={action}")
        check_links(machine, *ALONE, *TOGETHER)


def test_command(machine):
    """find and list know the node and the link; wait returns when the link is there, though the node was there before."""
    path = pci_path(machine.qmp, "together1")
    bind(machine, "together0")
    machine.run(f"mkfifo /run/done; (pcipath wait -t vfio {path} >/run/out; echo $? >/run/done) >/dev/null 2>&1 </dev/null &")
    assert machine.call(f"pcipath find -t vfio {path}").status == 3
    bind(machine, "together1")
    assert machine.run("cat /run/done") == "0\n"
    node = f"/dev/vfio/{group_of(machine, 'together1')}"
    assert machine.run("cat /run/out") == machine.run(f"pcipath find {path}") == f"{node}\n"
    assert machine.run(f"pcipath list -n -o DRIVER,NAME,LINK {path}").split() == ["vfio-pci", node, f"{LINKS}/{flat(path)}"]


def test_container_devices(machine):
    """CDI has a device for each function, with the node of its group; newer kernels have one of its own beside that."""
    bind(machine, "alone0", *TOGETHER)
    devices, common = cdi.read(machine.run("pcipath cdi -k vfio"), "vfio")
    assert set(devices) == {flat(pci_path(machine.qmp, name)) for name in ("alone0", *TOGETHER)}
    for name in ("alone0", *TOGETHER):
        path, nodes = devices[flat(pci_path(machine.qmp, name))]
        assert path == pci_path(machine.qmp, name)
        assert f"/dev/vfio/{group_of(machine, name)}" in [node["hostPath"] for node in nodes]
        machine.run(" && ".join(f"[ -c {node['hostPath']} ]" for node in nodes + common))
    assert "/dev/vfio/vfio" in [node["hostPath"] for node in common]


def test_plugged_in_and_unplugged(machine):
    """A function that goes takes its link with it."""
    machine.plug(card("hot", "port4"))
    machine.run(f"pcipath wait {pci_path(machine.qmp, 'hot')}")
    machine.settle()
    bind(machine, "hot", "alone0")
    check_links(machine, "hot", "alone0")
    machine.unplug("hot")
    machine.settle()
    check_links(machine, "alone0")
