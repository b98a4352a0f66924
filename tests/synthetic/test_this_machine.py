# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine that the tests run on, where it has PCI: what pcipath_id says of it and what `lspci -P` says."""

import subprocess
from pathlib import Path

import pytest
from programs import pcipath_id

FUNCTIONS = Path("/sys/bus/pci/devices")


def lspci_paths():
    """The canonical PCI path of each function, as lspci has it, by PCI address."""
    lines = [subprocess.run(["lspci", "-D", option], text=True, capture_output=True, check=True).stdout.splitlines()
             for option in ("-P", "-n")]
    return {plain.split()[0]: path.split()[0].removeprefix("0000:00:") for path, plain in zip(*lines, strict=True)}


def path_of(device):
    outcome = pcipath_id(str(device))
    assert outcome.status == 0
    return dict(line.split("=") for line in outcome.stdout.decode().splitlines()).get("ID_PCI_PATH")


@pytest.mark.skipif(not FUNCTIONS.is_dir() or not any(FUNCTIONS.iterdir()), reason="this machine has no PCI")
def test_functions():
    expected = lspci_paths()
    assert {address: path_of(FUNCTIONS / address) for address in expected} == expected


@pytest.mark.skipif(not any("/pci" in str(disk.resolve()) for disk in Path("/sys/block").iterdir()),
                    reason="this machine has no disk below PCI")
def test_disks():
    expected = lspci_paths()
    for disk in Path("/sys/block").iterdir():
        functions = [name for name in disk.resolve().parts if name in expected]
        assert path_of(disk) == (expected[functions[-1]] if functions else None)
