# SPDX-License-Identifier: LGPL-2.1-or-later
"""`pcipath probe` of libblkid's own test images: what its tests expect, what the installed blkid says, and no more when the images
are spoilt."""

import json
import os
import random
import re
import subprocess

import blkid_images
import pytest
from command.run import PCIPATH

COVERS = {
    "as_libblkid_expects": "Disk: file systems, RAID members and partition tables: about 100 test images of libblkid",
    "spoilt_images": "Fault: test images of libblkid, truncated and with changed bytes",
}

COLUMNS = {"fstype": "ID_FS_TYPE", "fsver": "ID_FS_VERSION", "label": "ID_FS_LABEL_ENC", "uuid": "ID_FS_UUID_ENC", "usage": "ID_FS_USAGE",
           "pttype": "ID_PART_TABLE_TYPE", "ptuuid": "ID_PART_TABLE_UUID"}


@pytest.fixture(scope="module")
def images():
    return blkid_images.images()


def probe(images):
    """One call for all of them. The rows by name."""
    done = subprocess.run([PCIPATH, "probe", "-J", "-o", ",".join(["name", "state", *COLUMNS]), *images.values()], capture_output=True, text=True,
                          timeout=300, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"})
    rows = json.loads(done.stdout)["blockdevices"]
    assert [row["name"] for row in rows] == [str(image) for image in images.values()]
    return done, dict(zip(images, rows, strict=True))


def decode(text):
    r"""Of \xNN. What cannot be printed pcipath shows as it is here."""
    data = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), text.encode())
    shown = data.decode(errors="surrogateescape")
    return shown if shown.isprintable() else text


def told(properties):
    """The columns that have a value, as the properties have it."""
    return {column: decode(properties[name]) for column, name in COLUMNS.items() if properties.get(name)}


def found(row):
    return {column: row[column] for column in COLUMNS if row[column] is not None}


def blkid(image):
    """Nothing where it finds nothing (2) or two different things (8)."""
    done = subprocess.run(["blkid", "-p", "-o", "udev", image], capture_output=True, text=True, errors="surrogateescape", check=False)
    assert done.returncode in (0, 2, 8), done
    return blkid_images.udev_values(done.stdout) if done.returncode == 0 else {}


def test_as_libblkid_expects(images):
    done, rows = probe(images)
    expected = {name: told(properties) for name, image in images.items() if (properties := blkid_images.expected(image)) is not None}
    assert (done.returncode, done.stderr) == (0, "")
    tables = [name for name, values in expected.items() if "pttype" in values]
    told_of = {name: found(rows[name]) for name in expected}
    # Of a disk with a table they say no more than that.
    told_of |= {name: {key: value for key, value in told_of[name].items() if key.startswith("pt")} for name in tables}
    assert len(expected) > 100 and len(tables) > 4 and told_of == expected


def test_as_the_installed_blkid(images):
    _, rows = probe(images)
    assert {name: found(row) for name, row in rows.items()} == {name: told(blkid(image)) for name, image in images.items()}


def spoil(image, copy, chance):
    """Some bytes where there are any are others, or the end is missing."""
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    size = copy.stat().st_size
    with copy.open("r+b") as file:
        for _ in range(chance.choice([1, 2, 8, 32])):
            start = os.lseek(file.fileno(), 0, os.SEEK_DATA)
            file.seek(start + chance.randrange(min(size - start, 128 << 10)))
            file.write(bytes([chance.randrange(256)]))
        if chance.random() < 0.2:
            file.truncate(chance.randrange(512, size))


def test_spoilt_images(images, tmp_path, request):
    """Each is one row: nothing, corrupt, or what blkid finds there, too."""
    chance = random.Random(request.config.getoption("seed"))
    spoilt = {}
    for name, image in images.items():
        spoilt[name] = tmp_path / name
        spoil(image, spoilt[name], chance)
    done, rows = probe(spoilt)
    assert done.returncode in (0, 1)
    assert all(re.fullmatch(r"pcipath: /[ -~]+: two different formats were found", line) for line in done.stderr.splitlines())
    assert {name: found(row) for name, row in rows.items()} == {name: told(blkid(image)) for name, image in spoilt.items()}
    assert all((row["state"] == "found") == bool(found(row)) for row in rows.values())
    assert {row["state"] for row in rows.values()} <= {"found", "nothing", "corrupt", "ambiguous"}
