# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases in the real udevd: the rules that `pcipath alias --apply` compiles, and the names that pcipath_altname registers."""

import os
import random
import re
import stat

import pytest
from command import alias
from command.run import pcipath
from rules import udev
from rules.test_interfaces import Boot, ip
from synthetic.machines import SYNTHETIC
from synthetic.parts import blk, multipath, nvme
from trees import sandbox
from trees.generate import random_machine
from trees.machine import Disk, Lun, Machine, Net, Port, Root, VirtioScsi, function
from trees.names import Names
from trees.sysfs import Tree

COVERS = {
    "disks_of_aliases": "Alias: disks and partitions in udevd",
    "change_while_udevd_runs": "Alias: changed and removed while udevd runs",
    "interfaces_of_aliases": "Alias: network interfaces in udevd",
    "name_of_another_interface": "Alias: a name that another interface has",
    "alias_without_the_port": "Alias: an interface with a port, named with and without it",
    "every_place_of_random_machines": "Alias: random machines and names",
}

CONF = f"{alias.RUN}/1.conf"
RULES, TABLE = "/run/udev/rules.d/62-pcipath-alias.rules", "/run/pcipath/aliases"
ALIASES = "/dev/disk/by-pci-alias"

DISKS = Machine([Root([function("02.0", function("00.0", blk(2))), function("02.1", function("00.0", nvme(1, 2))),
                       function("02.2", function("00.0", VirtioScsi([Lun(0, 0, disk=Disk(2)), Lun(1, 300)]))), function("03.0", blk(11))])])


def links():
    """From the name of each link to its node; names with a dot are udevd's, for a moment."""
    return {name: os.path.basename(os.readlink(f"{ALIASES}/{name}")) for name in (os.listdir(ALIASES) if os.path.isdir(ALIASES) else ())}


def apply(text, status=0):
    """The messages."""
    if text is None:
        os.unlink(CONF)
    else:
        alias.write(CONF, text)
    outcome = pcipath("alias", "--apply")
    assert (outcome.status, outcome.stdout) == (status, "")
    return outcome.stderr


def complaints():
    """What udevd says of our rules when it reads them."""
    with open(udev.LOG, encoding="utf-8", errors="replace") as log:
        return [line for line in log if "62-pcipath-alias.rules:" in line and not re.search(r"rules:\d+ (LINK|GOTO|Importing)", line)]


def run(function_, *arguments):
    def inside():
        udev.enter()
        return function_(*arguments)
    return sandbox.run(inside)


def with_udevd(text, machine, *actions):
    """The links after each of the events, when the aliases are there before udevd starts."""
    apply(text)
    found = []
    with udev.Udevd(debug=True) as udevd:
        udevd.boot(Tree(machine, "/sys"))
        for action in actions:
            udevd.events(action)
            found.append(links())
    return found, udevd.started(), complaints()


TEXT = """
database=02.0/00.0
twin=02.0-00.0
boot=02.0/00.0,part=2
logs=02.1/00.0,nvme-2
lun=02.2/00.0,scsi-0:0:1:300
scsi=02.2-00.0-scsi-0:0:0:0
swap=02.2-00.0-scsi-0:0:0:0-part1
many=03.0
several=02.2/00.0
none=09.0
"""
MADE = {"database": "vda", "database-part1": "vda1", "database-part2": "vda2", "twin": "vda", "twin-part1": "vda1", "twin-part2": "vda2",
        "boot": "vda2", "logs": "nvme0n2", "lun": "sdb", "scsi": "sda", "scsi-part1": "sda1", "scsi-part2": "sda2", "swap": "sda1",
        "many": "vdb", **{f"many-part{number}": f"vdb{number}" for number in range(1, 12)}}


def test_disks_of_aliases():
    """Each event makes them again, and no process is started for them."""
    found, started, said = run(with_udevd, TEXT, DISKS, "add", "change", "add", "remove")
    assert found == [MADE, MADE, MADE, {}]
    # For the LUN, aliases or not.
    assert set(started) <= {"sdb"} and said == []


def test_two_targets():
    found = run(lambda: [apply("a=02.0/00.0\na=02.0/00.0,part=1\nb=02.0/00.0\nbad\n", 1), with_udevd_after(DISKS)])
    assert found[1] == {"b": "vda", "b-part1": "vda1", "b-part2": "vda2"} and found[0].count("\n") == 2


def with_udevd_after(machine):
    with udev.Udevd() as udevd:
        udevd.boot(Tree(machine, "/sys"))
        udevd.events("add")
        return links()


def test_multipath():
    """One of several links of a head, and of its partitions."""
    machine = multipath()
    names = Names(machine)

    def inside():
        tree = Tree(machine, "/sys")
        wanted, text = {}, []
        for device in tree.devices:
            for link in names[device.key].disk_links if device.devname and names.get(device.key) else ():
                name = "m" + re.sub("[^a-z0-9]", "-", link)
                if "-part" not in link:
                    text.append(f"{name}={link}")
                wanted[name] = device.devname
        apply("\n".join(text))
        with udev.Udevd() as udevd:
            udevd.boot(tree)
            udevd.events("add")
            return links(), wanted
    found, wanted = run(inside)
    assert found == wanted and len(found) > 4


def change_while_udevd_runs():
    states = []
    with udev.Udevd(debug=True) as udevd:
        udevd.boot(Tree(DISKS, "/sys"))
        udevd.events("add")
        for text in ("a=02.0/00.0\nb=03.0\n", "a=03.0\nc=02.0/00.0,part=1\n", None):
            apply(text)
            asked = udevd.changed()
            udevd.events("change")
            states.append(({name: node for name, node in links().items() if "-part" not in name}, "vda" in asked, os.path.exists(RULES),
                           os.path.exists(TABLE)))
        apply("")
        states.append(udevd.changed())
    return states, sorted(os.listdir("/run/udev/rules.d")), complaints()


def test_change_while_udevd_runs():
    """udevd reads the rules again, and the disks have an event. Without aliases there is no file."""
    states, files, said = run(change_while_udevd_runs)
    assert states == [({"a": "vda", "b": "vdb"}, True, True, True), ({"a": "vdb", "c": "vda1"}, True, True, True), ({}, True, False, False), []]
    assert files == ["00-fake-sysfs.rules"] and said == []


def modes():
    os.umask(0o077)
    apply("a=02.0")
    first = os.stat(RULES)
    alias.write("/run/udev/rules.d/.pcipath-alias.new", "of a run that was killed\n" * 1000)
    apply("a=02.0\nb=02.0")
    apply("b=02.0\na=02.0")
    second = os.stat(RULES)
    apply("# the same\na=02.0\nb=02.0")
    return [stat.S_IMODE(os.stat(path).st_mode) for path in (RULES, TABLE)], first.st_ino != second.st_ino, \
        os.stat(RULES).st_mtime_ns == second.st_mtime_ns, sorted(os.listdir("/run/udev/rules.d") + os.listdir("/run/pcipath"))


def test_files():
    """Whole at each moment, with fixed modes, and untouched when nothing changes."""
    found, replaced, untouched, names = run(modes)
    assert found == [0o644, 0o644] and replaced and untouched
    assert names == sorted(["00-fake-sysfs.rules", "62-pcipath-alias.rules", "aliases", "aliases.d"])


def test_nothing_to_do():
    """No directory is made."""
    assert run(lambda: [pcipath("alias", "--apply").status, os.path.exists("/run/pcipath")]) == [0, False]


def cannot_write():
    alias.write(CONF, "a=02.0")
    sandbox.mount("tmpfs", "/run/udev/rules.d", "tmpfs", options="nr_inodes=1")
    full = pcipath("alias", "--apply")
    sandbox.mount("tmpfs", "/run/udev", "tmpfs")
    alias.write("/run/udev/rules.d", "no directory")
    return full, pcipath("alias", "--apply"), os.listdir("/run/udev")


def test_cannot_write():
    full, no_directory, left = run(cannot_write)
    assert (full.status, full.stderr) == (1, f"pcipath: {RULES}: No space left on device\n")
    assert (no_directory.status, no_directory.stderr) == (1, "pcipath: /run/udev/rules.d: Not a directory\n") and left == ["rules.d"]


HOSTILE = ['a=02.0", RUN+="/bin/touch /run/canary', "a\", RUN+=\"x=02.0", "a=02.0\\\n, RUN+=\"x\"", "a=$env{PATH}", "a=02.0,nvme-$(id)", "a=%k", "../a=02.0",
           "a=02.0,usb-*", "a=02.0,scsi-[0-9]", "a=02.0,nvme-1|x", 'a=02.0"\nGOTO="x', "\0", "a" * 65536, "a=02.0 b=03.0"]


def test_hostile_lines():
    """Nothing of them is compiled."""
    def inside():
        alias.write(CONF, "fine=03.0\n" + "\n".join(HOSTILE))
        return pcipath("alias", "--apply"), open(RULES, encoding="utf-8").read(), with_udevd_after(DISKS), os.path.exists("/run/canary")
    outcome, rules, found, canary = run(inside)
    assert outcome.status == 1 and outcome.stderr.count("\n") >= len(HOSTILE)
    assert rules.count("SYMLINK") == 4 and all("fine" in line for line in rules.splitlines() if "SYMLINK" in line)
    assert found == {name.replace("many", "fine"): node for name, node in MADE.items() if name.startswith("many")} and not canary


# -- Interfaces --

TWO = Machine([Root([function("02.0", Net()), function("03.0", Net())])])


def interfaces(test, machine, text, prepare=lambda boot: None):
    """test(boot) with udevd, and what pcipath_altname has logged."""
    def inside():
        boot = Boot(machine)
        prepare(boot)
        apply(text)
        with udev.Udevd(debug=True) as udevd:
            boot.start(udevd)
            result = test(boot)
        with open(udev.LOG, encoding="utf-8", errors="replace") as log:
            return result, [line for line in log if "pcipath_altname: " in line]
    return run(inside)


def name(boot, number):
    return os.path.basename(boot.interfaces[number].devpath)


def units(boot, number):
    with open(f"/run/udev/data/n{boot.interfaces[number].ifindex}", encoding="utf-8") as f:
        line = next(line for line in f if line.startswith("E:SYSTEMD_ALIAS="))
    return [unit.removeprefix("/sys/subsystem/net/devices/") for unit in line.strip().partition("=")[2].split()]


def live(boot):
    found = []
    for action in ("add", "change", "add", "move"):
        boot.events(action)
        found.append((boot.altnames(0), boot.altnames(1), units(boot, 0), units(boot, 1)))
        starts = [name for name in boot.udevd.started() if name.startswith("eth")]
        assert len(starts) == (2 if action == "add" and len(found) == 1 else 0)
    return found


def test_interfaces_of_aliases():
    """The process that names an interface registers all of its aliases, and no other is started."""
    found, log = interfaces(live, TWO, "lan=02.0\nwan=02.0\ndmz=03.0\nnone=04.0\ndisk=02.0,nvme-1\n")
    assert found == [({"pci-02.0", "lan", "wan"}, {"pci-03.0", "dmz"}, ["pci-02.0", "lan", "wan"], ["pci-03.0", "dmz"])] * 4 and not log


def test_ports_and_sub_functions():
    """An alias is the interface's whose name is the path alone."""
    for kind in ("network", "sub-functions"):
        machine = SYNTHETIC[kind].machine
        tree, _ = interfaces(lambda boot: [boot.name(number) for number in range(len(boot.interfaces))], machine, "")
        wanted = {pci: f"n{number}" for number, pci in enumerate(tree) if pci and re.fullmatch(r"pci-[0-9a-f._v-]*\.[0-7](v\d+)?(S\d+)?", pci)}
        text = "\n".join(f"{alias_}={pci.removeprefix('pci-').replace('S', '-sf-')}" for pci, alias_ in wanted.items())

        def check(boot, wanted=wanted):
            boot.events("add")
            return [(boot.name(number), boot.altnames(number)) for number in range(len(boot.interfaces))]
        found, _ = interfaces(check, machine, text)
        assert len(wanted) > 0
        for pci, altnames in found:
            assert altnames == {pci, wanted.get(pci)} - {None}, (kind, pci)


def taken(boot):
    found = []
    for change in (None, lambda: ip("link", "property", "del", "dev", name(boot, 1), "altname", "lan")):
        if change:
            change()
        for action in ("add", "change"):
            boot.events(action)
            found.append((boot.altnames(0), boot.altnames(1)))
    return found


def test_name_of_another_interface():
    """One line for each event, until the other lets go of it."""
    found, log = interfaces(taken, TWO, "lan=02.0\nwan=02.0", lambda boot: ip("link", "property", "add", "dev", name(boot, 1), "altname", "lan"))
    other = ({"pci-02.0", "wan"}, {"pci-03.0", "lan"})
    assert found == [other, other, ({"pci-02.0", "lan", "wan"}, {"pci-03.0"}), ({"pci-02.0", "lan", "wan"}, {"pci-03.0"})]
    assert len(log) == 2 and all("another interface has the name lan: " in line for line in log)


def make_event(device, asked):
    """The attribute of the next event: of one that pcipath_altname or pcipath has asked the kernel for, or of another."""
    with open(f"{device.syspath}/uevent", "w", encoding="ascii") as f:
        f.write(f"INTERFACE={os.path.basename(device.devpath)}\nIFINDEX={device.ifindex}\n" + "SYNTH_ARG_PCIPATH=1\n" * asked)


def changed_aliases(boot):
    boot.events("add")
    ip("link", "property", "add", "dev", name(boot, 0), "altname", "other")
    found = []
    for text in ("lan=03.0\nnew=02.0\n", "new=02.0\n", None):
        apply(text)
        found.append((boot.altnames(0), boot.altnames(1)))
        # The kernel was asked for these events.
        for device in boot.interfaces:
            with open(f"{device.syspath}/uevent", encoding="ascii") as f:
                asked = "PCIPATH=1" in f.read()
            make_event(device, asked)
        boot.events("change")
        found.append((boot.altnames(0), boot.altnames(1), units(boot, 0)[1:], units(boot, 1)[1:]))
    return found


def test_changed_aliases_of_interfaces():
    """Those that are no longer given are removed; names of others stay."""
    found, log = interfaces(changed_aliases, TWO, "lan=02.0\nwan=02.0")
    assert found == [({"pci-02.0", "other"}, {"pci-03.0"}), ({"pci-02.0", "other", "new"}, {"pci-03.0", "lan"}, ["new"], ["lan"]),
                     ({"pci-02.0", "other", "new"}, {"pci-03.0"}), ({"pci-02.0", "other", "new"}, {"pci-03.0"}, ["new"], []),
                     ({"pci-02.0", "other"}, {"pci-03.0"}), ({"pci-02.0", "other"}, {"pci-03.0"}, [], [])] and not log


def ports(*names):
    return Machine([Root([function("02.0", Net([Port(0, name) for name in names])), function("03.0", Net([Port(0, "p0"), Port(1), Port()]))])])


def second_comes_later(boot):
    """The second of two interfaces comes when the first has its names, which are returned."""
    late = boot.interfaces[1].syspath
    os.rename(late, "/sys/away")
    boot.udevd.events("add", [device for device in boot.tree.devices if device.subsystem == "pci"])
    boot.event(0)
    found = boot.altnames(0)
    os.rename("/sys/away", late)
    boot.event(1)
    return found


def port_comes_later(boot):
    found = [second_comes_later(boot)]
    # Asked for by the process that has taken the alias away.
    with open(f"{boot.interfaces[0].syspath}/uevent", encoding="ascii") as f:
        assert "PCIPATH=1" in f.read()
    make_event(boot.interfaces[0], True)
    boot.udevd.events("change", boot.interfaces[:1])
    return [*found, boot.altnames(0), boot.altnames(1), units(boot, 0)]


def test_alias_without_the_port():
    """It is that of the only interface of a function, or of the interface without a port; of several ports it is none's."""
    def check(boot):
        boot.events("add")
        return [boot.altnames(number) for number in range(len(boot.interfaces))]
    text = "lan=02.0\nexact=02.0,np1\nflat=02.0-00.0np1\nmain=03.0\nfirst=03.0,np0\nsecond=03.0,d1\nboth=02.0np1\n"
    found, log = interfaces(check, ports("p1"), text)
    assert found == [{"pci-02.0np1", "lan", "exact", "both"}, {"pci-03.0np0", "first"}, {"pci-03.0d1", "second"}, {"pci-03.0", "main"}] and not log
    found, log = interfaces(port_comes_later, ports("p1", "p2"), text)
    assert found == [{"pci-02.0np1", "lan", "exact", "both"}, {"pci-02.0np1", "exact", "both"}, {"pci-02.0np2"}, ["pci-02.0np1", "both", "exact"]]
    assert len(log) == 2 and all("the target of the alias 'lan' has several interfaces" in line for line in log)


TWINS = Machine([Root([function("02.0", Net([Port(), Port()]))])])


def twin_comes_later(boot):
    """The first has the alias as long as it is the only one."""
    found = [second_comes_later(boot)]
    make_event(boot.interfaces[0], True)
    boot.udevd.events("change", boot.interfaces[:1])
    return [*found, boot.altnames(0), boot.altnames(1)]


def test_twin_that_comes_later():
    """An interface that loses its name by PCI path loses its aliases."""
    found, log = interfaces(twin_comes_later, TWINS, "lan=02.0\n")
    assert found == [{"pci-02.0", "lan"}, set(), set()] and all("is ambiguous" in line for line in log)


# -- All at once --

def every_place(seed, count):
    """Aliases of all disks and interfaces of a machine, `count` at most, with random names of all allowed characters."""
    generator = random.Random(seed)
    machine = random_machine(seed)
    names = Names(machine)
    tree = Tree(machine, "/sys", seed)
    text, wanted = {}, {}
    for device in tree.devices:
        for link in names[device.key].disk_links if device.devname and names.get(device.key) else ():
            whole, _, part = link.partition("-part")
            text.setdefault(whole, generator.choice("abcxyz") + "".join(generator.choices("az09._-", k=generator.randrange(1, 63))) + "z")
            wanted[text[whole] + (f"-part{part}" if part else "")] = device.devname
    apply("".join(f"{name}={link}\n" for link, name in list(text.items())[:count]))
    sandbox.mount("tmpfs", "/dev/disk", "tmpfs") if os.path.isdir("/dev/disk") else None
    with udev.Udevd() as udevd:
        udevd.boot(tree)
        udevd.events("add")
        return links(), wanted


@pytest.mark.parametrize("seed", range(3))
def test_every_place_of_random_machines(seed):
    found, wanted = run(every_place, seed, 4096)
    assert found == wanted


def two_hundred():
    machine = Machine([Root([function(f"{slot:02x}.{n}", blk()) for slot in range(2, 27) for n in range(8)])])
    text = "".join(f"disk-{slot:02x}-{n}={slot:02x}.{n}\n" for slot in range(2, 27) for n in range(8))
    return with_udevd(text, machine, "add")[0][0]


def test_two_hundred():
    found = run(two_hundred)
    assert len(found) == len(set(found.values())) == 200
