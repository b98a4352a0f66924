# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a command line, a document or a disk has reaches no terminal as it is: tables, errors and JSON have one encoder."""

import json
import os
import subprocess

import pytest
from command.run import PCIPATH
from host.run import PCIPATH_HOST
from programs import PCIPATH_ID

COVERS = {
    "error_is_encoded": "Fault: control characters and invalid UTF-8 in arguments that a message quotes",
    "json_is_valid": "Fault: control characters and invalid UTF-8 in arguments that a message quotes",
    "table_is_encoded": "Fault: control characters and invalid UTF-8 in arguments that a message quotes",
}

# What a terminal obeys, or what is not UTF-8, and how it is shown.
HOSTILE = {
    b"\x1b[31m": b"\\x1b[31m", b"\x9b31m": b"\\x9b31m", b"\xc2\x9b31m": b"\\xc2\\x9b31m", b"a\x7fb": b"a\\x7fb", b"a\nb": b"a\\x0ab",
    b"\xc2\x80\xc2\x9f": b"\\xc2\\x80\\xc2\\x9f", b"\xff\xfe": b"\\xff\\xfe", b"\xed\xa0\x80": b"\\xed\\xa0\\x80", b"\xc0\xaf": b"\\xc0\\xaf",
    b"\xe2\x82": b"\\xe2\\x82",
}
PRINTABLE = ["größe", "€𝄞", "\u00a0"]
LOCALES = ["C", "C.UTF-8"]


def run(*command, locale="C.UTF-8", stdin=b"", env=None):
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, env=os.environ | {"LC_ALL": locale} | (env or {}))


def is_harmless(text):
    decoded = text.decode()
    return all(c == "\n" or (c.isprintable() or c == "\u00a0") for c in decoded)


def domain_of(identifier):
    """Cloud Hypervisor's answer with one device; json.dumps() would not write invalid UTF-8."""
    node = b'{"id": "@", "resources": [], "children": [], "pci_bdf": "0000:00:02.0"}'
    return (b'{"config": {}, "device_tree": {"@": ' + node + b"}}").replace(b"@", identifier)


COMMANDS = {
    "find": lambda text: (PCIPATH, "find", text), "of": lambda text: (PCIPATH, "of", b"/dev/" + text), "verb": lambda text: (PCIPATH, text),
    "column": lambda text: (PCIPATH, "list", "-o", text), "option": lambda text: (PCIPATH, "list", b"--" + text),
    "letter": lambda text: (PCIPATH, "list", b"-" + text), "timeout": lambda text: (PCIPATH, "wait", b"--timeout=" + text, "02.0"),
    "wait": lambda text: (PCIPATH, "wait", "--timeout=0", b"02.0," + text), "probe": lambda text: (PCIPATH, "probe", b"./" + text),
    "convert": lambda text: (PCIPATH, "convert", text), "to": lambda text: (PCIPATH, "convert", b"--to=" + text, "02.0"),
    "helper": lambda text: (PCIPATH_ID, text), "helper option": lambda text: (PCIPATH_ID, b"--" + text),
    "helper letter": lambda text: (PCIPATH_ID, b"-" + text), "host file": lambda text: (PCIPATH_HOST, "list", b"--libvirt=/nowhere/" + text),
    "host socket": lambda text: (PCIPATH_HOST, "list", b"--qmp=/nowhere/" + text),
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("command", COMMANDS)
def test_error_is_encoded(command, locale):
    for text, shown in HOSTILE.items():
        done = run(*COMMANDS[command](text), locale=locale)
        assert done.returncode != 0 and is_harmless(done.stdout) and is_harmless(done.stderr), done
        assert shown in done.stderr or "letter" in command, done.stderr


def test_printable_text_is_left_alone():
    for text in PRINTABLE:
        assert text in run(PCIPATH, "of", text).stderr.decode()
        assert run(PCIPATH, "of", text, locale="C").stderr.isascii()


@pytest.mark.parametrize("locale", LOCALES)
def test_error_of_a_document_is_encoded(locale):
    for text in (*HOSTILE, *(text.encode() for text in PRINTABLE)):
        for document in (b'<domain type="kvm"><x' + text + b"/></domain>", b'<domain type="' + text + b'"/>'):
            done = run(PCIPATH_HOST, "list", "--libvirt=-", stdin=document, locale=locale)
            assert is_harmless(done.stderr) and is_harmless(done.stdout)
            assert locale != "C" or done.stderr.isascii()


@pytest.mark.parametrize("locale", LOCALES)
def test_table_is_encoded(locale):
    for text, shown in HOSTILE.items():
        done = run(PCIPATH_HOST, "list", "-n", "--cloud-hypervisor=-", stdin=domain_of(text.replace(b"\n", b"\\n").replace(b"\x1b", b"\\u001b")),
                   locale=locale)
        assert (done.returncode, done.stderr) == (0, b"") and is_harmless(done.stdout)
        assert shown in done.stdout


def test_table_can_be_decoded():
    """A backslash of the text's own is not taken for the encoder's."""
    assert rb"\x5cx9b \y" in run(PCIPATH_HOST, "list", "-n", "--cloud-hypervisor=-", stdin=domain_of(rb"\\x9b \\y")).stdout


@pytest.mark.parametrize("verb", ["list", "tree"])
@pytest.mark.parametrize("locale", LOCALES)
def test_json_is_valid(verb, locale):
    for text in (*HOSTILE, *(text.encode() for text in PRINTABLE)):
        document = domain_of(text.replace(b"\n", b"\\n").replace(b"\x1b", b"\\u001b"))
        done = run(PCIPATH_HOST, verb, "-J", "--cloud-hypervisor=-", stdin=document, locale=locale)
        assert (done.returncode, done.stderr) == (0, b"") and is_harmless(done.stdout), done.stdout
        rows = json.loads(done.stdout)
        found = rows["devices"][0]["id"] if verb == "list" else rows["roots"][0]["children"][0]["id"]
        assert found == text.decode(errors="backslashreplace")
    assert rb"\u009b" in run(PCIPATH_HOST, "list", "-J", "--cloud-hypervisor=-", stdin=domain_of(b"\xc2\x9b")).stdout


def test_no_line_ends_in_blanks():
    for arguments in (["list", "-a"], ["tree"], ["list", "-n"]):
        assert b" \n" not in run(PCIPATH, *arguments).stdout
    done = run(PCIPATH_HOST, "list", "--cloud-hypervisor=-", stdin=domain_of(b"a"))
    assert done.returncode == 0 and b" \n" not in done.stdout
