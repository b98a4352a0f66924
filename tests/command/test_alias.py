# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names that the host gives: where they come from, what is wrong with them, and the commands that take them."""

import json
import os
import random

import pytest
from command import alias, manager
from command.machine import complete, links, make_nodes
from command.run import MACHINE, PCIPATH, pcipath
from command.test_out_of_memory import fail_each
from trees import sandbox
from trees.sysfs import Tree

COVERS = {
    "sources": "Alias: files, credentials and the kernel command line",
    "command_line_of_an_image": "Alias: dracut's /etc/cmdline.d",
    "hostile_lines": "Fault: aliases with control characters, quotes, `..`, lines of 64 KiB",
    "links_without_udevd": "Alias: disks and partitions without udevd",
    "verbs": "Alias: in each command that takes a path",
}


def show():
    tree = Tree(MACHINE, "/sys")
    complete(tree)
    sandbox.mount("tmpfs", "/dev", "tmpfs")
    make_nodes(tree)


def run(files, *calls, cmdline="quiet", symlinks=()):
    """The outcomes of the calls where these files exist; of a single call not a list."""
    def inside():
        alias.enter(cmdline)
        show()
        for path, content in files.items():
            if content is None:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.symlink("/dev/null", path)
            else:
                alias.write(path, content)
        os.mknod("/dev/null", 0o20666, os.makedev(1, 3))
        for name, target in symlinks:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            os.symlink(target, name)
        return [pcipath(*call) for call in calls]
    outcomes = sandbox.run(inside)
    return outcomes[0] if len(outcomes) == 1 else outcomes


def listed(files, **options):
    """NAME and TARGET of each alias; there is nothing wrong."""
    outcome = run(files, ["alias", "-n", "-o", "NAME,TARGET"], **options)
    assert (outcome.status, outcome.stderr) == (0, "")
    return dict(line.split() for line in outcome.lines)


def errors(text):
    """Of lines of one file, without its name."""
    path = f"{alias.ETC}/1.conf"
    outcome = run({path: text}, ["alias", f"--check={path}"])
    assert outcome.stdout == "" and outcome.status == (outcome.stderr != "")
    return [line.removeprefix(f"pcipath: {path}:") for line in outcome.stderr.splitlines()]


def test_format():
    assert listed({f"{alias.ETC}/1.conf": "# disks\n\n database=02.0/00.0\t\r\n\tlogs=02.1-00.0-scsi-0:0:1:300\nx.y_z-9=02/00,part=1\na=03.0"}) == {
        "database": "02.0/00.0", "logs": "02.1-00.0-scsi-0:0:1:300", "x.y_z-9": "02/00,part=1", "a": "03.0"}


def test_no_aliases():
    outcomes = run({}, ["alias"], ["alias", "-J"])
    assert [(outcome.status, outcome.stderr) for outcome in outcomes] == [(0, "")] * 2
    assert outcomes[0].stdout == "" and json.loads(outcomes[1].stdout) == {"aliases": []}


def test_sources():
    """All of them count, and the same alias twice is one."""
    assert listed({f"{alias.USR}/1.conf": "a=02.0", f"{alias.RUN}/2.conf": "b=02.0", f"{alias.ETC}/3.conf": "c=02.0\na=02.0",
                   f"{alias.ETC}/3.txt": "d=02.0", f"{alias.ETC}/.4.conf": "e=02.0", alias.CREDENTIAL: "f=02.0\nc=02.0\n"},
                  cmdline='quiet pcipath.alias=g=02.0 "pcipath.alias=h=02.0" pcipath.alias=i="02.0" xpcipath.alias=j=02.0') == {
        name: "02.0" for name in "abcfghi"}


@pytest.mark.parametrize("is_image", [True, False])
def test_command_line_of_an_image(is_image):
    """dracut adds the lines of files to the kernel's own, but not outside of the image."""
    files = {"/etc/cmdline.d/1.conf": "quiet pcipath.alias=a=02.0\n\tpcipath.alias=b=02.0\n", "/etc/cmdline.d/2.conf": '"pcipath.alias=c=02.0"',
             "/etc/cmdline.d/3.txt": "pcipath.alias=d=02.0", "/etc/cmdline": "pcipath.alias=e=02.0", "/run/initramfs/cmdline.d/4.conf": "pcipath.alias=f=02.0"}
    if is_image:
        files["/etc/initrd-release"] = ""
    assert "".join(listed(files, cmdline="pcipath.alias=z=02.0")) == ("abcefz" if is_image else "z")


def test_files_of_one_name():
    """The first of /etc, /run, /usr/lib counts. A symlink to /dev/null is an empty file."""
    assert listed({f"{alias.USR}/1.conf": "a=02.0", f"{alias.RUN}/1.conf": "b=02.0", f"{alias.USR}/2.conf": "c=02.0",
                   f"{alias.ETC}/2.conf": None, f"{alias.USR}/3.conf": "d=02.0", f"{alias.ETC}/3.conf": ""}) == {"b": "02.0"}


LINES = "a=02.0\nb=02.1\n"


@pytest.mark.parametrize("files,expected", [
    ({alias.FW_CFG: LINES}, "ab"),
    ({alias.DMI: alias.dmi(b"other", alias.as_text("a=02.0"))}, "a"),
    ({alias.DMI: alias.dmi(alias.as_base64(LINES))}, "ab"),
    ({alias.DMI: alias.dmi(alias.as_base64("a=02.0"), alias.as_text("b=02.0"))}, "ab"),
    ({alias.DMI: alias.structure(11) + alias.structure(0) + alias.dmi(alias.as_base64("a=02.0\n"))}, "a"),
    ({alias.DMI: alias.dmi(alias.as_base64(LINES))[:-12]}, ""),
    ({alias.FW_CFG: "a=02.0", alias.DMI: alias.dmi(alias.as_text("b=02.0"))}, "a"),
    # systemd has read the firmware, or does not trust it.
    ({alias.FW_CFG: LINES, "/run/systemd/system/x": ""}, ""),
    ({alias.DMI: alias.dmi(alias.as_text("a=02.0")), alias.CREDENTIAL: "b=02.0", "/run/systemd/system/x": ""}, "b"),
])
def test_credential(files, expected):
    if expected:
        assert "".join(listed(files)) == expected
    else:
        assert run(files, ["alias", "-n", "-o", "NAME"]).stdout == ""


def test_bad_base64():
    for text in (b"YQ=", b"YQ==YQ==", b"Y*==", b"Y"):
        outcome = run({alias.DMI: alias.dmi(b"io.systemd.credential.binary:pcipath.aliases=" + text)}, ["alias"])
        assert outcome.status == 1 and outcome.stderr == f"pcipath: {alias.DMI}: the credential pcipath.aliases is not base64\n"


WRONG = {
    "database": "the line is not NAME=TARGET",
    "=02.0": "the name is empty",
    "a" * 64 + "=02.0": "the name is longer than 63 characters",
    "9=02.0": "the name does not begin with a letter from a to z",
    "Data=02.0": "the name does not begin with a letter from a to z",
    "daTa=02.0": "the name contains a character that is not one of a-z, 0-9, '.', '_' and '-'",
    "a =02.0": "the name contains a character that is not one of a-z, 0-9, '.', '_' and '-'",
    "all=02.0": "the names lo, all and default are reserved",
    "pci-x=02.0": "names that begin with pci- are reserved for PCI paths",
    "x-part12=02.0": "names that end in -part and digits are reserved for partitions",
    "a=": "the target of 'a' is not a path, at byte 0: an empty string",
    "a=02.9": "the target of 'a' is not a path, at byte 3: ",
    "a=02.0,type=net": "the target of 'a' is not a path, at byte 10: a target has no type",
    "a=02.0,part=0": "the target of 'a' is not a path, at byte 10: the partition must be a number from 1 to 65535",
    "a=02.0,nvme-" + "9" * 250: "the target of 'a' is not a path, at byte 255: the name of its link would be too long",
}


def test_wrong_lines():
    """One message for each, with its line; the others count."""
    found = errors("".join(f"{line}\nfine{number}=02.0\n" for number, line in enumerate(WRONG)))
    assert len(found) == len(WRONG)
    for number, (message, expected) in enumerate(zip(found, WRONG.values(), strict=True)):
        assert message.startswith(f"{2 * number + 1}: {expected}"), message
    assert errors("part=02.0\npart1=02.0\nx-part=02.0\nlo0=02.0\n") == []


def test_two_targets():
    path = f"{alias.ETC}/1.conf"
    outcome, find = run({path: "a=02.0\nb=03.0\na=02.1\na=02.0\nc=02.0\nc=02\n"}, ["alias", "-n", "-o", "NAME"], ["find", "alias:a"])
    assert outcome.status == 1 and outcome.stdout.split() == ["a", "a", "a", "b", "c"]
    assert outcome.stderr == f"pcipath: {path}:1: 'a' has another target at {path}:3: no name is made\n"
    assert find.status == 3 and find.stderr.splitlines()[-1] == "pcipath: alias:a: the alias 'a' has two targets"


def test_hostile_lines():
    """No line is printed as it is, and none keeps the others from counting."""
    hostile = ["a\x1b[2J=02.0", "a=02.0\x07", "a=../../etc", "a=/etc/passwd", 'a="02.0"', "a=$(id)", "a=`id`", "a=02.0%n", "../a=02.0", "a/b=02.0",
               "x" * 65536, "a=" + "02.0/" * 13000 + "02.0", "a=02.0,nvme-*", "a=02.0,usb-[0-9]?|x", "a=02.0,scsi-1\"", "é=02.0", "a=02.0;x"]
    found = errors("\n".join(hostile) + "\nlast=02.0")
    assert [int(message.partition(":")[0]) for message in found] == list(range(1, len(hostile) + 1))
    assert all(message.isprintable() and len(message) < 400 for message in found)
    assert errors(b"a=02.0\0\n\xff\xfe=02.0\nb=02.0") == ["1: the line contains a null byte",
                                                          "2: the name does not begin with a letter from a to z"]


def test_many_wrong_lines():
    found = errors("x\n" * 100000)
    assert len(found) == 65 and "further lines are wrong" in found[-1]


def test_too_many():
    found = errors("".join(f"n{number}=02.0\n" for number in range(5000)))
    assert found == ["4097: more than 4096 aliases: this one and all further ones are ignored"]


def test_files_that_cannot_be_read():
    def inside():
        alias.enter()
        show()
        alias.write(f"{alias.ETC}/0.conf", "a=02.0")
        os.makedirs(f"{alias.ETC}/1.conf")
        os.mkfifo(f"{alias.ETC}/2.conf")
        os.symlink("nowhere", f"{alias.ETC}/3.conf")
        alias.write(f"{alias.ETC}/4.conf", "#" * (1 << 20) + "\n")
        alias.write(alias.USR, "no directory")
        return pcipath("alias", "-n", "-o", "NAME")
    outcome = sandbox.run(inside)
    assert outcome.status == 1 and outcome.stdout == "a\n"
    assert [line.rpartition(": ")[2] for line in outcome.stderr.splitlines()] == [
        "Not a directory", "Is a directory", "Invalid argument", "No such file or directory", "File too large"]


def test_random_bytes():
    """Each answer is one of the program's own, whatever is in the file."""
    generator = random.Random(0)
    for _ in range(5):
        assert all(message.isprintable() for message in errors(generator.randbytes(20000)))


def test_table():
    """LINK is what exists and leads to the device."""
    path = f"{alias.ETC}/1.conf"
    outcome = run({path: "disk=02.0/00.0\nboot=02.0/00.0,part=2\nwrong=02.0/00.0,part=1\nseveral=02.1/00.0\nlun=02.1/00.0,scsi-0:0:1:300\nnone=09.0\n"},
                  ["alias", "-J"], symlinks=[("/dev/disk/by-pci-alias/disk", "../../vda"), ("/dev/disk/by-pci-alias/boot", "../../vda2"),
                                          ("/dev/disk/by-pci-alias/wrong", "../../vda2")], cmdline="pcipath.alias=last=02.0/00.0")
    found = {row["name"]: (row["device"], row["link"], row["source"], row["line"]) for row in json.loads(outcome.stdout)["aliases"]}
    assert found == {"boot": ("/dev/vda2", "/dev/disk/by-pci-alias/boot", path, "2"), "disk": ("/dev/vda", "/dev/disk/by-pci-alias/disk", path, "1"),
                     "last": ("/dev/vda", None, "/proc/cmdline", None), "lun": ("/dev/sdb", None, path, "5"), "none": (None, None, path, "6"),
                     "several": (None, None, path, "4"), "wrong": ("/dev/vda1", None, path, "3")}


def test_verbs():
    """As the target itself."""
    files = {f"{alias.ETC}/1.conf": "disk=02.0/00.0\nboot=02.0/00.0,part=2\nscsi=02.1/00.0\nuefi=PciRoot(0x0)/Pci(0x2,0x0)"}
    pairs = [(["find", "{}"], "alias:disk", "02.0/00.0"), (["find", "{},part=1"], "alias:disk", "02.0/00.0"), (["find", "{}"], "alias:boot", "02.0/00.0,part=2"),
             (["find", "{},scsi-0:0:1:300"], "alias:scsi", "02.1/00.0"), (["find", "{},type=pci"], "alias:disk", "02.0/00.0"),
             (["wait", "--kernel", "--timeout=0", "{},type=pci,{},type=pci"], "alias:disk", "02.0/00.0"), (["list", "-a", "{}"], "alias:uefi", "02.0"),
             (["tree", "{}"], "alias:scsi", "02.1/00.0"), (["convert", "{}"], "alias:disk", "02.0/00.0"), (["probe", "{}"], "alias:disk", "02.0/00.0"),
             (["convert", "--to=link", "{},part=3"], "alias:disk", "02.0/00.0"), (["convert", "--to=link", "{}"], "alias:boot", "02.0/00.0,part=2")]
    calls = [[word.replace("{}", name) for word in call] for call, *names in pairs for name in names]
    outcomes = run(files, *calls)
    for call, by_alias, by_path in zip(pairs, outcomes[::2], outcomes[1::2], strict=True):
        assert by_alias == by_path and by_path.status == (call[0][0] == "probe"), (call, by_alias, by_path)


def test_unknown_alias():
    calls = [[verb, "alias:nosuch"] for verb in ("find", "wait", "list", "tree", "probe", "convert")]
    for outcome in run({f"{alias.ETC}/1.conf": "wrong\na=02.0"}, *calls, ["find", "alias:"], ["find", "alias:a/b,part=1"]):
        assert outcome.status == 3 and len(outcome.stderr.splitlines()) == 2
        assert "there is no alias '" in outcome.stderr and "1.conf:1: the line is not" in outcome.stderr


def test_alias_is_no_format():
    outcome = run({f"{alias.ETC}/1.conf": "a=02.0"}, ["convert", "--from=path", "alias:a"])
    assert outcome.status == 2


def test_check():
    path = f"{alias.ETC}/1.conf"
    fine, missing, stdin = sandbox.run(lambda: [alias.enter(), alias.write(path, "a=02.0"), pcipath("alias", f"--check={path}"),
                                                pcipath("alias", "--check=/nowhere"), pcipath("alias", "--check=-", stdin="a\nb=02.0\n")][2:])
    assert (fine.status, fine.stdout, fine.stderr) == (0, "", "")
    assert (missing.status, missing.stderr) == (1, "pcipath: /nowhere: No such file or directory\n")
    assert (stdin.status, stdin.stderr) == (1, "pcipath: standard input:1: the line is not NAME=TARGET\n")


def each_allocation_fails(command):
    alias.enter("pcipath.alias=c=02.1/00.0")
    show()
    alias.write(f"{alias.ETC}/1.conf", "a=02.0/00.0\nb=PciRoot(0x0)/Pci(0x2,0x0)\na=02.0-00.0")
    alias.write(alias.DMI, alias.dmi(alias.as_base64("d=02.0/00.0,part=1")))
    return fail_each([PCIPATH, *command])


@pytest.mark.parametrize("command", [["alias"], ["find", "alias:a"]], ids=" ".join)
def test_out_of_memory(command):
    failed, bad = sandbox.run(each_allocation_fails, command)
    assert failed > 0 and bad == []


RULES, TABLE = "/run/udev/rules.d/62-pcipath-alias.rules", "/run/pcipath/aliases"


def each_allocation_of_apply_fails():
    """Also the files that each has written, and those that a whole one writes."""
    alias.enter("pcipath.alias=c=02.1/00.0,scsi-0:0:1:1")
    show()
    alias.write(f"{alias.ETC}/1.conf", "a=02.0/00.0\nb=02.0/00.0,part=1\nlan=02.2,np0\n")
    written = [set(), set()]

    def take_away():
        for path, texts in zip((RULES, TABLE), written, strict=True):
            if os.path.exists(path):
                texts.add(open(path, encoding="utf-8").read())
                os.unlink(path)
    outcome = fail_each([PCIPATH, "alias", "--apply"], take_away)
    return outcome, [len(texts) for texts in written], os.listdir("/run/udev/rules.d"), os.listdir("/run/pcipath")


def test_apply_out_of_memory():
    """Each file is whole or not there."""
    (failed, bad), written, *left = sandbox.run(each_allocation_of_apply_fails)
    assert failed > 0 and bad == [] and written == [1, 1]
    assert [set(names) - {os.path.basename(RULES), os.path.basename(TABLE)} for names in left] == [set(), set()]


# -- Links without udevd, and stale ones --


def made():
    return {name: os.path.basename(target) for name, target in links("/dev").items() if "by-pci-alias" in name}


def coldplug():
    alias.enter("pcipath.alias=c=02.1-00.0-scsi-0:0:1:1")
    manager.build(manager.MACHINE)
    found = []
    for text, status in (("a=02.0/00.0\nb=02.0/00.0,part=1\nz=09.0\n", 0), ("b=02.0/00.0\nx=02.0\nx=03.0\nwrong\n", 0), ("", 0)):
        alias.write(f"{alias.ETC}/1.conf", text)
        done = manager.pcipath("coldplug", "--links")
        assert (done.returncode, done.stdout) == (status, "")
        found.append((made(), done.stderr.count("\n")))
    return found


def test_links_without_udevd():
    """coldplug makes them and removes those that are no longer given; a wrong line is a message."""
    both = {"disk/by-pci-alias/c": "sdb"}
    assert sandbox.run(coldplug) == [
        (both | {"disk/by-pci-alias/a": "vda", "disk/by-pci-alias/a-part1": "vda1", "disk/by-pci-alias/b": "vda1"}, 0),
        (both | {"disk/by-pci-alias/b": "vda", "disk/by-pci-alias/b-part1": "vda1"}, 2), (both, 0)]


def prune():
    alias.enter()
    manager.build(manager.MACHINE)
    alias.write(f"{alias.ETC}/1.conf", "a=02.0/00.0\nb=02.0/00.0,part=1\nc=02.1/00.0,scsi-0:0:0:0\nx=02.0/00.0\nx=03.0\n")
    os.makedirs("/dev/disk/by-pci-alias")
    for name, node in (("a", "vda"), ("a-part1", "vda1"), ("b", "vda1"), ("c", "sdb"), ("c-part1", "vda1"), ("gone", "vda"), ("x", "vda"), ("a-part2", "vdz")):
        os.symlink(f"../../{node}", f"/dev/disk/by-pci-alias/{name}")
    done = pcipath("prune")
    return done, made()


def test_prune():
    """A link stays if its alias says so now."""
    done, left = sandbox.run(prune)
    assert (done.status, done.stderr) == (0, "") and len(done.lines) == 5
    assert left == {"disk/by-pci-alias/a": "vda", "disk/by-pci-alias/a-part1": "vda1", "disk/by-pci-alias/b": "vda1"}
