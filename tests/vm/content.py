# SPDX-License-Identifier: LGPL-2.1-or-later
"""What drives of the tests contain, and the links that a guest makes of it."""

from __future__ import annotations

import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Content:
    """What is on a drive: a table of two partitions, and a file system on the first."""
    number: int

    def id(self, what: int | str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.number} {what}"))

    def write(self, path: Path) -> None:
        table = (f"label: gpt\nlabel-id: {self.id('table')}\n"
                 f"start=2048, size=16384, uuid={self.id(1)}, name=\"first of {self.number}\"\n"
                 f"start=32768, size=2048, uuid={self.id(2)}, name=second{self.number}\n")
        subprocess.run(["sfdisk", "-q", path], input=table, text=True, check=True)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-U", self.id("fs"), "-L", f"label/{self.number}",
                        "-E", f"offset={2048 * 512}", path, "8M"], check=True)

    @property
    def links(self) -> dict[str, int]:
        """By directory and name, the number of the partition."""
        return {f"by-uuid/{self.id('fs')}": 1, f"by-label/label\\x2f{self.number}": 1, f"by-partuuid/{self.id(1)}": 1,
                f"by-partuuid/{self.id(2)}": 2, f"by-partlabel/first\\x20of\\x20{self.number}": 1,
                f"by-partlabel/second{self.number}": 2}


def partition_node(disk: str, number: int) -> str:
    """The kernel's name of a partition."""
    return f"{disk}{'p' if disk[-1].isdigit() else ''}{number}"
