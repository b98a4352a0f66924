# SPDX-License-Identifier: LGPL-2.1-or-later
"""What pcipath-host has in common with pcipath: help, usage, completion, and a manual whose examples are run."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from documents import console, recipe, troubleshooting
from host.run import PCIPATH_HOST, error, pcipath_host

TOP = Path(__file__).parents[2]
DOCUMENTS = Path(__file__).parent / "documents"
MANUAL = (TOP / "man/pcipath-host.1.scd").read_text()
DOMAIN = f"--libvirt={DOCUMENTS}/domain.xml"
VERBS = ["list", "of", "free", "tree", "compare", "alias"]


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in VERBS)], ids=lambda words: " ".join(words) or "none")
def test_help_and_version(arguments):
    for option in ("--help", "-h"):
        text = pcipath_host(*arguments, option).stdout
        assert text.startswith(" ".join(["pcipath-host", *arguments])) and all(len(line) <= 80 for line in text.splitlines())
    assert re.fullmatch(r"pcipath-host \d+\.\d+\.\d+\n(\S+ )*\+HOST( \S+)*\n", pcipath_host(*arguments, "--version").stdout)


@pytest.mark.parametrize("arguments", [
    ["no-such-verb"], *([verb] for verb in VERBS), *([verb, "--no-such", DOMAIN] for verb in VERBS), *([verb, "--full", DOMAIN] for verb in ("list", "of", "free")), ["list", "--qmp"],
    ["list", DOMAIN, DOMAIN], ["list", DOMAIN, "vda"], ["free", DOMAIN, "vda"], ["tree", DOMAIN, "vda"], ["of", DOMAIN],
    ["of", "-J", DOMAIN, "vda"], ["list", DOMAIN, "--timeout=x"], ["list", DOMAIN, "--timeout=-1"]], ids=" ".join)
def test_bad_usage(arguments):
    status, text = error(*arguments)
    verb = f" {arguments[0]}" if arguments[0] in VERBS else ""
    assert status == 2 and text.endswith(f". Try 'pcipath-host{verb} --help'.")


def test_all_or_nothing():
    """One that is not there, and nothing is printed of the others; pcipath_host() looks at standard output."""
    assert error("of", DOMAIN, "vda", "vdb")[0] == 3


def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        for arguments in (["list", DOMAIN], ["of", DOMAIN, "vda"], ["tree", "-J", DOMAIN], ["--help"]):
            assert subprocess.run([PCIPATH_HOST, *arguments], stdout=full, stderr=subprocess.DEVNULL).returncode == 1, arguments


def test_json():
    [port, *_] = json.loads(pcipath_host("list", "-J", DOMAIN).stdout)["devices"]
    assert port == {"id": "pci.1", "type": "pcie-root-port", "kind": "PCIe root port", "path": "02.0", "name": None, "absent": None}
    [root] = json.loads(pcipath_host("tree", "-J", DOMAIN).stdout)["roots"]
    assert [child["path"] for child in root["children"]] == ["02.0", "02.1", "02.2"]
    assert [child["id"] for child in root["children"][0]["children"]] == ["vda"]
    assert root["children"][0]["children"][0]["path"] == "02.0/00.0"


def test_tree_paths():
    """The last hop alone below a bridge, and the whole path with --full; JSON has the whole path either way."""
    short, full = (pcipath_host("tree", "-n", *option, DOMAIN).stdout for option in ([], ["--full"]))
    assert re.findall(r"─(\S+)", short) == ["02.0", "00.0", "02.1", "00.0", "02.2"]
    assert re.findall(r"─(\S+)", full) == ["02.0", "02.0/00.0", "02.1", "02.1/00.0", "02.2"]
    assert pcipath_host("tree", "-J", DOMAIN).stdout == pcipath_host("tree", "-J", "--full", DOMAIN).stdout


# -- The manual --

def examples():
    """Each command of the manual with the output below it."""
    text = MANUAL.partition("## Ask about a libvirt domain")[2]
    return console(re.search(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1])


def run_beside_domain(command):
    env = os.environ | {"PATH": f"{PCIPATH_HOST.parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, shell=True, cwd=DOCUMENTS, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("command, expected", [*examples(), *console(recipe("host"))])
def test_example(command, expected):
    """Of the manual, and of the README."""
    output = run_beside_domain(command)
    assert [line.rstrip() for line in output.stdout.splitlines()] == [line.rstrip() for line in expected.splitlines()]


def test_troubleshooting():
    """Of the README."""
    commands = [command for command in troubleshooting() if command.startswith("pcipath-host ")]
    assert len(commands) == 2
    for command in commands:
        assert run_beside_domain(command).returncode == 0


@pytest.mark.parametrize("verb", VERBS)
def test_everything_is_described(verb):
    """What --help knows the manual knows, and both completions."""
    text = pcipath_host(verb, "--help").stdout
    options = set(re.findall(r"--[a-z-]+", text))
    assert f"## pcipath-host {verb}" in MANUAL
    assert all(option in MANUAL for option in options - {"--help", "--version"})
    assert all(f"*{column}*" in MANUAL or f"_{column}_" in MANUAL
               for column in re.findall(r"\b[A-Z]{2,}\b(?=  )", text.partition("Columns:")[2]))
    assert {word.rstrip("=") for word in complete("pcipath-host", verb, "--")} == options
    zsh = (TOP / "completion/_pcipath-host").read_text()
    assert all(option in zsh for option in options)


# -- Completion --

def complete(*words):
    """What bash would offer for the last word."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"""source {TOP}/completion/pcipath-host.bash
        compopt() {{ :; }}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMPREPLY=()
        _pcipath_host
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    env = os.environ | {"PATH": f"{PCIPATH_HOST.parent}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "--norc", "-O", "extglob", "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion():
    assert sorted(complete("pcipath-host", "")) == sorted([*VERBS, "--help", "--version"])
    assert complete("pcipath-host", "of", DOMAIN, "v") == ["vda", "vnet0"]
    assert complete("pcipath-host", "of", "v") == []
    assert complete("pcipath-host", "list", "--output=S") == complete("pcipath-host", "list", "-o", "S") == ["SOURCE", "SERIAL"]
    assert f"{DOCUMENTS}/domain.xml" in complete("pcipath-host", "list", f"--libvirt={DOCUMENTS}/dom")
