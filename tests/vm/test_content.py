# SPDX-License-Identifier: LGPL-2.1-or-later
"""Links by what is on disks, and by what disks say of themselves: `pcipath coldplug` gives those that the guest's own udevd gives, to the letter.

Odd names, and tables and file systems with bytes flipped at random (`--seed`). What udevd and pcipath find is libblkid's word in both;
that a partition's link leads to that partition is held to what the kernel says of it.
"""

import random
import re
import struct
import subprocess
import zlib

import pytest
from machine import disk

COVERS = {
    "odd_names": "Fault: labels and partition names with slashes, blanks, dots, control characters and invalid UTF-8",
    "flipped_bytes": "Fault: partition tables and file systems with random changes",
    "ids": "Disk: by-id and by-diskseq of virtio-blk, NVMe, SCSI and ATA disks and their partitions, as udevd makes them",
}

FUZZED, BLANK = 24, 8 << 20

# Each kind, with serial numbers and World Wide Names that need escapes. All have a partition but the optical drives.
WITH_ID = [("virtio-blk-pci", {"serial": " a  b$c%d?e\\x2ff,g#"}), ("virtio-blk-pci", {"serial": "größe"}), ("virtio-blk-pci", {}),
           ("nvme", {"serial": "a  b%c"}), ("nvme", {"serial": "plain"}),
           ("scsi-hd", {"serial": "s  1%x"}), ("scsi-hd", {"serial": "s2", "wwn": 0x5000c50015ea71ac}), ("scsi-hd", {"wwn": 0x3000c50015ea71ad}),
           ("scsi-hd", {"serial": "s3", "port_wwn": 0x5000c50015ea71ae}), ("scsi-hd", {"vendor": "A  B", "product": "C D%", "serial": "s4"}), ("scsi-cd", {"serial": "cd"}),
           ("ide-hd", {"serial": "i  1%x"}), ("ide-hd", {"wwn": 0x5000c50015ea71af, "model": "A  long model of a disk, with 40 bytes"}), ("ide-cd", {"serial": "icd"})]

# 36 characters of UTF-16 at most; 16 bytes of any kind at most.
PART_NAMES = ["../../etc/passwd", "a b\tc", "..", ".", "größe€𝄞", "x" * 36, "\"'`$(x)\\", "\ufffe\ufdd0", "\x01\x1b[31m", "-rf", "%s%n"]
LABELS = [b"../..", b".", b"a\nb", b"\xff\xfe\x80", b"\xc3\xa4", b" lead", b"x" * 16, b"\\x2f", b"#+-.:=@_", b"tab\there", b"\xed\xa0\x80"]


def sfdisk(path, script):
    subprocess.run(["sfdisk", "-q", "--no-reread", path], input=script, text=True, check=True)


def make_file_system(path, megabytes, label, offset=0):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^metadata_csum", "-L", label, "-E", f"offset={offset}", path,
                    f"{megabytes}M"], check=True)


def set_part_name(path, name):
    """Of the first entry, as it stands on the disk. Its checksums are made right again."""
    raw = name.encode("utf-16-le", "surrogatepass")[:72].ljust(72, b"\0")
    with open(path, "r+b") as file:
        for header_at in (512, path.stat().st_size - 512):
            file.seek(header_at)
            header = bytearray(file.read(92))
            table_at, number, size = struct.unpack_from("<Q", header, 72)[0] * 512, *struct.unpack_from("<II", header, 80)
            file.seek(table_at)
            table = bytearray(file.read(number * size))
            table[56:128] = raw
            struct.pack_into("<I", header, 88, zlib.crc32(table))
            struct.pack_into("<I", header, 16, 0)
            struct.pack_into("<I", header, 16, zlib.crc32(header))
            file.seek(table_at)
            file.write(table)
            file.seek(header_at)
            file.write(header)


def set_label(path, offset, label):
    with open(path, "r+b") as file:
        file.seek(offset + 1024 + 0x78)
        file.write(label.ljust(16, b"\0"))


def write_odd(path, name, label):
    sfdisk(path, f"label: gpt\nstart=2048, size=8192\nstart=10240, size=2048, name=other{path.stem}\n")
    make_file_system(path, 4, path.stem, 2048 * 512)
    set_part_name(path, name)
    set_label(path, 2048 * 512, label)


def write_fuzzed(path, generator):
    """A table of either kind with a file system in its first partition, or a file system alone; some bytes are others."""
    kind = generator.choice(["gpt", "dos", "extended", "bare", "both"])
    if kind in ("gpt", "dos"):
        sfdisk(path, f"label: {kind}\nstart=2048, size=8192\nstart=10240, size=2048\n")
    elif kind == "extended":
        sfdisk(path, "label: dos\nstart=2048, size=8192\nstart=10240, size=4096, type=E\nstart=12288, size=512\n")
    make_file_system(path, 4, path.stem, 0 if kind in ("bare", "both") else 2048 * 512)
    size = path.stat().st_size
    with open(path, "r+b") as file:
        if kind == "both":
            file.seek(4086)
            file.write(b"SWAPSPACE2")
        for _ in range(generator.choice([1, 4, 16, 64])):
            at = generator.choice([generator.randrange(2048), generator.randrange(1024, 34 * 512), size - 1 - generator.randrange(34 * 512),
                                   2048 * 512 + 1024 + generator.randrange(1024), 10240 * 512 + generator.randrange(512)])
            file.seek(at)
            file.write(bytes([generator.randrange(256)]))


def devices_with_id():
    """virtio-scsi has its own targets above those of the other disks; the ATA disks have a cable each."""
    yield {"driver": "ich9-ahci", "id": "ahci", "bus": "pcie.0", "addr": "4.0"}
    cables, slots = iter(range(6)), iter(range(6, 16))
    for n, (driver, properties) in enumerate(WITH_ID):
        place = {"bus": "scsi.0", "scsi-id": 100 + n} if driver.startswith("scsi") else \
            {"bus": f"ahci.{next(cables)}"} if driver.startswith("ide") else {"bus": "pcie.0", "addr": f"{next(slots):x}.0"}
        yield {"driver": driver, "id": f"id{n}", "drive": f"id{n}", **place, **properties}


@pytest.fixture(scope="module")
def machine(make_machine, request):
    generator = random.Random(request.config.getoption("seed"))
    names = [f"odd{n}" for n in range(len(PART_NAMES))] + [f"fuzzed{n}" for n in range(FUZZED)]
    topology = [disk("virtio-blk-pci", "root", bus="pcie.0", addr="1d.0"),
                {"driver": "virtio-scsi-pci", "id": "scsi", "bus": "pcie.0", "addr": "5.0"},
                *(disk("scsi-hd", name, bus="scsi.0", **{"scsi-id": n}) for n, name in enumerate(names)), *devices_with_id()]
    with make_machine(topology) as machine:
        for n, name in enumerate(names):
            path = machine.add_drive(name, BLANK + (n << 12))
            if name.startswith("odd"):
                write_odd(path, PART_NAMES[n], LABELS[n])
            else:
                write_fuzzed(path, generator)
        for n in range(len(WITH_ID)):
            path = machine.add_drive(f"id{n}", BLANK + (n + 100 << 12))
            sfdisk(path, "label: dos\nstart=2048, size=2048\n")
        machine.boot("root=LABEL=root")
        machine.settle()
        yield machine


def content_links(machine, top, directories="by-uuid by-label by-partuuid by-partlabel"):
    """By directory and name (its bytes in hex) the node."""
    rows = machine.run(f"cd {top}/disk && find {directories} -type l -printf '%p %l\\n' | od -An -v -tx1").split()
    found = {}
    for row in bytes.fromhex("".join(rows)).splitlines():
        name, _, target = row.rpartition(b" ")
        found[name] = target.rpartition(b"/")[2].decode()
    return found


@pytest.fixture(scope="module")
def links(machine):
    done = machine.call("mkdir /run/ours && timeout 120 pcipath coldplug --links=/run/ours")
    return done, content_links(machine, "/run/ours"), content_links(machine, "/dev")


def test_odd_names(links):
    """Each label and each name has the link that udevd gives, in the same bytes."""
    _, ours, theirs = links
    assert len([name for name in ours if name.startswith(b"by-label/")]) >= len(LABELS)
    assert ours == theirs
    assert all(b"\n" not in name and name.count(b"/") == 1 for name in ours)


def test_flipped_bytes(machine, links):
    """No crash and no hang; what looks like two things is said; a name is udevd's, and leads to the partition that is meant."""
    done, ours, theirs = links
    assert done.status in (0, 1) and "signal" not in done.stderr
    assert all(line.startswith("pcipath: ") for line in done.stderr.splitlines())
    assert ours == theirs
    numbers = dict(row.split() for row in machine.run(
        "for p in /sys/class/block/sd*/partition; do echo $(basename ${p%/partition}) $(cat $p); done").splitlines())
    rows = machine.run(f"pcipath probe -n -o NAME,PARTN $(printf '/dev/%s ' {' '.join(numbers)}) 2>/dev/null; true").splitlines()
    for row in rows:
        name, *number = row.split()
        assert number in ([], [numbers[name.removeprefix('/dev/')]])
    assert len(rows) == len(numbers) > 2 * len(PART_NAMES)


# Names of later rules: the first two of the rules of systemd 257.
LATER = re.compile(rb"by-diskseq/\d+-part\d+|by-id/nvme-QEMU_NVMe_Ctrl_a_b_c(-part\d+)?")
# Linux has "QEMU CD-ROM" in a list of devices that it does not ask for their pages (drivers/scsi/scsi_devinfo.c).
NOT_ASKED = b"by-id/scsi-0QEMU_QEMU_CD-ROM_cd"


def test_ids(machine, links):
    """All of udevd's, and those that later udevds make besides. Each disk has one of each kind of name."""
    ours, theirs = (content_links(machine, top, "by-id by-diskseq") for top in ("/run/ours", "/dev"))
    later = {name: node for name, node in ours.items() if LATER.fullmatch(name)}
    assert ours | {NOT_ASKED: theirs[NOT_ASKED]} == theirs | later
    assert len(later) >= len(WITH_ID)
    for prefix, number in ((b"virtio-", 4), (b"nvme-", 6), (b"scsi-", 9), (b"ata-", 5), (b"wwn-", 4), (b"", len(WITH_ID))):
        directory = b"by-id/" if prefix else b"by-diskseq/"
        assert len([name for name in ours if name.startswith(directory + prefix)]) >= number, prefix
