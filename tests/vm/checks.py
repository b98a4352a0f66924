# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must hold in every guest at every moment when it is settled, whatever its topology."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from machine import Machine
from oracle import NoName, disks, domain, interfaces, link_names, mac, pci_functions, pci_path

HELPER = "/usr/lib/udev/pcipath_id"
PCIPATH_HOST = Path(os.environ.get("PCIPATH_BUILDDIR", Path(__file__).parents[2] / "build")).resolve() / "helper/host/pcipath-host"


def check_functions(machine: Machine) -> None:
    """The oracle and the guest's lspci, two programs that share nothing, give each function the same path."""
    guests = lspci_paths(machine)
    paths = {f: pci_path(machine.qmp, f) for f in pci_functions(machine.qmp)}
    if machine.type.has_channels:  # s390: QEMU's addresses are not the guest's, so which is whose is seen by its disk or interface alone
        addresses = {f: path[-7:] for f, path in paths.items()}
        assert sorted(guests.values()) == sorted(paths.values())
    else:
        addresses = dict(_addresses(machine))
    assert {f: guests[f"{domain(path)}:{addresses[f]}"] for f, path in paths.items()} == paths
    # The command reads lspci's spelling back.
    converted = machine.run("lspci -D -P | cut -d' ' -f1 | pcipath convert --from=lspci -").splitlines()
    assert sorted(converted) == sorted(guests.values())


def check_host(machine: Machine, links: dict[str, str]) -> None:
    """pcipath-host outside and pcipath inside list the same functions by the same paths, the same disks by the same links and
    the same interfaces by the same names. The host can be in doubt: what it marks and has a name for the guest need not have."""
    command = [PCIPATH_HOST, "list", "-J", f"--qmp={machine.monitor}"]
    rows = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["devices"]
    sure = [row for row in rows if not row["absent"]]
    inside = set(machine.run("pcipath list --all --noheadings --output PATH").split())
    assert {row["path"] for row in sure} <= inside <= {row["path"] for row in rows}
    # What QEMU does not tell, to which controllers a namespace is attached, it does not tell the host either.
    told = {row["id"] for row in sure if row["name"]}
    untold = {link for disk in disks(machine.qmp) if disk not in told for link in _link_names(machine, disk)}
    whole = {link for link in links if not re.search(r"-part[0-9]+$", link)}
    assert untold | _names(sure, "/dev/disk/by-pci-path/") <= whole <= untold | _names(rows, "/dev/disk/by-pci-path/")
    assert _names(sure, "pci-") <= {name.removeprefix("pci-") for name in names_of_interfaces(machine)} <= _names(rows, "pci-")


def _names(rows: list[dict[str, str | None]], prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for row in rows if (name := row["name"] or "").startswith(prefix)}


def lspci_paths(machine: Machine) -> dict[str, str]:
    """The canonical PCI path of each function in the guest, as lspci has it, by DOMAIN:BUS:SLOT.FUNCTION."""
    plain, numbered = ([line.split()[0] for line in machine.run(f"lspci -D {option}").splitlines()]
                       for option in ("-P", "-PP"))
    return {f"{row[:4]}:{row[-7:]}": path.removeprefix("0000:00:") for path, row in zip(plain, numbered, strict=True)}


def _addresses(machine: Machine) -> Iterator[tuple[str, str]]:
    """Id and BUS:SLOT.FUNCTION of each function, as the guest has numbered them. QEMU does not tell the domain."""
    def walk(devices: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for device in devices:
            yield device["qdev_id"], f"{device['bus']:02x}:{device['slot']:02x}.{device['function']:x}"
            yield from walk(device.get("pci_bridge", {}).get("devices", []))

    for root in machine.qmp.execute("query-pci"):
        yield from walk(root["devices"])


def check_links(machine: Machine) -> dict[str, str]:
    """The links in by-pci-path/ are those of the disks that the host has plugged in and of their partitions: no other."""
    links = _links(machine, "by-pci-path")
    assert links == _expected_links(machine)
    return links


def check_disks(machine: Machine) -> None:
    """As check_links(), and the same by pcipath-host."""
    check_host(machine, check_links(machine))

def check_interfaces(machine: Machine) -> None:
    """The interfaces' names by PCI path are those of the cards that the host has plugged in: no other."""
    assert names_of_interfaces(machine) == {name: mac(machine.qmp, i) for i, name in interfaces(machine.qmp).items()}


def names_of_interfaces(machine: Machine, netns: str = "") -> dict[str, str]:
    """From each name by PCI path in the guest to the MAC address of its interface."""
    links = json.loads(machine.run(f"ip -j {netns and f'-n {netns} '}link"))
    return {name: link["address"] for link in links for name in [link["ifname"], *link.get("altnames", [])]
            if name.startswith("pci-")}


def interface_of(machine: Machine, device: str) -> dict[str, str]:
    """What systemd and we call the interface of a card."""
    [link] = [link for link in json.loads(machine.run("ip -j link")) if link["address"] == mac(machine.qmp, device)]
    [ours] = [name for name in [link["ifname"], *link.get("altnames", [])] if name.startswith("pci-")]
    return {"ifname": link["ifname"], "by-pci-path": ours}


def check_helper(machine: Machine) -> None:
    """Rules and helper agree: what udev has for a device is what pcipath_id prints for it. Without udevd there is neither."""
    if not machine.has_udevd:
        return
    nodes = " ".join(f"/sys/class/block/{node}" for node in _expected_links(machine).values())
    devices = machine.run(f"realpath {nodes} /sys/bus/pci/devices/*").split()
    known = {}
    for record in machine.run("udevadm info --export-db").strip().split("\n\n"):
        lines = record.splitlines()
        known["/sys" + lines[0].removeprefix("P: ")] = sorted(
            line.removeprefix("E: ") for line in lines if line.startswith("E: ID_PCI_PATH"))
    # One command for all of them: each takes the agent two processes more.
    for answer in machine.run(f"for d in {' '.join(devices)}; do echo \"= $d\"; {HELPER} $d || exit; done").split("= ")[1:]:
        device, *properties = answer.splitlines()
        assert known[device] == sorted(properties), device


def names_of(machine: Machine, *disks: str) -> dict[str, dict[str, str]]:
    """By disk: PCI address, systemd's by-path name where there is udevd, and ours."""
    kernel = machine.disks()
    kinds = ("by-path", "by-pci-path") if machine.has_udevd else ("by-pci-path",)
    links = {kind: {node: link for link, node in _links(machine, kind).items()} for kind in kinds}
    addresses = dict(line.split() for line in machine.run(
        "for d in /sys/class/block/*/device; do d=${d%/device}; p=$(realpath $d/device);"
        " while [ -n \"$p\" ] && ! [ -e $p/vendor -a -e $p/class ]; do p=${p%/*}; done; echo ${d##*/} ${p##*/}; done"
    ).splitlines() if len(line.split()) == 2)
    return {disk: {"address": addresses[kernel[disk]], **{kind: links[kind][kernel[disk]] for kind in links}}
            for disk in disks}


def _read_links(machine: Machine, directory: str) -> dict[str, str]:
    """From the name of each symbolic link in a directory to where it leads; in one process, whatever their number."""
    rows = machine.run(f"[ ! -d {directory} ] || ls -l {directory}").splitlines()
    return dict(row.split()[-3::2] for row in rows if row.startswith("l"))


def _links(machine: Machine, directory: str) -> dict[str, str]:
    """Link name to kernel name, of a directory below /dev/disk."""
    return {link: target.rpartition("/")[2] for link, target in _read_links(machine, f"/dev/disk/{directory}").items()}


def _link_names(machine: Machine, disk: str) -> list[str]:
    try:
        return link_names(machine.qmp, disk, machine.buses.get(disk))
    except NoName:
        return []


def _expected_links(machine: Machine) -> dict[str, str]:
    """Link name to kernel name: the host's names, and the guest's nodes and partitions by serial."""
    kernel = machine.disks()
    # A partition is below its disk, and its name is its disk's with its number behind.
    partitions: dict[str, list[tuple[str, str]]] = {}
    nodes = _read_links(machine, "/sys/class/block")
    for node, target in nodes.items():
        whole = target.split("/")[-2]
        if whole in nodes:
            partitions.setdefault(whole, []).append((node, re.search(r"[0-9]+$", node)[0]))
    expected = {}
    for disk in disks(machine.qmp):
        for link in _link_names(machine, disk):
            whole = kernel[disk]
            expected[link] = whole
            expected |= {f"{link}-part{number}": node for node, number in partitions.get(whole, [])}
    return expected
