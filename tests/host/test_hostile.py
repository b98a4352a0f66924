# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a monitor or a document says reaches no terminal as it is: C0, C1, U+0080 to U+009F and invalid UTF-8 are encoded in
tables, errors and JSON, from whichever source they come."""

import json
import os
import re
import subprocess

import pytest
from host.run import PCIPATH_HOST
from host.server import served
from host.test_sockets import GREETING, http, machine_with, qemu, until_closed
from programs import RUNNER

COVERS = dict.fromkeys(("hostile_json", "hostile_xml", "hostile_qmp", "hostile_http"),
                       "Fault: control characters and invalid UTF-8 from monitors and documents")

# ESC, BEL, CSI as C1 byte and as U+009B, an overlong slash, a lone continuation, a surrogate, beyond U+10FFFF
HOSTILE = [b"\x1b[31m", b"\x07", b"\x9b31m", b"\xc2\x9b31m", b"\xc0\xaf", b"\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x7f", b"\xc2\x80"]
LOCALES = ["C.UTF-8", "C"]


def run(*arguments, stdin=None, locale="C.UTF-8"):
    done = subprocess.run([*RUNNER, PCIPATH_HOST, *arguments], input=stdin, capture_output=True, timeout=60, check=False,
                          env=os.environ | {"LC_ALL": locale})
    assert done.returncode in (0, 1, 3), done
    for output in (done.stdout, done.stderr):
        text = output.decode()  # valid UTF-8, or ASCII
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), text
        assert locale != "C" or "-J" in arguments or text.isascii()  # JSON is UTF-8 everywhere
    return done


def check_all(source, ident, stdin=None, locale="C.UTF-8"):
    """All that prints an id: tables, trees, JSON, and the error of what is not there."""
    for verb in ("list", "tree", "free"):
        run(verb, source, stdin=stdin, locale=locale)
        done = run(verb, "-J", source, stdin=stdin, locale=locale)
        if done.returncode == 0:
            json.loads(done.stdout)
    run("of", source, b"no" + ident, stdin=stdin, locale=locale)
    run("of", source, ident, stdin=stdin, locale=locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_json(text, locale):
    """In ids, keys, addresses and sections; a raw control character is also escaped as JSON has it."""
    for ident in (text, "".join(f"\\u{ord(c):04x}" for c in text.decode("latin-1")).encode()):
        tree = b'{"config": {"net": [{"id": "%b"}]}, "device_tree": {"x%b": {"pci_bdf": "0000:00:05.0", "children": ["%b"]}}}'
        check_all("--cloud-hypervisor=-", text, tree % (ident, ident, ident), locale)
        for document in (b'{"config": {}, "device_tree": {"%b": 1}}', b'{"config": {}, "device_tree": {"%b": {"pci_bdf": 1}}}',
                         b'{"config": {}, "device_tree": {"a": {"pci_bdf": "%b"}}}', b'{"%b', b'%b', b'{"id": "%b", "bdf": "x"}'):
            assert run("list", "--cloud-hypervisor=-", stdin=document % ident, locale=locale).returncode == 1
        section = b'{"boot-source": {}, "new%b": 1, "drives": [{"drive_id": "%b"}]}' % (ident, ident)
        check_all("--firecracker=-", text, section, locale)
        run("list", "--firecracker=-", stdin=b'{"boot-source": {}, "drives": [{"drive_id": "%b"}, {"drive_id": "%b"}]}' % (ident, ident))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_xml(text, locale):
    """XML allows U+0080 to U+009F, as they are and by number; in another character set every byte is one."""
    domain = (b"<?xml version='1.0' encoding='%b'?><domain type='%b'><os><type machine='%b'/></os><devices>"
              b"<controller type='pci' index='0' model='pcie-root'/><controller type='%b' index='%b' model='%b'/>"
              b"<disk><target dev='a%b' bus='virtio'/><alias name='%b'/><address type='pci' bus='0' slot='%b'/></disk></devices></domain>")
    for encoding in (b"UTF-8", b"ISO-8859-1"):
        for place in range(8):
            values = [b"kvm", b"q35", b"usb", b"1", b"m", b"vda", b"x", b"3"]
            values[place] = text
            check_all("--libvirt=-", text, domain % (encoding, *values), locale)
            check_all("--libvirt=-", text, (domain % (encoding, *values)).replace(b"\xc2\x9b", b"&#x9b;"), locale)
        run("list", "--libvirt=-", stdin=b"<?xml version='1.0' encoding='%b'?><%b>" % (encoding, text), locale=locale)
        run("list", "--libvirt=-", stdin=b"<?xml version='1.0' encoding='%b'?><domain%b/>" % (encoding, text), locale=locale)


@pytest.mark.parametrize("text", ["\x1b[31m", "\x07", "\x9b31m", "\x7f", "\x80"])
def test_hostile_qmp(text):
    """In an id, a type and the name of a bus, and in the description of an error."""
    with served(qemu(machine_with(**{f"disk{text}": ("virtio-blk-pci", 0x20), "b": (f"type{text}", 0x28)}))) as path:
        check_all(f"--qmp={path}", f"disk{text}".encode())

    def refuse(connection):
        connection.sendall(GREETING + json.dumps({"error": {"class": f"X{text}", "desc": f"no {text}"}}).encode())
        until_closed(connection)

    with served(refuse) as path:
        assert run("list", f"--qmp={path}").returncode == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_http(text):
    for answer in (text * 20000, b"HTTP/1.1 200 " + text + b"\r\n\r\n", http(b"", status="404 x"), http(b'{"%b' % text)):
        def serve(connection, answer=answer):
            connection.sendall(answer)
            until_closed(connection)

        with served(serve) as path:
            assert run("list", f"--cloud-hypervisor={path}").returncode == 1


@pytest.mark.parametrize("text", [text for text in HOSTILE if b"\0" not in text])
def test_hostile_arguments(text, tmp_path):
    """Of the command line: a file, a socket and an option."""
    for option in ("qmp", "libvirt", "cloud-hypervisor", "firecracker"):
        assert run("list", os.fsencode(f"--{option}={tmp_path}/") + text).returncode == 1
