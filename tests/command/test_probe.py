# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath probe` of images: what is on them, and what cannot be trusted. Disks and their partitions are in tests/vm."""

import json
import os
import random
import subprocess

import pytest
from command.run import PCIPATH

COVERS = {
    "ambiguous": "Fault: corrupt disks, disks with two signatures, empty disks",
    "corrupt": "Fault: corrupt disks, disks with two signatures, empty disks",
    "flipped_bytes": "Fault: corrupt disks, disks with two signatures, empty disks",
}

UUID = "01234567-89ab-cdef-0123-456789abcdef"
SUPERBLOCK = 1024  # of ext4
TABLE = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\nstart=2048, name=first\n"


def probe(*arguments):
    return subprocess.run([PCIPATH, "probe", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False,
                          env=os.environ | {"LC_ALL": "C.UTF-8"})


def only_row(image):
    done = probe("-J", "-o", "+USAGE,PTUUID", image)
    [row] = json.loads(done.stdout)["blockdevices"]
    assert row["name"] == str(image)
    return done, row


@pytest.fixture
def image(tmp_path):
    """An empty disk of 4 MiB."""
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.truncate(4 << 20)
    return path


@pytest.fixture
def filesystem(image):
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "metadata_csum", "-L", "a \"b\"/ü", "-U", UUID, image], check=True)
    return image


def change(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_filesystem(filesystem):
    before = filesystem.stat()
    done, row = only_row(filesystem)
    assert (done.returncode, done.stderr) == (0, "")
    assert (row["state"], row["fstype"], row["label"], row["uuid"], row["usage"]) == (
        "found", "ext4", 'a "b"/ü', UUID, "filesystem")
    assert row["pttype"] is row["partn"] is None
    assert filesystem.stat().st_mtime_ns == before.st_mtime_ns


def test_partition_table(image):
    subprocess.run(["sfdisk", "-q", image], input=TABLE, text=True, check=True)
    done, row = only_row(image)
    assert done.returncode == 0
    assert (row["state"], row["pttype"], row["ptuuid"], row["fstype"]) == (
        "found", "gpt", "11111111-2222-3333-4444-555555555555", None)


def test_label_that_cannot_be_printed(filesystem):
    subprocess.run(["tune2fs", "-O", "^metadata_csum", filesystem], check=True, capture_output=True)
    change(filesystem, SUPERBLOCK + 0x78, b"a\n\x1b[2J\xff".ljust(16, b"\0"))
    _, row = only_row(filesystem)
    assert row["label"] == "a\n\x1b[2J\\xff"
    assert r"a\x0a\x1b[2J\xff" in probe(filesystem).stdout
    assert "\x1b" not in probe(filesystem).stdout


def test_nothing(image):
    done, row = only_row(image)
    assert done.returncode == 0
    assert row["state"] == "nothing" and not any(value for key, value in row.items() if key not in ("name", "state"))


def test_corrupt(image):
    """LVM's label, with a checksum that is not its own."""
    sector, checksum, offset = (1).to_bytes(8, "little"), b"\1\2\3\4", (32).to_bytes(4, "little")
    change(image, 512, b"LABELONE" + sector + checksum + offset + b"LVM2 001" + b"u" * 32)
    done, row = only_row(image)
    assert done.returncode == 0
    assert row["state"] == "corrupt" and not any(value for key, value in row.items() if key not in ("name", "state"))


def test_ambiguous(filesystem):
    """A file system in which another one begins, too."""
    change(filesystem, 0, b"-rom1fs-")
    done, row = only_row(filesystem)
    assert (done.returncode, done.stderr) == (1, f"pcipath: {filesystem}: two different formats were found\n")
    assert row["state"] == "ambiguous" and not any(value for key, value in row.items() if key not in ("name", "state"))


def test_unreadable(tmp_path):
    done = probe(tmp_path / "nosuch", tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"pcipath: {tmp_path}/nosuch: No such file or directory",
                                        f"pcipath: {tmp_path}: Block device required"]
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["STATE", "unreadable", "unreadable"]


def test_flipped_bytes(filesystem):
    """Whatever it is taken for, it is one row of JSON with nothing in it that is not asked for."""
    chance = random.Random(1)
    whole = filesystem.read_bytes()
    for _ in range(100):
        filesystem.write_bytes(whole)
        for _ in range(chance.randrange(1, 40)):
            change(filesystem, SUPERBLOCK + chance.randrange(1024), bytes([chance.randrange(256)]))
        done, row = only_row(filesystem)
        assert done.returncode in (0, 1)
        assert (row["state"] == "found") == any(value for key, value in row.items() if key not in ("name", "state"))
