# SPDX-License-Identifier: LGPL-2.1-or-later
"""The state of a settled guest, read with one command, against what its host knows.

The guest's sysfs tells which node is which: a disk by its size, an interface by the function that it is below. A function's path is
computed here from the directories of sysfs, and a virtual function's from its address, which QEMU knows.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import cdi
from content import partition_node
from machine import Machine
from oracle import flat
from plugging import Host

# `ls` reads all directories of links in one process; the shell reads what has one line.
STATE = """
ls -l /sys/bus/pci/devices /sys/class/block /sys/class/net /sys/bus/pci/drivers/vfio-pci /sys/kernel/iommu_groups/*/devices \
    /dev/*/by-pci-path /dev/disk/by-uuid /dev/disk/by-label /dev/disk/by-partuuid /dev/disk/by-partlabel 2>/dev/null
echo "== block"
for block in /sys/class/block/*; do read -r size <$block/size && read -r number <$block/dev && echo "${block##*/} $size $number"; done
echo "== interfaces"
ip -j link
echo "== list"
pcipath list --all --json
echo "== cdi"
tail -v -n +1 /run/cdi/pcipath.dev-*.json 2>/dev/null
echo "== udev"
[ ! -d /run/udev/data ] || grep -E '^E:ID_(NET_NAME_)?PCI_PATH(_LINK)?=' /run/udev/data/[bn+]* /dev/null
true
"""
DIRECTORIES = {"pci": "/sys/bus/pci/devices", "block": "/sys/class/block", "net": "/sys/class/net", "vfio": "/sys/bus/pci/drivers/vfio-pci"}
CONTENT = ("by-uuid", "by-label", "by-partuuid", "by-partlabel")
ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")


class State:
    """What a guest has answered to STATE."""

    def __init__(self, text: str):
        self.text = text
        listing, *sections = re.split(r"^== .*\n", text, flags=re.MULTILINE)
        self._directories = dict(_read_listing(listing))
        block, interfaces, listed, specifications, properties = sections
        self.block = {name: (int(size) * 512, number) for name, size, number in map(str.split, block.splitlines())}
        self.net = json.loads(interfaces)
        self.listed = json.loads(listed)["functions"]
        files = re.split(r"^==> .*/pcipath\.dev-(.*)\.json <==\n", specifications, flags=re.MULTILINE)[1:]
        self.specifications = {kind: cdi.read(content, kind)[0] for kind, content in zip(files[::2], files[1::2], strict=True)}
        self.properties = _read_properties(properties)

    def directory(self, name: str) -> dict[str, str]:
        """From the links in a directory to where they lead."""
        return self._directories.get(name, {})

    def groups(self) -> dict[str, str]:
        """The IOMMU group of each function, by address."""
        return {address: path.split("/")[-2] for path, links in self._directories.items() if "/iommu_groups/" in path for address in links}


def _read_listing(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in re.split(r"^(?=/.*:$)", text, flags=re.MULTILINE)[1:]:
        name, *lines = part.splitlines()
        yield name.rstrip(":"), dict(line.split()[-3::2] for line in lines if line.startswith("l"))


def _read_properties(text: str) -> dict[str, dict[str, str]]:
    """By the name of each record in udev's database."""
    records: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        name, assignment = line.removeprefix("/run/udev/data/").split(":E:", 1)
        records.setdefault(name, {}).update([assignment.split("=", 1)])
    return records


class Names:
    """What each device of a guest must be called."""

    def __init__(self, state: State, host: Host):
        self.state, self.host = state, host
        self.paths = dict(self._paths())
        self.addresses = {path: address for address, path in self.paths.items()}
        sizes = host.machine.drive_sizes()
        self.nodes = {sizes[size]: name for name, (size, _) in state.block.items() if size in sizes}
        # A udevd that was killed leaves the records of what went meanwhile.
        self.records = {f"b{number}" for _, number in state.block.values()} | {f"n{link['ifindex']}" for link in state.net} | {
            f"+pci:{address}" for address in self.paths}
        self.functions_of_net = {name: self.paths.get(ADDRESS.findall(target)[-1]) for name, target in state.directory(DIRECTORIES["net"]).items()
                                 if ADDRESS.search(target)}

    def _paths(self) -> Iterator[tuple[str, str]]:
        """From the address to the path of each function."""
        virtual = {f"{path.rpartition('/')[0]}/{hop}": path for path, hop in self.host.enabled().items()}
        for address, target in self.state.directory(DIRECTORIES["pci"]).items():
            path = "/".join(hop[-4:] for hop in ADDRESS.findall(target))
            yield address, virtual.get(path, path)

    def partitions(self) -> Iterator[tuple[str, str, str]]:
        """Node, link and path of each disk and partition of the host's."""
        for drive, plugged in self.host.disks().items():
            node = self.nodes.get(drive, f"(no node of {drive})")
            yield node, plugged.link, plugged.path
            if self.host.content(drive):
                for number in (1, 2):
                    yield partition_node(node, number), f"{plugged.link}-part{number}", plugged.path

    def links(self) -> dict[str, str]:
        """From each link by PCI path to its node."""
        groups = self.state.groups()
        links = {f"/dev/vfio/by-pci-path/{flat(path)}": f"vfio/{groups.get(self.addresses.get(path))}" for path in self.host.bound()}
        return links | {f"/dev/disk/by-pci-path/{link}": node for node, link, _ in self.partitions()}

    def content_links(self) -> dict[str, str]:
        return {link: partition_node(self.nodes.get(drive, drive), number) for drive in self.host.disks() if (content := self.host.content(drive))
                for link, number in content.links.items()}

    def interfaces(self) -> dict[str, str]:
        """By name the MAC address: the host's, or the one that the guest has given to a virtual function."""
        addresses = {self.functions_of_net.get(link["ifname"]): link["address"] for link in self.state.net}
        return {f"pci-{flat(path)}": mac or addresses.get(path, "") for path, mac in self.host.interfaces().items()}

    def specifications(self) -> dict[str, dict[str, tuple[str, str]]]:
        """By kind and name of each CDI device its path and its node or interface."""
        links = self.links()
        return {"disk": {link: (path, f"/dev/{node}") for node, link, path in self.partitions()},
                "net": {flat(path): (path, name) for name, path in self.functions_of_net.items()},
                "vfio": {flat(path): (path, f"/dev/{links[f'/dev/vfio/by-pci-path/{flat(path)}']}") for path in self.host.bound()}}

    def rows(self) -> set[tuple[str | None, ...]]:
        """Of `list`: path, address, name and link."""
        links = self.links()
        rows = {(path, node, f"/dev/disk/by-pci-path/{link}") for node, link, path in self.partitions() if "-part" not in link}
        rows |= {(path, links[link], link) for path in self.host.bound() for link in [f"/dev/vfio/by-pci-path/{flat(path)}"]}
        return {(path, self.addresses.get(path), f"/dev/{node}", link) for path, node, link in rows} | {
            (path, self.addresses.get(path), name, f"pci-{flat(path)}") for name, path in self.functions_of_net.items()}

    def properties(self) -> dict[str, dict[str, str]]:
        """By the name of the record in udev's database."""
        records = {f"+pci:{address}": {"ID_PCI_PATH": path} for address, path in self.paths.items()}
        for node, link, path in self.partitions():
            records[f"b{self.state.block.get(node, (0, node))[1]}"] = {"ID_PCI_PATH": path, "ID_PCI_PATH_LINK": link}
        for link in self.state.net:
            if path := self.functions_of_net.get(link["ifname"]):
                records[f"n{link['ifindex']}"] = {"ID_PCI_PATH": path, "ID_NET_NAME_PCI_PATH": f"pci-{flat(path)}"}
        return records


def differences(state: State, host: Host, own: set[str]) -> list[str]:
    """A line for each thing that is not as the host says. `own` has the paths of functions that the machine itself has."""
    names = Names(state, host)
    functions = host.functions() | own
    pairs = [("functions", names.paths.values(), functions),
             ("links", _links(state), names.links()),
             ("content", _content_links(state, names), names.content_links()),
             ("interfaces", _interfaces(state), names.interfaces()),
             ("list: functions", {row["path"] for row in state.listed}, functions),
             ("list", _rows(state), names.rows()),
             *((f"cdi: {kind}", _specification(state, kind), devices) for kind, devices in names.specifications().items())]
    if host.machine.has_udevd:
        known = {name: record for name, record in state.properties.items() if name in names.records}
        pairs.append(("properties", _sorted(known), _sorted(names.properties())))
    return [line for what, found, expected in pairs for line in _compare(what, found, expected)]


def _compare(what: str, found: Any, expected: Any) -> Iterator[str]:
    is_, must = (set(map(str, each.items() if isinstance(each, dict) else each)) for each in (found, expected))
    yield from (f"{what}: missing: {each}" for each in sorted(must - is_))
    yield from (f"{what}: unexpected: {each}" for each in sorted(is_ - must))


def _sorted(records: dict[str, dict[str, str]]) -> dict[str, list[tuple[str, str]]]:
    return {name: sorted(record.items()) for name, record in records.items()}


def _links(state: State) -> dict[str, str]:
    return {f"{directory}/{link}": prefix + target.rpartition("/")[2]
            for directory, prefix in (("/dev/disk/by-pci-path", ""), ("/dev/vfio/by-pci-path", "vfio/"))
            for link, target in state.directory(directory).items()}


def _content_links(state: State, names: Names) -> dict[str, str]:
    """But for those of the root disk, and those that a udevd which was killed has left to disks that went meanwhile."""
    links = {f"{directory}/{link}": target.rpartition("/")[2] for directory in CONTENT
             for link, target in state.directory(f"/dev/disk/{directory}").items()}
    left = set(links.values()) - state.block.keys() if names.host.machine.has_udevd else set()
    return {link: node for link, node in links.items() if node != names.nodes.get("root") and node not in left}


def _interfaces(state: State) -> dict[str, str]:
    return {name: link["address"] for link in state.net for name in [link["ifname"], *link.get("altnames", [])] if name.startswith("pci-")}


def _rows(state: State) -> set[tuple[str | None, ...]]:
    return {(row["path"], row["address"], row["name"], row["link"]) for row in state.listed if row["subsystem"] in ("block", "net", "vfio")}


def _specification(state: State, kind: str) -> dict[str, tuple[str, str]]:
    """By name of each device its path and its first node or interface."""
    return {name: (path, edits[0].get("hostPath") or edits[0]["hostInterfaceName"])
            for name, (path, edits) in state.specifications.get(kind, {}).items()}


def wait_command(host: Host, own: set[str], settle: str, seconds: int) -> str:
    """A command for the guest that waits until the kernel shows the devices that the host has, and their links are there; and until
    nothing is on its way any more. It gives up after a time, so that the state can be read.

    The kernel shows a device before it sends its event, and a removed one's event is older than what the host knows of it. So whoever
    makes the links is waited for before and after.
    """
    disks, groups = (sorted(f"/dev/{link}" for link in host.links() if link.startswith(directory)) for directory in ("disk", "vfio"))
    links = " ".join(disks + (groups or ["/dev/vfio/by-pci-path/*"]))
    functions, interfaces = len(host.functions() | own), len(host.interfaces()) + 1  # lo
    return f"""
links={shlex.quote(links)}
settle() {{
    {settle}
}}
there() {{
    set -- /sys/bus/pci/devices/*; [ $# = {functions} ] || return
    set -- /sys/class/net/*; [ $# = {interfaces} ] || return
    set -- /dev/disk/by-pci-path/* /dev/vfio/by-pci-path/*; [ "$*" = "$links" ]
}}
read -r now _ </proc/uptime; end=$((${{now%.*}} + {seconds}))
until settle && there && settle && there; do
    read -r now _ </proc/uptime; [ ${{now%.*}} -lt $end ] || break
done
"""
