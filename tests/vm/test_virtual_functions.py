# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual functions of network cards: while they are enabled they have the name of their physical function, and their number.

The host's QEMU has no such card.
"""

import json

import pytest
from checks import check_functions, check_helper, check_host, check_links, lspci_paths, names_of_interfaces
from machine import card, disk, root_ports
from oracle import flat, mac, pci_path, virtual_functions

ALSO_WITHOUT_UDEVD = True

pytestmark = pytest.mark.exhaustive

COVERS = {
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
    "without_drivers": "Function: SR-IOV network cards: virtual functions without a driver",
    "interfaces": "Interface: virtual functions of a network card",
    "two_containers": "Interface: two containers connect through one virtual function each",
    "given_to_vfio": "Device node: VFIO: a virtual function of a network card",
    "come_and_go": "Hotplug: virtual functions enabled and disabled; their network card moved to another port",
    "virtio": "Interface: virtual functions of virtio-net",
}

ROOT = disk("virtio-blk-pci", "root", bus="port0")
# Without interrupts: as in test_vfio.py.
TOPOLOGY = [{"driver": "intel-iommu", "intremap": "off"}, *root_ports(3), ROOT, card("card", "port1", "igb")]


@pytest.fixture(scope="module")
def machine(make_machine):
    with make_machine(TOPOLOGY, qemu="trixie") as machine:
        machine.boot("root=LABEL=root intel_iommu=on")
        machine.run("modprobe vfio-pci")
        machine.settle()
        yield machine


def device_of(machine):
    return "/sys/bus/pci/devices/" + machine.run(f"pcipath find -t pci {pci_path(machine.qmp, 'card')}").strip()


def interface(path):
    return f"pci-{flat(path)}"


def enable(machine, *numbers, drivers=True):
    """So many and no others, one after the other without waiting in between."""
    writes = " && ".join(f"echo {number} >sriov_numvfs" for number in (0, *numbers))
    machine.run(f"cd {device_of(machine)} && echo {int(drivers)} >sriov_drivers_autoprobe && {writes}")
    machine.settle()


def functions(machine, number):
    """By path the address, in the guest, of the card and of its first so many virtual functions.

    Which bus it is the guest has made up; where on the bus each is the host knows.
    """
    path, known = pci_path(machine.qmp, "card"), virtual_functions(machine.qmp)
    physical = device_of(machine).rpartition("/")[2]
    return {path: physical} | {f"{path}v{n}": f"{physical.rpartition(':')[0]}:{known[f'{path}v{n}']}" for n in range(number)}


def interfaces_of(machine, netns=""):
    """From each name by PCI path to the address of the function whose interface has it."""
    run = f"ip netns exec {netns} " if netns else ""
    addresses = dict(line.split() for line in machine.run(
        f"{run}sh -c 'for i in /sys/class/net/*; do (cd -P $i/device 2>/dev/null && f=${{PWD%/virtio*}} && echo ${{i##*/}} ${{f##*/}});"
        " done; true'").splitlines())
    return {name: addresses[link["ifname"]] for link in json.loads(machine.run(f"{run}ip -j link"))
            for name in [link["ifname"], *link.get("altnames", [])] if name.startswith("pci-")}


def check(machine, number, without=()):
    """There are so many virtual functions, each under its path; and their interfaces, but for those without."""
    expected = functions(machine, number)
    paths = list(expected)
    told = machine.run(f"pcipath of {' '.join(expected.values())}; for p in {' '.join(paths)}; do pcipath find -t pci $p; done;"
                       f" pcipath find -t pci {paths[0]}v{number} 2>/dev/null || echo $?").split()
    assert told == [*paths, *expected.values(), "3"]
    assert interfaces_of(machine) == {interface(path): expected[path] for path in paths if path not in without}
    return expected


def check_all(machine, number, without=()):
    """As check(), and the same by everyone who has names."""
    expected = check(machine, number, without)
    assert virtual_functions(machine.qmp, in_use=True).keys() == expected.keys() - {*without, pci_path(machine.qmp, "card")}
    listed = dict(reversed(line.split()) for line in machine.run("pcipath list -n --all -o ADDRESS,PATH").splitlines())
    assert expected.items() <= listed.items()
    # lspci knows a virtual function by its routing id alone.
    by_lspci, bus = lspci_paths(machine), next(iter(expected)).rpartition("/")[0]
    assert {by_lspci[address] for address in expected.values()} == {f"{bus}/{a.rpartition(':')[2]}" for a in expected.values()}
    check_functions(machine)
    check_helper(machine)
    check_host(machine, check_links(machine))


def test_without_drivers(machine):
    enable(machine, 3, drivers=False)
    check_all(machine, 3, without=list(functions(machine, 3))[1:])


def test_interfaces(machine):
    """The fifth is in the next slot, where it is function 0 as the first is in its own."""
    enable(machine, 5)
    check_all(machine, 5)
    for action in ("add", "change", "bind"):
        machine.trigger(action, "net")
    check(machine, 5)


def test_number_is_the_cards_own(machine):
    """What the card's driver calls its virtual function 1 has that number in its name, whichever was there first."""
    enable(machine, 2, drivers=False)
    physical, *addresses = functions(machine, 2).values()
    name = interface(pci_path(machine.qmp, "card"))
    machine.run(f"ip link set {name} up && ip link set {name} vf 1 mac 52:54:00:00:76:01"
                f" && echo 1 >/sys/bus/pci/devices/{physical}/sriov_drivers_autoprobe")
    for address in reversed(addresses):
        machine.run(f"echo {address} >/sys/bus/pci/drivers/igbvf/bind")
    machine.settle()
    check(machine, 2)
    assert names_of_interfaces(machine)[f"{name}v1"] == "52:54:00:00:76:01"


SERVE = "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalPort => 7) or die; print STDERR 1; "\
        "$c = $s->accept; print $c \"hello\\n\"'"
ASK = "perl -MIO::Socket::INET -e '$c = IO::Socket::INET->new(\"192.0.2.1:7\") or die $!; print <$c>'"


@pytest.mark.udevd
def test_two_containers(machine):
    """Each gets a virtual function by its PCI path alone, and has it under that name. The card itself is the switch."""
    path = pci_path(machine.qmp, "card")
    machine.run(f"ip link set {interface(path)} up")
    enable(machine, 2)
    for number, netns in enumerate(("one", "other")):
        name = interface(f"{path}v{number}")
        machine.run(f"ip netns add {netns} && ip link set {name} netns {netns} && ip -n {netns} addr add 192.0.2.{1 + number}/24 dev {name}"
                    f" && ip -n {netns} link set {name} up")
        assert list(interfaces_of(machine, netns)) == [name]
    machine.run(f"mkfifo /run/ready; (ip netns exec one {SERVE} 2>/run/ready) >/dev/null </dev/null & head -c 1 /run/ready")
    assert machine.run(f"ip netns exec other {ASK}") == "hello\n"
    machine.run(f"ip netns del one; ip netns del other; pcipath wait -t net {path}v0 {path}v1")
    machine.settle()
    check(machine, 2)


def test_given_to_vfio(machine):
    """One of two: it has a group of its own, and its path leads to the group's node and no more to an interface."""
    enable(machine, 2)
    path = f"{pci_path(machine.qmp, 'card')}v1"
    device = f"/sys/bus/pci/devices/{functions(machine, 2)[path]}"
    machine.run(f"cd {device} && echo vfio-pci >driver_override && echo ${{PWD##*/}} >driver/unbind"
                f" && echo ${{PWD##*/}} >/sys/bus/pci/drivers_probe")
    machine.settle()
    check(machine, 2, without=[path])
    node, link = "/dev/vfio/" + machine.run(f"basename $(readlink {device}/iommu_group)").strip(), f"/dev/vfio/by-pci-path/{flat(path)}"
    assert machine.run("echo /dev/vfio/by-pci-path/*").split() == [link]
    assert machine.run(f"realpath {link}; pcipath find {path}").split() == [node, node]
    assert machine.run(f"pcipath list -n -o DRIVER,NAME,LINK {path}").split() == ["vfio-pci", node, link]
    # Disabled and enabled anew it is a card as before.
    enable(machine, 2)
    check(machine, 2)
    assert machine.run("cd /dev/vfio; ls -d by-pci-path/* 2>/dev/null || true") == ""


def test_come_and_go(machine):
    """With their drivers; without, when they go while udevd is still at work; and with their card, into another port."""
    enable(machine, 2, 0, 1, 0, 2)
    check(machine, 2)
    enable(machine, 7, 0, 7, 0, drivers=False)
    check(machine, 0)
    enable(machine, 2)
    path = pci_path(machine.qmp, "card")
    machine.unplug("card")
    machine.settle()
    assert interfaces_of(machine) == {}

    # Whoever waits for one of them need not wait for the card first.
    path = path.replace("02.1", "02.2")
    machine.run(f"mkfifo /run/waited; (pcipath wait -t net {path}v1 >/run/waited) >/dev/null 2>&1 </dev/null &")
    machine.plug(card("card", "port2", "igb"))
    machine.run(f"pcipath wait -t net {path}")
    enable(machine, 2)
    ifname = machine.run("cat /run/waited").strip()
    assert machine.run(f"pcipath of {ifname}").strip() == f"{path}v1"
    check(machine, 2)


@pytest.mark.udevd
def test_virtio(make_machine):
    """Those of virtio-net the host makes itself, each with a MAC address that it knows, in an order of its own."""
    virtual = [card(f"vf{number}", "port1", addr=f"0.{2 + 2 * number}", **{"sriov-pf": "card"}) for number in (2, 0, 1)]
    with make_machine([*root_ports(2), ROOT, *virtual, card("card", "port1", addr="0.0")], qemu="forky") as machine:
        machine.boot("root=LABEL=root")
        enable(machine, 3)
        check_all(machine, 3)
        name = interface(pci_path(machine.qmp, "card"))
        assert names_of_interfaces(machine) == {name: mac(machine.qmp, "card")} | {
            f"{name}v{number}": mac(machine.qmp, f"vf{number}") for number in range(3)}
        enable(machine, 1)
        check_all(machine, 1)
