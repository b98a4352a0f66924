# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interfaces on top of network cards by PCI path, and other network managers than systemd's: the recipes of docs/guests.md. Each ends with
traffic to a card in a namespace of its own. What is on top of a card has no name by PCI path, and the card keeps its own."""

import json

import pytest
from checks import names_of_interfaces
from machine import card, root_ports, virtio
from oracle import interfaces, standby_interfaces
from recipes import guest, keep_root, run_section, section_files
from release import HOST
from traffic import check_answer, serve

COVERS = {
    "bridge": "Interface: below a bridge of systemd-networkd",
    "macvlan": "Interface: below a MACVLAN of systemd-networkd",
    "failover": "Interface: a virtio failover pair: the primary card is plugged in, unplugged and plugged in again",
    "network_manager": "Interface: configured by NetworkManager: in a running guest, and plugged in again",
    "network_manager_at_boot": "Interface: configured by NetworkManager: at boot",
    "ifupdown": "Interface: configured by ifupdown: in a running guest, and plugged in again",
    "ifupdown_at_boot": "Interface: configured by ifupdown: at boot",
}

pytestmark = pytest.mark.exhaustive

# A hub of QEMU's between all cards. Those of the bond's recipe are in test_interfaces.py.
CARDS = {"bridge": 3, "macvlan": 4, "standby": 5, "primary": 6, "managed": 7, "ifupdown": 8, "far": 9}
HUB = [word for name in CARDS for word in ("-netdev", f"hubport,hubid=0,id={name}")]


def plugged(name):
    properties = {"mac": "52:54:00:11:22:33"} if name in ("standby", "primary") else {}
    if name == "standby":
        properties["failover"] = True
    if name == "primary":
        properties |= {"driver": "e1000e", "failover_pair_id": "standby"}
    return card(name, f"port{CARDS[name]}", netdev=name, **properties)


TOPOLOGY = [*root_ports(10), virtio("root", "port0"), *(plugged(name) for name in CARDS if name != "primary")]


NETWORKD = ("Bridge (systemd-networkd)", "MACVLAN (systemd-networkd)", "Failover pair (systemd-networkd)")


def boot(machine):
    """With a server on the far card, which has an address on the network of each of the others."""
    machine.boot("root=LABEL=root")
    far = interfaces(machine.qmp)["far"]
    machine.run(f"pcipath wait -t net --timeout=1000 {far.removeprefix('pci-')} && ip netns add far && ip link set {far} netns far && ip -n far link set {far} up && "
                f"for n in 5 9 13 17 21; do ip -n far addr add 192.0.2.$n/30 dev {far} || exit; done")
    serve(machine, "far")


@pytest.fixture(scope="module")
def machine(make_machine, release):
    with make_machine(TOPOLOGY, options=HUB, **guest(release)) as machine:
        keep_root(machine, without=("disks", "NetworkManager"), starts=("systemd-networkd.service",), files=section_files(*NETWORKD))
        boot(machine)
        machine.run("/lib/systemd/systemd-networkd-wait-online --timeout=1000 --interface=bridge0:routable --interface=macvlan0:routable")
        yield machine


@pytest.fixture(autouse=True)
def names(request):
    """After each test the names are those of the cards, and of the standby interface."""
    machine = request.getfixturevalue("machine") if "machine" in request.fixturenames else None
    yield
    if not machine:
        return
    machine.settle()
    names = interfaces(machine.qmp)
    assert set(names_of_interfaces(machine)) == {*names.values(), *standby_interfaces(machine.qmp).values()} - {names["far"]}


def link(machine, name):
    [found] = json.loads(machine.run(f"ip -j -d link show {name}"))
    return found


def replug(machine, name):
    machine.unplug(name)
    machine.plug(plugged(name))
    machine.run(f"pcipath wait -t net --timeout=1000 {interfaces(machine.qmp)[name].removeprefix('pci-')}")


def test_bridge(machine):
    check_answer(machine, "192.0.2.5")
    assert link(machine, interfaces(machine.qmp)["bridge"])["master"] == "bridge0"


def test_macvlan(machine):
    check_answer(machine, "192.0.2.9")
    assert link(machine, "macvlan0")["link"] == link(machine, interfaces(machine.qmp)["macvlan"])["ifname"]


def test_failover(machine):
    """The address stays with the pair, whichever of its cards there is."""
    pair = link(machine, interfaces(machine.qmp)["standby"])
    check_answer(machine, "192.0.2.13")
    for _ in range(2):
        machine.plug(plugged("primary"))
        name = interfaces(machine.qmp)["primary"]
        machine.run(f"pcipath wait -t net --timeout=1000 {name.removeprefix('pci-')}; until ip link show {name} | grep -q 'state UP'; do sleep 0.2; done")
        assert link(machine, name)["master"] == pair["ifname"]
        assert link(machine, interfaces(machine.qmp)["standby"])["ifindex"] == pair["ifindex"]
        check_answer(machine, "192.0.2.13")
        machine.unplug("primary")
        machine.run(f"pcipath wait --removed {name.removeprefix('pci-')}")
        check_answer(machine, "192.0.2.13")


def wait_address(machine, ifname, address):
    machine.run(f"until ip -br addr show {ifname} | grep -qF {address}; do sleep 0.2; done")


def check_named(machine, name, ifname, address, peer):
    """Configured where it is, and again by itself when it is plugged in."""
    wait_address(machine, ifname, address)
    check_answer(machine, peer)
    replug(machine, name)
    wait_address(machine, ifname, address)
    assert interfaces(machine.qmp)[name] in link(machine, ifname)["altnames"]
    check_answer(machine, peer)


@pytest.mark.releases("bookworm")
def test_network_manager(machine):
    """It takes no alternative name, as pcipath-names(7) has it."""
    name = interfaces(machine.qmp)["managed"]
    machine.run("printf '[main]\\nno-auto-default=*\\n' >/etc/NetworkManager/conf.d/test.conf; systemctl start NetworkManager")
    refused = machine.call(f"nmcli connection add type ethernet ifname {name} con-name refused && nmcli connection up refused")
    assert refused.status != 0 and "mismatching interface name" in refused.stderr
    machine.run(f"nmcli connection delete refused; systemctl stop NetworkManager; ip link set {name} down")
    run_section(machine, "NetworkManager")
    check_named(machine, "managed", "lan0", "192.0.2.18/30", "192.0.2.17")
    machine.run("systemctl stop NetworkManager")


@pytest.mark.releases("bookworm")
def test_ifupdown(machine):
    """And what pcipath-names(7) says of alternative names."""
    name = interfaces(machine.qmp)["ifupdown"]
    file = "/etc/network/interfaces.d/alternative"
    machine.run(f"printf 'iface {name} inet static\\n  address 192.0.2.22/30\\n' >{file} && ifup {name}")
    check_answer(machine, "192.0.2.21")
    assert f"ip link del {name}" in machine.call(f"ifdown -v {name}; rm {file}; ip link set {name} down").stderr
    run_section(machine, "ifupdown")
    check_named(machine, "ifupdown", "lan1", "192.0.2.22/30", "192.0.2.21")


def check_at_boot(make_machine, heading, without, name, ifname, address, peer):
    """The files of the recipe are there from the start. Nothing else tells the guest what to do with the card."""
    topology = [device for device in TOPOLOGY if "netdev" not in device or device["netdev"] in (name, "far")]
    options = [word for card in (name, "far") for word in ("-netdev", f"hubport,hubid=0,id={card}")]
    with make_machine(topology, options=options, **guest(HOST)) as machine:
        keep_root(machine, without=("disks", without), files=section_files(heading))
        boot(machine)
        wait_address(machine, ifname, address)
        check_answer(machine, peer)
        assert interfaces(machine.qmp)[name] in link(machine, ifname)["altnames"]


def test_network_manager_at_boot(make_machine):
    check_at_boot(make_machine, "NetworkManager", "ifupdown", "managed", "lan0", "192.0.2.18/30", "192.0.2.17")


def test_ifupdown_at_boot(make_machine):
    check_at_boot(make_machine, "ifupdown", "NetworkManager", "ifupdown", "lan1", "192.0.2.22/30", "192.0.2.21")
