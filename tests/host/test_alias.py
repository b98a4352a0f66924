# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath-host alias`: what it prints is what the guest's reader takes, and one word for a shell or one element for libvirt."""

import base64
import shlex
import subprocess
from xml.etree import ElementTree

import pytest
from command.run import PCIPATH
from host.run import error, pcipath_host

COVERS = {
    "every_format": "Host: `pcipath-host alias`: user aliases of libvirt, in each format",
    "names": "Host: `pcipath-host alias`: user aliases of libvirt, in each format",
}


def domain(*devices):
    return ("<domain type='kvm'><os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices>"
            f"<controller type='pci' index='0' model='pci-root'/>{''.join(devices)}</devices></domain>")


def address(slot):
    return f"<address type='pci' domain='0' bus='0' slot='{slot}' function='0'/>"


def disk(name, alias, slot):
    return (f"<disk type='file' device='disk'><source file='/images/{name}'/><target dev='{name}' bus='virtio'/>"
            f"{alias and f'<alias name={alias!r}/>'}{address(slot)}</disk>")


SCSI = ("<controller type='scsi' index='0' model='virtio-scsi'><alias name='ua-adapter'/>" + address(6) + "</controller>"
        "<disk type='file' device='disk'><target dev='sda' bus='scsi'/><alias name='ua-logs'/>"
        "<address type='drive' controller='0' bus='0' target='0' unit='3'/></disk>")
CARD = f"<interface type='network'><mac address='52:54:00:00:00:01'/><alias name='ua-lan'/>{address(7)}</interface>"
DOMAIN = domain(disk("vda", "ua-database", 4), disk("vdb", "", 5), SCSI, CARD, "<tpm model='tpm-tis'><alias name='ua-tpm'/></tpm>")
LINES = ["database=04.0", "logs=06.0-scsi-0:0:0:3", "lan=07.0"]
SOURCE = "--libvirt=-"


def ask(*arguments, text=DOMAIN):
    outcome = pcipath_host("alias", SOURCE, *arguments, stdin=text)
    assert outcome.status == 0, outcome.stderr
    return outcome.stdout


def test_every_format():
    """All of them hand over the same lines, which the guest takes."""
    lines = ask()
    assert lines.splitlines() == LINES
    done = subprocess.run([PCIPATH, "alias", "--check=-"], input=lines, text=True, capture_output=True, check=True)
    assert done.stderr == ""

    option, value = shlex.split(ask("--to=smbios"))
    head, _, encoded = value.partition("pcipath.aliases=")
    assert (option, head) == ("-smbios", "type=11,value=io.systemd.credential.binary:") and "," not in encoded
    assert base64.b64decode(encoded, validate=True).decode() == lines

    option, value = shlex.split(ask("--to=fw-cfg"))
    head, _, text = value.partition(",string=")
    assert (option, head, text) == ("-fw_cfg", "name=opt/io.systemd.credentials/pcipath.aliases", lines.rstrip("\n")) and "," not in text

    element = ElementTree.fromstring(ask("--to=libvirt"))
    [entry] = element
    assert (element.tag, element.attrib, entry.attrib) == ("sysinfo", {"type": "fwcfg"}, {"name": head.removeprefix("name=")})
    assert entry.text == lines.rstrip("\n")

    assert shlex.split(ask("--to=kernel")) == [f"pcipath.alias={line}" for line in LINES]


def test_names():
    """By an id, a second id or a label; user aliases are not looked at then."""
    assert ask("a=vda", "b=ua-lan", "c=52:54:00:00:00:01", "d=/images/vdb", "e=sda", "f=ua-adapter").splitlines() == [
        "a=04.0", "b=07.0", "c=07.0", "d=05.0", "e=06.0-scsi-0:0:0:3", "f=06.0"]
    assert ask("--to=lines", "a=vda", "b=vda").splitlines() == ["a=04.0", "b=04.0"]


@pytest.mark.parametrize("arguments,status,text", [
    (["vda"], 2, "vda: not NAME=ID"), (["Data=vda"], 2, "the name does not begin with a letter"), (["x-part1=vda"], 2, "reserved for partitions"),
    (["$(id)=vda"], 2, "the name does not begin"), (["a=vda", "a=vdb"], 2, "a: this name is given to two devices"),
    (["a=nosuch"], 3, "nosuch: no such device"), (["--to=nosuch", "a=vda"], 2, "--to=nosuch: unknown format"), (["a="], 3, ": no such device"),
])
def test_wrong_arguments(arguments, status, text):
    found, message = error("alias", SOURCE, *arguments, stdin=DOMAIN)
    assert found == status and text in message


@pytest.mark.parametrize("name", ["Data", "a b", "x;id", "$(id)", "lo"])
def test_wrong_user_alias(name):
    """Nothing is printed for the others either."""
    status, message = error("alias", SOURCE, stdin=domain(disk("vda", "ua-good", 4), disk("vdb", f"ua-{name}", 5)))
    assert status == 2 and message.startswith(f"ua-{name}: ")


def test_no_user_alias():
    assert error("alias", SOURCE, stdin=domain(disk("vda", "", 4)))[0] == 3


def test_from_a_list():
    saved = pcipath_host("list", "-J", SOURCE, stdin=DOMAIN).stdout
    assert pcipath_host("alias", "--list=-", stdin=saved).stdout.splitlines() == LINES
