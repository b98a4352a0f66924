# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turkish, where "I" and "i" are different letters: the words of programs, formats and protocols stay what they are."""

import json
import os
import subprocess

import pytest
from command.run import on_machine, pcipath
from host.run import PCIPATH_HOST
from host.test_sockets import http, served, until_closed
from trees.machine import Disk, Machine, Root, VirtioBlk, function

MACHINE = Machine([Root([function("02.0", VirtioBlk(Disk()))])])


@pytest.fixture(scope="module", autouse=True)
def turkish(tmp_path_factory):
    """The locale exists for this module alone."""
    directory = tmp_path_factory.mktemp("locales")
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", directory / "tr_TR.UTF-8"], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(directory))
        patch.setenv("LC_ALL", "tr_TR.UTF-8")
        folded = subprocess.run(["bash", "-c", 'text=I; echo "${text,,}"'], capture_output=True, text=True, check=True)
        assert folded.stdout == "ı\n", "the locale is not in use"
        yield


def run(*arguments):
    return on_machine(MACHINE, list(arguments), locale="tr_TR.UTF-8")[0]


def test_columns():
    assert run("list", "-n", "-o", "driver,KIND").stdout.split() == ["virtio-pci", "SCSI", "controller"]


def test_json_keys():
    [row] = json.loads(run("list", "-J", "-o", "DRIVER,KIND").stdout)["functions"]
    assert row == {"driver": "virtio-pci", "kind": "SCSI controller"}


@pytest.mark.parametrize("text", ["PCIROOT(0x0)/PCI(0x2,0x0)", "pciroot(0x0)/pci(0x2,0x0)", "PciRoot(0X0)/Pci(0X2,0X0)"])
def test_uefi(text):
    assert pcipath("convert", text, locale="tr_TR.UTF-8").stdout == "02.0\n"


def test_http_header():
    def serve(connection):
        connection.recv(65536)
        connection.sendall(http(b"{}", header="TRANSFER-ENCODING: chunked\r\nContent-Length: {}\r\n"))
        until_closed(connection)

    with served(serve) as path:
        done = subprocess.run([PCIPATH_HOST, "list", f"--cloud-hypervisor={path}"], env=os.environ, capture_output=True, text=True)
    assert done.returncode == 1 and "chunked" in done.stderr
