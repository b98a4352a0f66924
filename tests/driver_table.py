# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of drivers for an initramfs, read by other means than the package's."""

from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "initramfs/drivers"
KINDS = ("bus", "disk", "net", "netboot", "virtiofs", "9p")
ALWAYS = KINDS[:3]  # in every image
MACHINES = {"virtio", "kvm", "vmware", "virtualbox", "hyper-v", "xen", "pseries", "ec2", "gce", "azure", "all"}


@dataclass(frozen=True)
class Row:
    module: str
    kind: str
    architectures: str
    machines: tuple[str, ...]

    def is_for(self, machine: str) -> bool:
        """`machine` is as uname -m prints it."""
        if self.architectures.startswith("!"):
            return machine != self.architectures[1:]
        return self.architectures == "all" or machine in self.architectures.split(",")


def rows() -> list[Row]:
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return [Row(module, kind, architectures, tuple(machines.split(","))) for module, kind, architectures, machines in lines]
