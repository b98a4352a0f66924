# SPDX-License-Identifier: LGPL-2.1-or-later
"""Aliases from files, credentials and the kernel command line: in the initramfs and after it, with udevd and without."""

import base64
import json
import random
import re
import string
import subprocess

import pytest
from machine import card, disk, root_ports

COVERS = {
    "boot_by_alias": "Boot: root on a disk by its alias; aliases of disks and interfaces, from each source, kept and changed at the change of root",
    "without_udevd": "Alias: disks and interfaces without udevd, cold and hot; read again by a running monitor",
    "boot_by_alias_of_the_credential": "Boot: root=pcipath:alias:NAME with an alias from SMBIOS, and dracut's /etc/cmdline.d",
    "many_aliases": "Alias: 200 aliases, a partition, and a name that another interface has",
    "random_names_are_only_links": "Alias: compiled rules of random names pass udevadm verify",
}

# In the image's own files; as a credential; and one that is given twice.
IMAGE = "system=02.0/00.0\nonly-in-image=02.1-00.0\nclash=02.0/00.0\n"
CREDENTIAL = "lan=02.2/00.0\nspare=02.3/00.0\nwrong line\nclash=02.1/00.0\n"
BOOT = "boot=02.0/00.0\nlan=02.2/00.0\n"
WORDS = "pcipath.alias=database=02.1/00.0 pcipath.alias=twin=02.1-00.0"
TOPOLOGY = [*root_ports(4), disk("virtio-blk-pci", "root", bus="port0"), disk("virtio-blk-pci", "data", bus="port1"), card("card", "port2")]



def smbios(directory, text=CREDENTIAL):
    return ["-smbios", "type=11,value=io.systemd.credential.binary:pcipath.aliases=" + base64.b64encode(text.encode()).decode()]


def fw_cfg(directory, text=CREDENTIAL):
    """QEMU's option, by a file: an option's value has no line breaks."""
    (directory / "aliases").write_text(text)
    return ["-fw_cfg", f"name=opt/io.systemd.credentials/pcipath.aliases,file={directory / 'aliases'}"]


def add_to_image(machine, text, path="etc/pcipath/aliases.d/1.conf"):
    """A file in the initramfs: the kernel unpacks one archive after the other."""
    tree = machine.directory / "image"
    file = tree / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    files = "".join(f"{found.relative_to(tree)}\n" for found in reversed([file, *file.parents]) if found != tree and tree in found.parents)
    archive = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=files.encode(), stdout=subprocess.PIPE, check=True).stdout
    image = machine.directory / "initrd"
    image.write_bytes(machine.initrd.read_bytes() + archive)
    machine.initrd = image


def links(machine):
    """From each link by alias to the node."""
    rows = machine.run("cd /dev/disk/by-pci-alias 2>/dev/null && ls -l || true").splitlines()
    return {row.split()[-3]: row.split()[-1].rpartition("/")[2] for row in rows if row.startswith("l")}


def altnames(machine):
    [found] = [link for link in json.loads(machine.run("ip -j link")) if link["ifname"] != "lo"]
    return {found["ifname"], *found.get("altnames", [])}


def check_hot(machine):
    """A disk that is plugged in has its alias, and no other."""
    before = links(machine)
    machine.plug(disk("virtio-blk-pci", "late", bus="port3"))
    machine.wait("/dev/disk/by-pci-path/02.3-00.0")
    assert links(machine) == before | {"spare": machine.disks()["late"]}
    machine.unplug("late")
    machine.wait("/dev/disk/by-pci-path/02.3-00.0", gone=True)
    assert links(machine) == before


@pytest.mark.parametrize("kind", ["nosystemd", *(pytest.param(kind, marks=pytest.mark.exhaustive) for kind in ("systemd", "initramfs-tools"))])
def test_boot_by_alias(make_machine, release, kind, tmp_path):
    """The image has a file that the root file system does not have. So its aliases go at the change of root, and the others stay."""
    with make_machine(TOPOLOGY, kind=kind, release=release, options=fw_cfg(tmp_path)) as machine:
        add_to_image(machine, IMAGE)
        for name in ("data", "late"):
            machine.add_drive(name)
        subprocess.run(["sfdisk", "-q", machine.directory / "data.img"], input="size=2048\n", text=True, check=True)
        machine.boot(f"root=/dev/disk/by-pci-alias/system rd.pcipath.wait=alias:database,alias:lan {WORDS}")
        machine.settle()
        nodes = machine.disks()
        # The link that it was mounted by has gone.
        assert machine.run("findmnt -n -o MAJ:MIN /").strip() == machine.run(f"cat /sys/class/block/{nodes['root']}/dev").strip()
        data = {f"{name}{part and f'-part{part}'}": nodes["data"] + part for name in ("database", "twin") for part in ("", "1")}
        assert links(machine) == data | {"clash": nodes["data"], "clash-part1": f"{nodes['data']}1"}
        assert {"lan", "pci-02.2-00.0"} <= altnames(machine)
        assert machine.run("pcipath open --read-only alias:database -- readlink /dev/fd/3") == f"/dev/{nodes['data']}\n"
        machine.run("udevadm info /dev/disk/by-pci-alias/database && systemctl is-active sys-subsystem-net-devices-lan.device")
        state = machine.run("systemctl show -P Result pcipath-alias.service; journalctl -b -o cat -u pcipath-alias.service")
        assert state.startswith("exit-code\n") and "pcipath.aliases:3: the line is not NAME=TARGET" in state
        check_hot(machine)
        if release != "bookworm":  # systemd 254 has it
            machine.run("udevadm verify /run/udev/rules.d/62-pcipath-alias.rules")

        machine.run("mkdir -p /etc/pcipath/aliases.d && printf 'other=02.1/00.0\\ndmz=02.2/00.0\\n' >/etc/pcipath/aliases.d/1.conf")
        machine.call("pcipath alias --apply")
        machine.settle()
        assert links(machine) == data | {name.replace("clash", other): node for other in ("clash", "other") for name, node in (
            ("clash", nodes["data"]), ("clash-part1", f"{nodes['data']}1"))}
        assert {"lan", "dmz"} <= altnames(machine)
        machine.run("udevadm control --reload; udevadm trigger --settle")
        assert "other" in links(machine) and {"lan", "dmz"} <= altnames(machine)
        machine.run("rm /etc/pcipath/aliases.d/1.conf")
        machine.call("systemctl restart pcipath-alias.service")
        machine.settle()
        assert links(machine) == data | {"clash": nodes["data"], "clash-part1": f"{nodes['data']}1"} and "dmz" not in altnames(machine)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["nosystemd", "systemd", "initramfs-tools"])
def test_boot_by_alias_of_the_credential(make_machine, kind, tmp_path):
    """The credential alone names the root disk. SMBIOS hands it over. dracut's images have a command line of their own."""
    with make_machine(TOPOLOGY, kind=kind, options=smbios(tmp_path, BOOT)) as machine:
        words = "pcipath.alias=database=02.1/00.0"
        if kind != "initramfs-tools":
            add_to_image(machine, f"quiet\n{words}\n", "etc/cmdline.d/1.conf")
            words = ""
        for name in ("data", "late"):
            machine.add_drive(name)
        machine.boot(f"root=pcipath:alias:boot rd.pcipath.wait=alias:database,alias:lan {words}")
        machine.settle()
        nodes = machine.disks()
        # That of the image's command line has gone with the image.
        assert links(machine) == {"boot": nodes["root"]} | ({"database": nodes["data"]} if words else {})
        assert machine.run("findmnt -n -o MAJ:MIN /").strip() == machine.run(f"cat /sys/class/block/{nodes['root']}/dev").strip()
        assert {"lan", "pci-02.2-00.0"} <= altnames(machine)
        assert machine.run("pcipath alias -n -o NAME,DEVICE").split()[:2] == ["boot", f"/dev/{nodes['root']}"]


@pytest.mark.parametrize("by", [smbios, pytest.param(fw_cfg, marks=pytest.mark.exhaustive)])
def test_without_udevd(make_machine, by, tmp_path):
    """A monitor reads them when it starts, and again at a SIGHUP."""
    with make_machine(TOPOLOGY, kind="minimal", options=by(tmp_path)) as machine:
        add_to_image(machine, IMAGE)
        for name in ("data", "late"):
            machine.add_drive(name)
        machine.boot(WORDS)
        machine.settle()
        nodes = machine.disks()
        made = {"system": nodes["root"], "database": nodes["data"], "twin": nodes["data"], "only-in-image": nodes["data"]}
        assert links(machine) == made
        assert {"lan", "pci-02.2-00.0"} <= altnames(machine)
        check_hot(machine)

        machine.run("printf 'other=02.1/00.0\\ndmz=02.2/00.0\\n' >/etc/pcipath/aliases.d/1.conf && kill -HUP $(cat /run/monitor.pid)")
        machine.settle()
        del made["system"], made["only-in-image"]
        assert links(machine) == made | {"other": nodes["data"], "clash": nodes["data"]}
        assert {"lan", "dmz", "pci-02.2-00.0"} <= altnames(machine)
        # As a driver would name the port. The name without a suffix is that of the only interface.
        [interface] = [name for name in machine.run("ls /sys/class/net").split() if name != "lo"]
        machine.run(f"echo p1 >/run/port && mount --bind /run/port /sys/class/net/{interface}/phys_port_name")
        machine.run("echo port=02.2/00.0,np1 >/etc/pcipath/aliases.d/1.conf && kill -HUP $(cat /run/monitor.pid)")
        machine.settle()
        assert links(machine) == made | {"clash": nodes["data"]}
        names = altnames(machine)
        assert {"lan", "port", "pci-02.2-00.0np1"} <= names and "dmz" not in names
        assert machine.run("pcipath find -n -o NAME alias:port") == f"{interface}\n"


@pytest.mark.exhaustive
def test_many_aliases(make_machine, release):
    """200 of one disk; a partition; and a name that another interface has."""
    text = "".join(f"n{number}=02.1/00.0\n" for number in range(200)) + "half=02.1/00.0,part=1\nlan=02.2/00.0\ntaken=02.2/00.0\n"
    with make_machine(TOPOLOGY[:-1], kind="systemd", release=release) as machine:
        machine.add_drive("data")
        subprocess.run(["sfdisk", "-q", machine.directory / "data.img"], input="size=2048\n", text=True, check=True)
        machine.boot("root=/dev/disk/by-pci-path/02.0-00.0")
        machine.run(f"mkdir -p /etc/pcipath/aliases.d; cat >/etc/pcipath/aliases.d/1.conf <<'END'\n{text}END\nip link property add dev lo altname taken")
        machine.run("pcipath alias --apply")
        machine.settle()
        data = machine.disks()["data"]
        assert links(machine) == {f"n{number}{part and f'-part{part}'}": data + part for number in range(200) for part in ("", "1")} | {"half": data + "1"}
        machine.plug(card("card", "port2"))
        machine.run("pcipath wait --timeout=3600 alias:lan")
        machine.settle()
        names = altnames(machine)
        assert {"lan", "pci-02.2-00.0"} <= names and "taken" not in names
        assert "another interface has the name taken: lo" in machine.run("dmesg | grep pcipath_altname")
        machine.run("rm -r /etc/pcipath; pcipath alias --apply")
        machine.settle()
        assert links(machine) == {} and "lan" not in altnames(machine)


NAME, SUFFIX = string.ascii_lowercase + string.digits + "._-", string.ascii_letters + string.digits + ".:-"


def random_alias(generator):
    name = generator.choice(string.ascii_lowercase) + "".join(generator.choices(NAME, k=generator.randrange(62))) + "z"
    target = f"{generator.randrange(32):02x}.{generator.randrange(8)}" + generator.choice(("", "/00.0", ",scsi-0:0:1:", ",usb-", ",nvme-"))
    return f"{name}={target}{''.join(generator.choices(SUFFIX, k=20)) if ',' in target else ''}{generator.choice(('', ',part=7'))}"


@pytest.mark.exhaustive
@pytest.mark.releases("trixie", "forky")
def test_random_names_are_only_links(make_machine, release):
    """udevd's own parser reads what is compiled; each line is a comparison and a symlink. systemd 254 has verify."""
    generator = random.Random(0)
    text = "\n".join({line.partition("=")[0]: line for line in (random_alias(generator) for _ in range(1000))}.values())
    with make_machine(TOPOLOGY[:5], kind="systemd", release=release) as machine:
        machine.boot("root=/dev/disk/by-pci-path/02.0-00.0")
        machine.run(f"mkdir -p /etc/pcipath/aliases.d; cat >/etc/pcipath/aliases.d/1.conf <<'END'\n{text}\nEND")
        machine.run("pcipath alias --apply && udevadm verify /run/udev/rules.d/62-pcipath-alias.rules")
        rules = machine.run("cat /run/udev/rules.d/62-pcipath-alias.rules")
        rule = re.compile(r'(ENV\{DEVTYPE\}=="(disk|partition)", )?ENV\{ID_PCI_PATH_LINKS?\}=="[^"]+", SYMLINK\+="disk/by-pci-alias/[a-z][a-z0-9._-]*(-part%n)?"')
        made = [line for line in rules.splitlines() if "by-pci-alias" in line]
        assert len(made) > 2000 and all(rule.fullmatch(line) for line in made)
        assert all(re.fullmatch(r'(ENV|ACTION|SUBSYSTEM)[^,]*, GOTO="\w+"|GOTO="\w+"|LABEL="\w+"|#.*', line) for line in rules.splitlines() if line not in made)


@pytest.mark.exhaustive
def test_no_aliases_no_process(make_machine, release):
    """systemd does not start the unit."""
    with make_machine(TOPOLOGY[:5], kind="systemd", release=release) as machine:
        machine.boot("root=/dev/disk/by-pci-path/02.0-00.0")
        assert machine.run("systemctl show -P ConditionResult pcipath-alias.service") == "no\n"
        assert machine.run("systemctl show -P ExecMainPID pcipath-alias.service") == "0\n"
        assert machine.run("ls -A /run/udev/rules.d /run/pcipath 2>/dev/null || true").count("alias") == 0
