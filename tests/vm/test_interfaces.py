# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network interfaces: named by PCI path cold and hot, in the initramfs and after it, beside whatever else names them."""

import json
import shlex
from pathlib import Path

import pytest
from checks import check_helper, check_interfaces, names_of_interfaces
from machine import card, disk, root_ports
from oracle import interfaces, mac
from recipes import run_section
from traffic import check_answer, serve, stop_serving

COVERS = {
    "cold": "Interface: virtio-net and a card with two functions, present at boot",
    "in_the_initramfs": "Interface: named in the initramfs, with and without systemd",
    "net_ifnames_0_and_no_systemd_in_the_initramfs": "Interface: named in the initramfs, with and without systemd",
    "plugged_unplugged_and_in_another_port": "Interface: plugged in, unplugged, plugged into another port",
    "renamed": "Interface: renamed, also to unusual names",
    "foreign_link_file": "Interface: a .link file that sets another name",
    "second_port": "Interface: a second port, and a port with a hostile name",
    "installed_on_a_running_machine": "Interface: named by a plain udevadm trigger after an installation",
    "networkd": "Interface: configured by systemd-networkd under its name",
    "bond_and_vlan": "Interface: two below a bond of systemd-networkd, with a VLAN on it",
    "unit_waits_for_an_interface": "Interface: a systemd unit waits for an interface, and for its PCI function",
    "two_containers": "Interface: two containers connect through one network card each",
    "primary_name_when_asked": "Interface: primary name with pcipath.ifnames=1",
}

ROOT = disk("virtio-blk-pci", "root", bus="port0")

# A hub of QEMU's between the first three cards: what one sends, the others receive.
TOPOLOGY = [*root_ports(6), ROOT, card("cold", "port1", netdev="hub0"), card("peer", "port2", netdev="hub1"),
            card("function0", "port3", "e1000e", addr="0.0", multifunction=True, netdev="hub2"),
            card("function1", "port3", "e1000e", addr="0.1")]
HUB = [word for n in range(3) for word in ("-netdev", f"hubport,hubid=0,id=hub{n}")]


@pytest.fixture(scope="module")
def machine(make_machine, release):
    with make_machine(TOPOLOGY, kind="systemd", release=release, options=HUB) as machine:
        machine.boot("root=LABEL=root")
        machine.settle()
        yield machine


def name_of(machine, device):
    return interfaces(machine.qmp)[device]


def link_of(machine, device):
    """What `ip` says of the interface that the host calls so."""
    [link] = json.loads(machine.run(f"ip -j link show {name_of(machine, device)}"))
    assert link["address"] == mac(machine.qmp, device)
    return link


def plug(machine, name, port, **properties):
    machine.plug(card(name, port, **properties))
    path = name_of(machine, name).removeprefix("pci-")
    ifname = machine.run(f"pcipath wait {path}").strip()
    assert link_of(machine, name)["ifname"] == ifname
    return ifname


def unplug(machine, name):
    path = name_of(machine, name).removeprefix("pci-")
    machine.unplug(name)
    machine.run(f"pcipath wait --removed {path}")


def in_initramfs(machine, driver):
    """The names by PCI path that the initramfs had given to cards with that driver."""
    links = json.loads(machine.run("cat /run/initramfs-interfaces"))
    cards = {device["id"] for device in machine.topology if device["driver"] == driver}
    assert {link["address"] for link in links} >= {mac(machine.qmp, i) for i in cards}
    named = {i for i in cards for link in links if mac(machine.qmp, i) == link["address"]
             and name_of(machine, i) in (link["ifname"], *link.get("altnames", []))}
    # And `ip link show` took each of the names there.
    found = machine.run("cat /run/initramfs-found")
    assert len(found.splitlines()) == len(named) and all(mac(machine.qmp, i) in found for i in named)
    return named


def test_cold(machine):
    check_interfaces(machine)
    check_helper(machine)
    for name in interfaces(machine.qmp):
        link_of(machine, name)


def test_in_the_initramfs(machine):
    assert in_initramfs(machine, "virtio-net-pci") == {"cold", "peer"}


def test_plugged_unplugged_and_in_another_port(machine):
    plug(machine, "hot", "port4")
    first = name_of(machine, "hot")
    check_interfaces(machine)
    unplug(machine, "hot")
    check_interfaces(machine)
    plug(machine, "hot", "port5")
    assert name_of(machine, "hot") != first
    check_interfaces(machine)
    unplug(machine, "hot")


def test_events_keep_the_names(machine):
    for action in ("add", "change", "move", "bind", "online", "add"):
        machine.run(f"udevadm trigger --settle --action={action} --subsystem-match=net")
        check_interfaces(machine)


@pytest.mark.parametrize("odd", ["lan0", "a\"b'c", "$(reboot)", "x\\n", "\u00e9"])
def test_renamed(machine, odd):
    """To whatever name the kernel takes: ours stays, and the next event finds it in its place."""
    before = link_of(machine, "cold")["ifname"]
    machine.run(f"ip link set {before} name {shlex.quote(odd)}")
    machine.settle()
    # Not with --settle: systemd 252 replaces what is not ASCII, and then waits for a device that has no such name any more.
    machine.run("udevadm trigger --action=add --subsystem-match=net")
    machine.settle()
    assert link_of(machine, "cold")["ifname"] == (odd if odd.isascii() else "__")
    check_interfaces(machine)
    # Which has become an alternative name of systemd's.
    machine.run(f"ip link property del dev {name_of(machine, 'cold')} altname {before};"
                f" ip link set {name_of(machine, 'cold')} name {before}")
    machine.settle()
    check_interfaces(machine)


def test_beside_other_names(machine):
    ifname = plug(machine, "hot", "port4")
    machine.run(f"ip link property add dev {ifname} altname other altname another")
    machine.run(f"udevadm trigger --settle --action=add /sys/class/net/{ifname}")
    # systemd 257 has one of its own, made of the MAC address.
    assert set(link_of(machine, "hot")["altnames"]) >= {"other", "another", name_of(machine, "hot")}
    unplug(machine, "hot")


@pytest.fixture
def link_file(machine):
    """Writes a .link file that matches before any other."""
    def write(*lines):
        words = " ".join(shlex.quote(line) for line in lines)
        machine.run(f"mkdir -p /run/systemd/network && printf '%s\\n' {words} >/run/systemd/network/10-test.link"
                    " && udevadm control --reload")
    yield write
    machine.run("rm /run/systemd/network/10-test.link && udevadm control --reload")


def test_foreign_link_file(machine, link_file):
    """It has other ideas of names."""
    link_file("[Match]", "Driver=virtio_net", "[Link]", "NamePolicy=mac", "AlternativeName=mine")
    assert plug(machine, "hot", "port4") == "enx" + mac(machine.qmp, "hot").replace(":", "")
    assert set(link_of(machine, "hot")["altnames"]) == {"mine", name_of(machine, "hot")}
    unplug(machine, "hot")


def test_link_file_for_a_path(machine, link_file):
    """As pcipath-names(7) has it: the administrator's name for whatever card is plugged in there."""
    link_file("[Match]", "Property=ID_NET_NAME_PCI_PATH=pci-02.4-00.0", "[Link]", "Name=lan7")
    assert plug(machine, "hot", "port4") == "lan7"
    assert link_of(machine, "hot")["altnames"] == [name_of(machine, "hot")]
    unplug(machine, "hot")
    assert plug(machine, "hot", "port5") != "lan7"
    unplug(machine, "hot")


@pytest.mark.parametrize("attribute,content,word", [("dev_port", "1", "d1"), ("phys_port_name", "p1", "np1"),
                                                    ("phys_port_name", "a b:%", None)], ids=str)
def test_second_port(machine, attribute, content, word):
    """As the driver of a card with two ports would show it, which QEMU has not: the file lies over the attribute."""
    ifname = plug(machine, "hot", "port4")
    name = name_of(machine, "hot")
    machine.run(f"echo '{content}' >/run/{attribute} && mount --bind /run/{attribute} /sys/class/net/{ifname}/{attribute}")
    # As if udev had not seen it yet.
    machine.run(f"ip link property del dev {ifname} altname {name}; rm /run/udev/data/n$(cat /sys/class/net/{ifname}/ifindex)")
    machine.run(f"udevadm trigger --settle --action=add /sys/class/net/{ifname}")
    found = [found for found, address in names_of_interfaces(machine).items() if address == mac(machine.qmp, "hot")]
    assert found == ([name + word] if word else [])
    # The others have theirs.
    assert set(names_of_interfaces(machine)) - set(found) == set(interfaces(machine.qmp).values()) - {name}
    if not word:
        assert "characters that are not allowed in an interface name" in machine.run("dmesg | grep pcipath_altname | tail -n 1")
    machine.run(f"umount /sys/class/net/{ifname}/{attribute}")
    unplug(machine, "hot")


UNITS_OF_FUNCTIONS = next(line for line in (Path(__file__).parents[2] / "man/pcipath-names.7.scd").read_text().splitlines()
                          if line.startswith('SUBSYSTEM=="pci"'))


def test_unit_waits_for_an_interface(machine):
    """Started while the slot is empty, it is active when the card is there."""
    machine.run(f"mkdir -p /run/udev/rules.d; cat >/run/udev/rules.d/62-pcipath-units.rules <<'END'\n{UNITS_OF_FUNCTIONS}\nEND\nudevadm control --reload")
    unit = "/run/systemd/system/wants-card.service"
    device = machine.run("systemd-escape -p --suffix=device /sys/subsystem/net/devices/pci-02.4-00.0").strip()
    machine.run(f"mkdir -p /run/systemd/system; printf '%s\\n' '[Unit]' 'BindsTo={device}' 'After={device}' '[Service]'"
                f" 'Type=oneshot' 'RemainAfterExit=yes' 'ExecStart=/bin/ip link set pci-02.4-00.0 up' >{unit}"
                " && systemctl daemon-reload && systemctl start --no-block wants-card.service")
    assert "wants-card.service start waiting" in " ".join(machine.run("systemctl list-jobs --no-legend").split())
    plug(machine, "hot", "port4")
    machine.run("systemctl start wants-card.service")
    # So is the unit of the function, with the rule of pcipath-names(7).
    function = machine.run("systemd-escape -p --suffix=device /sys/subsystem/pci/devices/02.4-00.0").strip()
    assert machine.run(f"systemctl is-active {shlex.quote(function)}") == "active\n"
    assert "UP" in link_of(machine, "hot")["flags"]
    unplug(machine, "hot")
    machine.run(f"systemctl stop wants-card.service; rm {unit} /run/udev/rules.d/62-pcipath-units.rules; systemctl daemon-reload;"
                " udevadm control --reload")


def test_installed_on_a_running_machine(machine):
    """udevd runs without the rules, then they come: a plain `udevadm trigger` names disks and interfaces."""
    rules = "/usr/lib/udev/rules.d/61-pcipath.rules"
    names = names_of_interfaces(machine)
    links = machine.run("ls /dev/disk/by-pci-path")
    machine.run(f"mv {rules} /run && udevadm control --reload && udevadm trigger --action=add && udevadm settle")
    for name in names:
        machine.run(f"ip link property del dev {name} altname {name}")
    assert names_of_interfaces(machine) == {} and machine.run("ls /dev/disk/by-pci-path 2>/dev/null || true") == ""
    machine.run(f"mv /run/61-pcipath.rules {rules} && udevadm control --reload && udevadm trigger && udevadm settle")
    assert names_of_interfaces(machine) == names and machine.run("ls /dev/disk/by-pci-path") == links
    check_interfaces(machine)


def test_networkd(machine):
    """The real systemd-networkd finds the interface by its PCI path, which says nothing else of it."""
    name = name_of(machine, "cold")
    machine.run("mkdir -p /run/systemd/network && printf '%s\\n' '[Match]' "
                f"'Name={name}' '[Network]' 'Address=192.0.2.1/24' 'LinkLocalAddressing=no' >/run/systemd/network/50-card.network")
    ifname = link_of(machine, "cold")["ifname"]
    machine.run(f"systemctl start systemd-networkd && /lib/systemd/systemd-networkd-wait-online --interface={ifname} --timeout=1000")
    assert [line for line in machine.run("ip -br addr").splitlines() if "192.0.2.1/24" in line] == [
        machine.run(f"ip -br addr show {name}").rstrip("\n")]
    machine.run("systemctl stop systemd-networkd.socket systemd-networkd; rm /run/systemd/network/50-card.network;"
                f" ip addr flush dev {name}; ip link set {name} down")


def test_bond_and_vlan(machine):
    """The recipe of docs/guests.md. Both cards keep their names, and what is on top of them gets none."""
    far = name_of(machine, "function0")
    machine.run(f"ip netns add far && ip link set {far} netns far && ip -n far link set {far} up && "
                f"ip -n far link add link {far} name lan7 type vlan id 7 && ip -n far addr add 192.0.2.1/30 dev lan7 && ip -n far link set lan7 up")
    serve(machine, "far")
    run_section(machine, "Bond and VLAN (systemd-networkd)")
    machine.run("systemctl start systemd-networkd && /lib/systemd/systemd-networkd-wait-online --interface=lan7:routable --timeout=1000")
    check_answer(machine, "192.0.2.1")
    cards = {link["ifname"]: link for link in json.loads(machine.run("ip -j -d link"))}
    assert cards["lan7"]["link"] == "bond0" and cards["lan7"]["linkinfo"]["info_data"]["id"] == 7
    below = [link for link in cards.values() if link.get("master") == "bond0"]
    assert {name for link in below for name in link["altnames"] if name.startswith("pci-")} == {name_of(machine, "cold"), name_of(machine, "peer")}
    assert set(names_of_interfaces(machine)) == set(interfaces(machine.qmp).values()) - {far}
    stop_serving(machine, "far")
    machine.run("systemctl stop systemd-networkd.socket systemd-networkd; rm /etc/systemd/network/*; ip link del bond0; ip netns del far;"
                " pcipath wait -t net 02.3/00.0")
    machine.settle()
    check_interfaces(machine)


def test_two_containers(machine):
    """Each gets a card by its PCI path alone, and has it under that name; they reach each other and nobody else."""
    one, other = name_of(machine, "cold"), name_of(machine, "peer")
    for netns, name, address in (("one", one, "192.0.2.1/24"), ("other", other, "192.0.2.2/24")):
        machine.run(f"ip netns add {netns} && ip link set {name} netns {netns} && ip -n {netns} addr add {address} dev {name}"
                    f" && ip -n {netns} link set {name} up")
        assert set(names_of_interfaces(machine, netns)) == {name}
    serve(machine, "one")
    check_answer(machine, "192.0.2.1", "other")
    stop_serving(machine, "one")
    # The cards come back when the containers end.
    machine.run("ip netns del one; ip netns del other; pcipath wait -t net 02.1/00.0 02.2/00.0")
    machine.settle()
    check_interfaces(machine)


def test_net_ifnames_0_and_no_systemd_in_the_initramfs(make_machine, release):
    with make_machine([*root_ports(2), ROOT, card("card", "port1")], kind="nosystemd", release=release) as machine:
        machine.boot("root=LABEL=root net.ifnames=0")
        machine.settle()
        assert link_of(machine, "card")["ifname"] == "eth0"
        check_interfaces(machine)
        assert in_initramfs(machine, "virtio-net-pci") == {"card"}


def test_primary_name_when_asked(make_machine, release):
    """pcipath.ifnames=1: from the initramfs on, where there is room for it."""
    bridge = {"driver": "pcie-pci-bridge", "id": "bridge", "bus": "port2"}
    topology = [*root_ports(4), ROOT, card("card", "port1"), bridge, card("deep", "bridge", addr="3.0")]
    with make_machine(topology, kind="systemd", release=release) as machine:
        machine.boot("root=LABEL=root pcipath.ifnames=1")
        machine.settle()
        check_interfaces(machine)
        assert link_of(machine, "card")["ifname"] == name_of(machine, "card")
        assert not link_of(machine, "deep")["ifname"].startswith("pci-")
        assert f"{name_of(machine, 'deep')} is longer than 15 bytes" in machine.run("dmesg | grep pcipath_altname")
        assert in_initramfs(machine, "virtio-net-pci") == {"card", "deep"}
        plug(machine, "hot", "port3")
        assert link_of(machine, "hot")["ifname"] == name_of(machine, "hot")
        # Called something else it has the name still.
        machine.run(f"ip link set {name_of(machine, 'hot')} name lan0")
        machine.settle()
        assert link_of(machine, "hot")["ifname"] == "lan0"
        check_interfaces(machine)
