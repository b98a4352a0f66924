# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of names that rules, units and scripts write out, against the table of the programs."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TABLE = (TOP / "helper/path/link-names.h").read_text()
SUFFIXES = set(re.findall(r'^#define SUFFIX_\w+ "(.+)"', TABLE, re.MULTILINE))
DIRECTORIES = (
    set(re.findall(r'^#define \w+ LINK_DIRECTORY\("(.+)"\)', TABLE, re.MULTILINE)) |
    set(re.findall(r'LINK_DIRECTORY\("(.+)"\)', (TOP / "helper/path/link-names.c").read_text())))


def texts(*folders):
    return {path: path.read_text() for folder in folders for path in sorted((TOP / folder).rglob("*")) if path.is_file()}


def test_directories():
    """No rule, unit or script names a directory of links that the programs do not know."""
    found = {(path.name, directory)
             for path, text in texts("dracut", "initramfs-tools", "mkinitcpio", "rules.d", "systemd", "completion").items()
             for directory in re.findall(r"([\w/-]+)/by-pci-path\b", text)}
    assert {"pcipath-lib.sh", "61-pcipath.rules.in"} <= {name for name, _ in found}
    assert {directory.removeprefix("/dev/") for _, directory in found} <= DIRECTORIES


def test_directories_of_nodes():
    """What is pruned and listed is what is made: the table of node-link.c, disks and VFIO groups."""
    rows = re.search(r"node_table\[\] = \{\n(.*?)\n\};", (TOP / "helper/device/node-link.c").read_text(), re.DOTALL)[1]
    made = {re.findall(r'"([^"]*)"', row)[2] for row in rows.splitlines()}
    assert made | {"disk", "vfio"} == DIRECTORIES


def test_suffixes():
    """The rules make the suffixes of a few kinds of disks themselves."""
    rules = "".join(texts("rules.d").values())
    found = set(re.findall(r'(?:PATH_TAG\}-|ID_PCI_PATH_SCSI\}==?")([a-z]+-)', rules))
    assert {"nvme-", "scsi-"} <= found <= SUFFIXES


def test_each_part_is_defined_once():
    """No other source file of the programs writes out a directory, the prefix of interfaces, or a suffix in a format."""
    written_out = re.compile(r'"[^"\n]*(?:/by-pci-path|(?<![\w-])pci-%s|(?<![\w-])(?:ata|fc|nvme|sas|scsi|sf|usb)-[0-9:.]*%)')
    for path, text in texts("helper").items():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if path.suffix in (".c", ".h") else ""
        lines = [line for line in code.splitlines() if written_out.search(line)]
        assert path.name == "link-names.h" or not lines, (path, lines)
