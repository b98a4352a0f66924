# SPDX-License-Identifier: LGPL-2.1-or-later
"""The places that aliases come from, in a sandbox: empty but for what a test writes there."""

import base64
import os

from trees import sandbox

ETC, RUN, USR = (f"{top}/pcipath/aliases.d" for top in ("/etc", "/run", "/usr/lib"))
CREDENTIAL = "/run/credentials/@system/pcipath.aliases"
FW_CFG = "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/pcipath.aliases/raw"
DMI = "/sys/firmware/dmi/tables/DMI"


def enter(cmdline="quiet"):
    """After sandbox.enter(). /usr/lib has the machine's files, too: programs need them."""
    sandbox.mount("tmpfs", "/run", "tmpfs")
    sandbox.mount("tmpfs", "/etc", "tmpfs")
    os.makedirs("/run/overlay/upper")
    os.makedirs("/run/overlay/work")
    sandbox.mount("overlay", "/usr/lib", "overlay", options="lowerdir=/usr/lib,upperdir=/run/overlay/upper,workdir=/run/overlay/work")
    set_cmdline(cmdline)


def set_cmdline(text):
    write("/run/cmdline", text + "\n")
    if open("/proc/cmdline", encoding="utf-8").read() != text + "\n":
        sandbox.bind("/run/cmdline", "/proc/cmdline")


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(content.encode() if isinstance(content, str) else content)


def structure(kind, *strings):
    """Of SMBIOS: a formatted area of five bytes, and the strings."""
    return bytes([kind, 5, 0, 1, len(strings)]) + (b"".join(text + b"\0" for text in strings) or b"\0") + b"\0"


def dmi(*oem_strings):
    return structure(1, b"maker", b"product") + structure(11, *oem_strings) + structure(127)


def as_text(lines):
    return b"io.systemd.credential:pcipath.aliases=" + lines.encode()


def as_base64(lines):
    return b"io.systemd.credential.binary:pcipath.aliases=" + base64.b64encode(lines.encode())
