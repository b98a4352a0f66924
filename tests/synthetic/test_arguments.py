# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arguments and environments of pcipath_id that name no device, and output that cannot be written."""

import os
import subprocess

import pytest
from programs import PCIPATH_ID, Outcome, pcipath_id
from synthetic.malformed import MACHINES, UNREADABLE, USAGE, Edit, assert_refused
from trees import sandbox
from trees.sysfs import Tree

COVERS = {
    "argument": "Fault: arguments that are not a device",
}

ARGUMENTS = {
    "empty": ([b""], USAGE),
    "relative": ([b"vda"], USAGE),
    "relative-path": ([b"sys/devices"], USAGE),
    "other-file": ([b"/etc/passwd"], USAGE),
    "two": ([b"/dev/vda", b"/dev/vdb"], USAGE),
    "many": ([b"/dev/vda"] * 1000, USAGE),
    "unknown-option": ([b"--nope"], USAGE),
    "unknown-short-option": ([b"-x"], USAGE),
    "option-with-newline": ([b"--no\npe"], USAGE),
    "option-not-utf8": ([b"--\xff"], USAGE),
    "option-with-value": ([b"--version=1"], USAGE),
    "missing-device": ([b"/sys/devices/nope"], UNREADABLE),
    "missing-node": ([b"/dev/nope"], UNREADABLE),
    "sysfs-itself": ([b"/sys/"], UNREADABLE),
    "directory": ([b"/sys/devices"], UNREADABLE),
    "device-directory": ([b"/dev/"], UNREADABLE),
    "regular-file": ([b"/dev/../etc/passwd"], UNREADABLE),
    "out-of-sysfs": ([b"/sys/../etc"], UNREADABLE),
    "attribute": ([b"/sys/devices/pci0000:00/uevent"], UNREADABLE),
    "not-utf8": ([b"/sys/devices/\xff\xfe\xc3\x28"], UNREADABLE),
    "control-characters": ([b"/dev/a\nb\x1b[31m\rc\td\x7f"], UNREADABLE),
    "printf-format": ([b"/dev/%s%n%s%n"], UNREADABLE),
    "name-too-long": ([b"/dev/" + b"a" * 300], UNREADABLE),
    "path-too-long": ([b"/sys/" + b"a/" * 5000], UNREADABLE),
    "argument-of-100k": ([b"/sys/" + b"a" * 100000], UNREADABLE),
}


def ask_arguments(arguments):
    Tree(MACHINES["virtio"], "/sys")
    return {name: pcipath_id(*values) for name, (values, _) in arguments.items()}


@pytest.fixture(scope="module")
def argument_outcomes():
    return sandbox.run(ask_arguments, ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument(argument_outcomes, name):
    assert_refused(argument_outcomes[name], ARGUMENTS[name][1])


@pytest.mark.parametrize("devpath,status", [
    (None, USAGE), (b"", USAGE), (b"relative", USAGE), (b"/" + b"a" * 5000, USAGE), (b"/devices/nope", UNREADABLE),
    (b"/devices/\xff\n", UNREADABLE), (b"/../etc", UNREADABLE),
], ids=str)
def test_devpath(devpath, status):
    env = {name: value for name, value in os.environb.items() if name != b"DEVPATH"}
    if devpath is not None:
        env[b"DEVPATH"] = devpath
    done = subprocess.run([PCIPATH_ID], env=env, capture_output=True, check=False)
    assert_refused(Outcome(done.returncode, done.stdout, done.stderr), status)


def ask_with_output(redirection):
    disk = Edit(MACHINES["virtio"]).disk
    done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", PCIPATH_ID, disk], stderr=subprocess.PIPE,
                          check=False)
    return Outcome(done.returncode, b"", done.stderr)


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_output_cannot_be_written(redirection):
    assert_refused(sandbox.run(ask_with_output, redirection), UNREADABLE, b"cannot write")


def ask_with_nothing_open():
    disk = Edit(MACHINES["virtio"]).disk
    return subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PCIPATH_ID, disk], check=False).returncode


def test_nothing_open():
    assert sandbox.run(ask_with_nothing_open) == UNREADABLE
