# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that libvirt starts. libvirt chooses the addresses, and plugs in and out."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

from libvirtd import Libvirtd, Refused
from machine import CMDLINE, Machine


class _Emulator:
    """The process of a domain's QEMU, as far as Machine needs it."""

    def __init__(self, domain: Domain, pid: int):
        self.pid = pid
        self._domain = domain

    def kill(self) -> None:
        # A QEMU that has ended cannot be destroyed.
        self._domain.libvirtd.batch([f"destroy {self._domain.name}", f"undefine {self._domain.name}"])

    def wait(self) -> None:
        pass


class Domain(Machine):
    def __init__(self, *arguments: Any, libvirtd: Libvirtd, elements: str, **options: Any):
        """`elements` are those of <devices>. {NAME} in them is the file of add_drive(NAME), {root} that of the root disk after keep_root()."""
        super().__init__(*arguments, **options)
        self.libvirtd, self.elements = libvirtd, elements
        self.name = f"{self.directory.parent.name}-{self.directory.name}"

    def _launch(self, cmdline: str) -> socket.socket:
        text = self.directory / "domain.xml"
        text.write_text(self._text(cmdline))
        self.libvirtd.virsh("define", text)
        self.prepare()
        try:
            self.libvirtd.virsh("start", "--paused", self.name)
        except Refused:
            self.libvirtd.virsh("undefine", self.name)
            raise
        monitor, self._agent = (_connect(self.directory / name) for name in ("own", "agent"))
        # libvirtd runs in a namespace with process ids of its own; the socket tells QEMU's in ours.
        pid, _, _ = struct.unpack("iII", monitor.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self._process = _Emulator(self, pid)
        return monitor

    def prepare(self) -> None:
        """What a test does to the domain before it starts."""

    def add_drive(self, name: str, size: int | None = None) -> Path:
        """A new empty file for a disk."""
        return self._make_drive(name, size)

    @property
    def drive_of(self) -> dict[str, str]:
        """The drive of each disk, by the id that libvirt has given its device."""
        names = {str(path): name for name, path in {"root": self.root, **self._drives}.items()}
        blocks = [block for block in self.qmp.execute("query-block") if "inserted" in block]
        return {block["qdev"].removesuffix("/virtio-backend").rpartition("/")[2]: names[block["inserted"]["image"]["filename"]]
                for block in blocks}

    def disks(self) -> dict[str, str]:
        """Kernel names of whole disks by the id of their device."""
        kernel = super().disks()
        return {device: kernel[drive] for device, drive in self.drive_of.items()}

    def live(self) -> str:
        """The XML of the domain as it is now."""
        return self.libvirtd.virsh("dumpxml", self.name)

    def attach(self, element: str) -> None:
        self.libvirtd.virsh("attach-device", self.name, "/dev/stdin", "--live", stdin=element)

    def detach(self, alias: str) -> None:
        """Have the guest give a device up, and wait until libvirt knows that it did."""
        self.libvirtd.virsh("detach-device-alias", self.name, alias, "--live")
        self.qmp.wait_event("DEVICE_DELETED", device=alias)
        while f"<alias name='{alias}'/>" in self.live():
            pass

    def _text(self, cmdline: str) -> str:
        machine, _, _ = self.type.argument.partition(",")
        return f"""<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{self.name}</name>
  <memory unit='MiB'>{self.memory[:-1]}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='{self.type.architecture.machine}' machine='{machine}'>hvm</type>
    <kernel>{self.guest.kernel}</kernel><initrd>{self.initrd}</initrd>
    <cmdline>console={self.type.console} {CMDLINE} {cmdline}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact' check='none'><model>{self.type.cpu}</model></cpu>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-{self.type.architecture.family}</emulator>
    <serial type='file'><source path='{self.log}' append='on'/></serial>
    <channel type='unix'><source mode='bind' path='{self.directory}/agent'/><target type='virtio' name='pcipath.agent'/></channel>
    {'' if '<memballoon' in self.elements else "<memballoon model='none'/>"}
    {self.elements.format(root=self.root, **self._drives)}
  </devices>
  <qemu:commandline>
    <qemu:arg value='-qmp'/><qemu:arg value='unix:{self.directory}/own,server=on,wait=off'/>
    <qemu:arg value='-qmp'/><qemu:arg value='unix:{self.monitor},server=on,wait=off'/>
  </qemu:commandline>
</domain>
"""


def _connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection
