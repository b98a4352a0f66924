# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of network interfaces: fake ones in sysfs, each with a real one of its number, whose names the kernel keeps."""

import json
import os
import subprocess

import pytest
from rules import udev
from synthetic.machines import SYNTHETIC
from trees import sandbox
from trees.machine import Machine, Net, Port, Root, function
from trees.names import Names
from trees.sysfs import Tree


COVERS = {
    "ports_and_virtual_functions": "Interface: two ports of one function, and virtual functions",
    "hostile_port_names": "Fault: hostile names of ports",
    "twin_that_comes_later": "Interface: two ambiguous interfaces",
}


def ip(*arguments):
    return subprocess.run(["ip", *arguments], check=True, text=True, capture_output=True).stdout


def altnames():
    """By number of each interface the names that it has beside its own."""
    return {link["ifindex"]: set(link.get("altnames", [])) for link in json.loads(ip("-j", "link"))}


class Boot:
    """A machine, with a bridge of the kernel for each interface, which needs nothing, before udevd runs: it would be told
    of the bridges."""

    def __init__(self, machine):
        self.tree = Tree(machine, "/sys")
        self.names = Names(machine)
        self.interfaces = [device for device in self.tree.devices if device.subsystem == "net"]
        for device in self.interfaces:
            ip("link", "add", "name", os.path.basename(device.devpath), "index", str(device.ifindex), "type", "bridge")

    def start(self, udevd):
        self.udevd = udevd
        udevd.boot(self.tree)

    def name(self, number):
        return self.names[self.interfaces[number].key].interface

    def events(self, action):
        self.udevd.events(action)

    def event(self, number):
        self.udevd.events("add", [self.interfaces[number]])

    def properties(self, number):
        return udev.record(self.interfaces[number]).properties

    def altnames(self, number):
        return altnames()[self.interfaces[number].ifindex]

    def check(self):
        """Each interface has its name, and udev's database says so."""
        found = altnames()
        for device in self.interfaces:
            name = self.names[device.key].interface
            assert found[device.ifindex] == ({name} if name else set()), device.devpath
            assert udev.record(device).properties == self.names[device.key].properties()


def run(test, machine, prepare=lambda boot: None):
    """test(boot) in a sandbox with udevd; what our helper has logged meanwhile."""
    def inside():
        udev.enter()
        boot = Boot(machine)
        prepare(boot)
        with udev.Udevd(debug=True) as udevd:
            boot.start(udevd)
            test(boot)
        with open(udev.LOG, encoding="utf-8", errors="replace") as log:
            return [line for line in log if "pcipath_altname: " in line]
    return sandbox.run(inside)


def live(boot):
    for action in ("add", "change", "add", "bind", "move", "change"):
        boot.events(action)
        boot.check()


def no_second_process(boot):
    """What has its name keeps it: the events of another coldplug start nothing."""
    boot.events("add")
    assert len([path for path in boot.udevd.started() if path.startswith("eth")]) == len(boot.interfaces)
    for action in ("add", "change", "move"):
        boot.events(action)
        assert not [path for path in boot.udevd.started() if path.startswith("eth")]


@pytest.mark.parametrize("action", ["change", "bind", "move"])
@pytest.mark.parametrize("name", ["network", "sub-functions"])
def test_named_at_any_event(name, action):
    """As after an installation on a running machine: no interface has another "add"."""
    def check(boot):
        boot.events(action)
        boot.check()
    assert not run(check, SYNTHETIC[name].machine)


def interfaces_alone(boot):
    """The devices above have had no event."""
    boot.udevd.events("change", boot.interfaces)
    boot.check()
    boot.udevd.events("change", boot.interfaces)
    boot.check()


def test_named_before_the_devices_above():
    assert not run(interfaces_alone, SYNTHETIC["network"].machine)


def test_one_process_for_an_interface():
    run(no_second_process, SYNTHETIC["network"].machine)


def test_ports_and_virtual_functions():
    assert not run(live, SYNTHETIC["network"].machine)


def test_hostile_port_names():
    """What has no name does not keep others from theirs; each that has none is told of, once an event."""
    log = run(live, SYNTHETIC["network-alike"].machine)
    assert sum("characters that are not allowed in an interface name" in line for line in log) == 6 * 7
    assert all(line.isprintable() for line in map(str.strip, log))


def test_longest_name():
    log = run(live, SYNTHETIC["network-deep"].machine)
    assert all("longer than 127 bytes" in line for line in log) and len(log) == 6


TWINS = Machine([Root([function("02.0", Net([Port(), Port()]))])])


def twin_comes_later(boot):
    """The first has the name as long as it is the only one; then neither has it."""
    late = boot.interfaces[1].syspath
    os.rename(late, "/sys/away")
    boot.udevd.events("add", [device for device in boot.tree.devices if device.subsystem == "pci"])
    boot.event(0)
    assert boot.altnames(0) == {"pci-02.0"}
    os.rename("/sys/away", late)
    uevent = f"{boot.interfaces[0].syspath}/uevent"
    with open(uevent, encoding="ascii") as f:
        kernel = f.read()
    boot.event(1)
    assert boot.altnames(0) == boot.altnames(1) == set()

    # The helper has asked the kernel for an event of the first, which has the database forget the name.
    with open(uevent, encoding="ascii") as f:
        assert f.read() == "change 00000000-0000-0000-0000-000000000000 PCIPATH=1"
    for more in ("SYNTH_ARG_PCIPATH=1\n", ""):
        assert ("ID_NET_NAME_PCI_PATH" in boot.properties(0)) == bool(more)
        with open(uevent, "w", encoding="ascii") as f:
            f.write(kernel + more)
        boot.udevd.events("change", boot.interfaces[:1])
    assert boot.altnames(0) == set()

    # It is alone again.
    os.rename(late, "/sys/away")
    boot.udevd.events("change", boot.interfaces[:1])
    assert boot.altnames(0) == {"pci-02.0"} == {boot.properties(0)["ID_NET_NAME_PCI_PATH"]}


def test_twin_that_comes_later():
    log = run(twin_comes_later, TWINS)
    assert len(log) == 3 and all("the name pci-02.0 is ambiguous" in line for line in log)


TWO = Machine([Root([function("02.0", Net()), function("03.0", Net())])])


def interface_is_renamed(boot):
    """The helper has the interface's old name. Then an interface beside it disappears while the helper reads its attributes."""
    boot.events("add")
    interface = boot.interfaces[0]
    directory, name = os.path.split(interface.syspath)
    run_helper = [f"{os.environ['PCIPATH_UDEV']}/pcipath_altname", boot.name(0).removeprefix("pci-")]
    for old, new in ((interface.syspath, f"{directory}/renamed"), (f"{directory}/renamed", interface.syspath)):
        os.rename(old, new)
        done = subprocess.run(run_helper, env=os.environ | {"DEVPATH": interface.devpath}, text=True, capture_output=True, check=False)
        assert (done.stderr, boot.altnames(0)) == ("", {boot.name(0)}), name
        os.makedirs(f"{directory}/disappears", exist_ok=True)


def test_interface_is_renamed():
    """No interface is ambiguous with itself under another name, nor with one that has gone."""
    assert run(interface_is_renamed, TWO) == []


def take_name(boot):
    """The second has the name of the first."""
    ip("link", "property", "add", "dev", os.path.basename(boot.interfaces[1].devpath), "altname", boot.name(0),
       "altname", "other")


def name_is_taken(boot):
    boot.events("add")
    assert boot.altnames(0) == set() and "ID_NET_NAME_PCI_PATH" not in boot.properties(0)
    assert boot.altnames(1) == {boot.name(0), "other", boot.name(1)}

    # The other lets go of it.
    ip("link", "property", "del", "dev", os.path.basename(boot.interfaces[1].devpath), "altname", boot.name(0))
    boot.events("change")
    assert boot.altnames(0) == {boot.name(0)} == {boot.properties(0)["ID_NET_NAME_PCI_PATH"]}


def remove(name, status=0):
    done = subprocess.run([f"{os.environ['PCIPATH_UDEV']}/pcipath_altname", "--remove", name], text=True, capture_output=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def names_are_removed(boot):
    """As when the package is removed. Other names stay."""
    boot.events("add")
    ip("link", "property", "add", "dev", os.path.basename(boot.interfaces[1].devpath), "altname", "other")
    remove(boot.name(1))
    assert boot.altnames(0) == {boot.name(0)} and boot.altnames(1) == {"other"}
    remove(boot.name(1))

    # A primary name is not an alternative one.
    primary = os.path.basename(boot.interfaces[0].devpath)
    assert f"{primary}: cannot remove the alternative name" in remove(primary, 1)
    assert boot.altnames(0) == {boot.name(0)}


def test_names_are_removed():
    assert run(names_are_removed, TWO) == []


def test_name_is_taken():
    [line] = run(name_is_taken, TWO, take_name)
    assert "another interface has the name pci-0" in line


def rename(boot):
    ip("link", "set", os.path.basename(boot.interfaces[0].devpath), "name", boot.name(0))


def name_is_its_own(boot):
    boot.events("add")
    assert boot.altnames(0) == set()
    assert boot.properties(0)["ID_NET_NAME_PCI_PATH"] == boot.name(0)


def test_name_is_its_own():
    """It was renamed to what we would call it: nothing to do."""
    assert not run(name_is_its_own, TWO, rename)


LONG = Machine([Root([function("02.0", Net()), function("03.0", function("00.0", Net([Port(1, "port")])))])])


def ask(words):
    """udevd is told so of the kernel's command line (systemd's docs/ENVIRONMENT.md)."""
    return lambda boot: os.environ.update(SYSTEMD_PROC_CMDLINE=f"quiet {words}")


def primary_names(wanted):
    def check(boot):
        boot.events("add")
        for number in range(len(boot.interfaces)):
            assert boot.altnames(number) == {boot.name(number)}
            assert boot.properties(number).get("ID_NET_NAME_FROM_DATABASE") == (boot.name(number) if wanted else None)
    return check


def test_primary_name_only_when_asked():
    assert not run(primary_names(False), LONG, ask("net.ifnames=1"))
    assert not run(primary_names(False), LONG, ask("pcipath.ifnames=0"))
    [line] = run(primary_names(True), LONG, ask("pcipath.ifnames=1"))
    assert "pci-03.0-00.0nport is longer than 15 bytes" in line
