# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains that a real libvirt runs: it chooses addresses and plugs. The live XML, QEMU and the guest agree at each moment."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from checks import PCIPATH_HOST, check_functions, names_of_interfaces
from domain import Domain

LINKS = "/dev/disk/by-pci-path"

COVERS = {
    "recipe_of_aliases": "Host: libvirt's user alias becomes the guest's alias, as docs/hosts.md has it",
    "q35": "Host: libvirt's live XML: disks, cards and controllers are attached and detached",
    "q35-expander": "Host: libvirt's live XML: below a second expander bus",
    "pc": "Host: libvirt's live XML: disks, cards and controllers are attached and detached",
}

DISK = "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{file}'/><target dev='{target}' bus='{bus}'/>{address}</disk>"
CARD = "<interface type='user'><mac address='{mac}'/><model type='{model}'/></interface>"


def controllers(*models):
    return "".join(f"<controller type='pci' index='{index}' model='{model}'/>" for index, model in enumerate(models))


def boot_disk(name, target, bus):
    return DISK.format(file="{%s}" % name, target=target, bus=bus, address="")


# By name: the machine type, what is there at the boot, and the address of one disk that is attached.
DOMAINS = {
    "q35": ("q35", controllers("pcie-root", *10 * ["pcie-root-port"]) + boot_disk("first", "sda", "sata") + boot_disk("second", "vda", "virtio"), ""),
    "q35-expander": ("q35", controllers("pcie-root", "pcie-expander-bus", "pcie-expander-bus", *7 * ["pcie-root-port"]) +
                     "".join(f"<controller type='pci' index='{index}' model='pcie-root-port'><address type='pci' bus='{bus}' slot='{slot}'/></controller>"
                             for index, bus, slot in ((10, 1, 0), (11, 2, 4))) + boot_disk("first", "vda", "virtio"),
                     "<address type='pci' bus='0x0b' slot='0x00'/>"),
    "pc": ("pc", controllers("pci-root", "pci-bridge", "pci-expander-bus") + boot_disk("first", "hdb", "ide") + boot_disk("second", "vda", "virtio"),
           "<address type='pci' bus='0x01' slot='0x05'/>"),
}


def ask(verb, *arguments, stdin):
    return subprocess.run([PCIPATH_HOST, verb, *arguments], input=stdin, text=True, capture_output=True, check=False)


def check_live(machine):
    """Each row of the live document is in the guest, by its own name; and QEMU itself says the same."""
    machine.settle()
    text = machine.live()
    rows = json.loads(ask("list", "-J", "--libvirt=-", "-o", "+MAC,SOURCE", stdin=text).stdout)["devices"]
    assert all(row["path"] and not row["absent"] for row in rows)
    assert {row["path"] for row in rows} <= set(machine.run("pcipath list --all --noheadings --output PATH").split())
    # A disk is told by its size.
    nodes = {int(size): node for node, size in (line.split() for line in machine.run("lsblk -dnbo NAME,SIZE").splitlines())}
    disks = {row["name"]: nodes[os.stat(row["source"]).st_size] for row in rows if row["type"] == "disk"}
    links = dict(line.split() for line in machine.run(f"cd {LINKS} && for l in *; do echo {LINKS}/$l $(readlink $l); done").splitlines())
    assert {name: f"../../{node}" for name, node in disks.items()} == links
    assert {row["name"]: row["mac"] for row in rows if row["type"] == "interface"} == names_of_interfaces(machine)
    changes = ask("compare", "--libvirt=-", f"--qmp={machine.monitor}", stdin=text)
    assert (changes.returncode, changes.stdout, changes.stderr) == (0, "", "")
    check_functions(machine)


def row_of(machine, ident):
    """Where the host says that a device is."""
    [row] = [row for row in json.loads(ask("list", "-J", "--libvirt=-", stdin=machine.live()).stdout)["devices"] if row["id"] == ident]
    return row


def attach(machine, ident, element):
    """libvirt calls it `ident`. When the guest has found it where the host says, all others are still where they were."""
    machine.attach(element)
    row = row_of(machine, ident)
    if row["type"] == "disk":
        machine.wait(row["name"])
    else:
        machine.run(f"pcipath wait -t {'net' if row['name'] else 'pci'} --timeout=3600 {row['path']}")
    check_live(machine)


def detach(machine, ident):
    row = row_of(machine, ident)
    machine.detach(ident)
    if row["type"] == "disk":
        machine.wait(row["name"], gone=True)
    else:
        machine.run(f"pcipath wait -t pci --removed --timeout=3600 {row['path']}")
    check_live(machine)


@pytest.mark.parametrize("name", ["q35", pytest.param("q35-expander", marks=pytest.mark.exhaustive), pytest.param("pc", marks=pytest.mark.exhaustive)])
def test_attach_and_detach(make_machine, libvirtd, name):
    kind, elements, address = DOMAINS[name]
    elements += "<controller type='scsi' index='0' model='virtio-scsi'/>" + CARD.format(mac="52:54:00:00:00:01", model="virtio")
    with make_machine([], machine=kind, kind="minimal", of=Domain, libvirtd=libvirtd, elements=elements) as machine:
        for drive in ("first", "second"):
            machine.add_drive(drive)
        machine.boot("")
        check_live(machine)

        third = DISK.format(file=machine.add_drive("third"), target="vdz", bus="virtio", address=address)
        attach(machine, "virtio-disk25", third)
        place = "<address type='drive' controller='0' bus='0' target='3' unit='5'/>"
        attach(machine, "scsi0-0-3-5", DISK.format(file=machine.add_drive("fourth"), target="sdz", bus="scsi", address=place))
        attach(machine, "net1", CARD.format(mac="52:54:00:00:00:02", model="virtio"))
        attach(machine, "scsi1", "<controller type='scsi' index='1' model='virtio-scsi'/>")
        attach(machine, "scsi1-0-0-0", DISK.format(file=machine.add_drive("fifth"), target="sdy", bus="scsi", address=place.replace(
            "controller='0'", "controller='1'").replace("target='3' unit='5'", "target='0' unit='0'")))
        for ident in ("scsi0-0-3-5", "virtio-disk25", "net1"):
            detach(machine, ident)
        attach(machine, "virtio-disk25", third)


RECIPE = (Path(__file__).parents[2] / "docs/hosts.md").read_text().partition("## libvirt, with a name of your own")[2].partition("\n## ")[0]


class Named(Domain):
    """The commands of the recipe that follow `virsh define` are run as they stand, but for the name of the domain."""

    def prepare(self):
        commands = [line[2:] for line in RECIPE.splitlines() if line.startswith("$ ")]
        between = commands[1:next(number for number, command in enumerate(commands) if " start " in command)]
        assert len(between) == 2
        script = "\n".join(re.sub(r"\bnamed\b(?!\.)", self.name, command) for command in between)
        environment = self.libvirtd.environment | {"PATH": f"{PCIPATH_HOST.parent}:{os.environ['PATH']}"}
        subprocess.run(["sh", "-euxc", script], cwd=self.directory, env=environment, check=True)


@pytest.mark.exhaustive
def test_recipe_of_aliases(make_machine, libvirtd):
    """From the alias in the domain to the mounted disk."""
    [mount] = re.findall(r"`(mount [^`]*)`", RECIPE)
    [element] = re.findall(r"<alias name='ua-.*?'/>", RECIPE)
    elements = controllers("pcie-root", *4 * ["pcie-root-port"]) + boot_disk("other", "vda", "virtio") + boot_disk(
        "database", "vdb", "virtio").replace("</disk>", f"{element}</disk>")
    with make_machine([], kind="minimal", of=Named, libvirtd=libvirtd, elements=elements) as machine:
        machine.add_drive("other")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "database", machine.add_drive("database")], check=True)
        machine.boot("")
        machine.settle()
        machine.run(mount)
        assert machine.run("findmnt -n -o LABEL /mnt") == "database\n"
