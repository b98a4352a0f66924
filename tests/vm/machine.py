# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine: QEMU with a topology, driven over QMP from outside and through an agent from inside.

A topology is a list of `-device` dicts, as QEMU's JSON syntax has them. Each disk is a file of the machine's own directory,
under the name that its device uses as `drive`; disk() gives the device that name as serial too, so that the guest can say
which disk is which. The drive "root" is the guest's root file system, or another that a test has put into `root` before the
start: what is written to it is thrown away.

Nothing here sleeps: the monitor and the agent are sockets that QEMU inherits, so a QEMU that ends is seen at once (the kernel is
told to reboot on a panic, and QEMU to exit instead), and the guest is waited for by who makes its links.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from architecture import AMD64, ARM64, LOONG64, PPC64EL, RISCV64, S390X, Architecture
from guest import Guest
from manager import MANAGERS, Udevd
from progress import Progress, Stream, wait_end
from qmp import QMP, QMPError
from release import HOST

Device = dict[str, Any]


@dataclass(frozen=True)
class MachineType:
    """What depends on the type of machine. The bus of a device is never left out: QEMU would put the device on an expander
    where there is one."""

    argument: str  # QEMU's
    root_bus: str
    cpu: str = "qemu64"
    console: str = "ttyS0"  # the kernel's name for it
    architecture: Architecture = AMD64
    options: tuple[str, ...] = ()
    has_channels: bool = False  # beside PCI: the agent's device is there
    qemu: str = HOST  # the release of Debian whose QEMU has it


# Options of QEMU: one processor, and a clock of two nanoseconds for each of its instructions. Times do not depend on other load then.
INSTRUCTION_CLOCK = ("-icount", "shift=1")

# What no test needs and a guest would load drivers for is left out.
MACHINES = {
    "q35": MachineType("q35,smbus=off,i8042=off,sata=off", "pcie.0"),
    "pc": MachineType("pc,i8042=off", "pci.0"),
    # Without firmware the kernel learns of the machine from a device tree; expanders are in ACPI's tables alone.
    "virt": MachineType("virt,acpi=off", "pcie.0", "cortex-a57", "ttyAMA0", ARM64),
    "virt-acpi": MachineType("virt", "pcie.0", "cortex-a57", "ttyAMA0", ARM64,
                             ("-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")),
    "pseries": MachineType("pseries", "pci.0", "power9", "hvc0", PPC64EL),
    "s390": MachineType("s390-ccw-virtio", "pci.0", "max", "ttysclp0", S390X, has_channels=True, qemu="trixie"),
    "riscv": MachineType("virt", "pcie.0", "rv64", "ttyS0", RISCV64, qemu="trixie"),
    # Debian's kernel does not read PCI from a device tree (CONFIG_PCI_HOST_GENERIC).
    "loong": MachineType("virt", "pcie.0", "la464", "ttyS0", LOONG64, ("-bios", "/usr/share/qemu-efi-loongarch64/QEMU_EFI.fd"), qemu="forky"),
}

# A failed boot powers off instead of waiting at a prompt. Timeouts are long, because the guest's clock runs on while a busy host gives
# it no CPU time; timeouts.conf has systemd's. A test that expects a timeout sets its own, which comes later and wins.
# No timer is found broken because the emulator got no time: no_timer_check for check_timer(), which panics, and tsc=reliable for the
# watchdog of clocks, which would take a slow clock instead. The rest leaves out parts of a boot that no test looks at, and all of the
# kernel's messages but warnings.
CMDLINE = ("panic=-1 rd.shell=0 rd.emergency=poweroff rd.retry=3600 udev.event_timeout=3600 rw systemd.show_status=auto no_timer_check tsc=reliable loglevel=5 "
           "8250.nr_uarts=1 mitigations=off nokaslr lsm=capability audit=0 cryptomgr.notests")


# What the report of a failed comparison has of the guest: what was said, the links, and what udev knows; the logs of a test's own.
STATE = """
journalctl -b -o short-monotonic --no-pager -n 150
ls -l --time-style=full-iso /dev/disk/by-pci-path /sys/class/block
cat /proc/uptime /run/links-*
udevadm info /sys/class/block/*
"""


class MachineError(Exception):
    """The machine did not do what it was asked; the text ends with the tail of the guest's serial log."""


@dataclass(frozen=True)
class Result:
    """What a command did in the guest. Bytes that are no UTF-8 are kept as surrogates."""

    status: int
    stdout: str
    stderr: str


def disk(driver: str, name: str, **properties: Any) -> Device:
    """A disk device on the drive of its own name. Properties whose names have a dash: `**{"scsi-id": 1}`."""
    serial = {} if driver == "nvme-ns" else {"serial": name}
    return {"driver": driver, "id": name, "drive": name, **serial, **properties}


def virtio(name: str, bus: str, **properties: Any) -> Device:
    """A virtio-blk disk."""
    return disk("virtio-blk-pci", name, bus=bus, **properties)


def card(name: str, bus: str, driver: str = "virtio-net-pci", **properties: Any) -> Device:
    """A network card that no one is at the other end of. QEMU gives it a MAC address, which no other has."""
    return {"driver": driver, "id": name, "bus": bus, "romfile": "", **properties}


def with_uid(uid: int, device: Device) -> list[Device]:
    """On s390: a device, and the one before it that gives it a uid."""
    return [{"driver": "zpci", "uid": uid, "target": device["id"]}, device]


def root_ports(number: int) -> list[Device]:
    """The functions of slot 2 on q35's root bus and of those behind it, as libvirt has them: port0, port1, …"""
    return [{"driver": "pcie-root-port", "id": f"port{n}", "bus": "pcie.0", "addr": f"{2 + n // 8:x}.{n % 8}", "chassis": 1 + n,
             "multifunction": n % 8 == 0} for n in range(number)]


class Machine:
    def __init__(self, guest: Guest, directory: Path, topology: Sequence[Device], *, kind: str = "systemd",
                 machine: str = "q35", memory: str = "512M", options: Sequence[str] = (), emulator: Sequence[str] = (),
                 agent: str = ""):
        """`directory` must exist and be the machine's own; `options` are further arguments of QEMU, such as `-global`;
        `emulator` is what goes before its command; `agent` is the topology's virtio-serial device that gets the agent's port: without it
        there is one more."""
        self.guest, self.directory, self.topology = guest, directory, list(topology)
        self.buses = {device["id"]: device["bus"] for device in topology if "bus" in device}
        self.kind, self.memory, self.options, self.emulator = kind, memory, list(options), list(emulator)
        self.agent = agent
        self.initrd = guest.initrd(kind)
        self.manager = MANAGERS.get(kind, Udevd)
        self.type = MACHINES[machine]
        self.log = directory / "serial.log"
        self.monitor = directory / "qmp"  # a second one, for pcipath-host
        self._drives: dict[str, Path] = {}
        self.root = guest.root
        self._root_drive = ""  # its -drive, if it is no raw image
        self.state = ""  # of the guest, when a comparison failed
        self._process: subprocess.Popen[bytes] | None = None
        self._channels = contextlib.ExitStack()
        self._requests = 0

    # Life

    def boot(self, cmdline: str) -> None:
        """Start and run until the agent answers."""
        self.start(cmdline)
        self.resume()
        self.wait_agent()

    def start(self, cmdline: str = "") -> None:
        """Start QEMU without running the guest yet, in place of one that was started before. QOM can be asked at once."""
        self.stop()
        self.log.write_bytes(b"")
        monitor = self._launch(cmdline)
        self._replies = io.BufferedReader(Stream(self._agent, self._process.pid))
        for channel in (monitor, self._agent, self._replies):
            self._channels.enter_context(contextlib.closing(channel))
        with self._explained("start"):
            self.qmp = QMP(monitor, self._process.pid)
            self._channels.enter_context(contextlib.closing(self.qmp))

    def _launch(self, cmdline: str) -> socket.socket:
        """Start the process of QEMU and connect to the agent. Returns the monitor."""
        monitor, its_monitor = socket.socketpair()
        self._agent, its_agent = socket.socketpair()
        with its_monitor, its_agent, self.log.open("ab") as log:  # QEMU itself appends to it, too
            # If this process dies, so must QEMU, whatever kills it.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command(its_monitor.fileno(), its_agent.fileno(), cmdline)],
                pass_fds=(its_monitor.fileno(), its_agent.fileno()), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        return monitor

    def resume(self) -> None:
        """Let the guest run."""
        self.qmp.execute("cont")

    def wait_agent(self) -> None:
        with self._explained("wait for the agent"):
            self._requests = 0
            self._receive("0")

    def wait_console(self, text: str, count: int = 1) -> str:
        """Wait until the guest's console has said it, so many times. Returns all that it had said when it had.

        For a guest whose agent does not run, or does not yet.
        """
        with self._explained(f"wait for {text!r}"), contextlib.ExitStack() as stack:
            tail = stack.enter_context(subprocess.Popen(["tail", "-c", "+1", "-f", self.log], stdout=subprocess.PIPE, bufsize=0))
            stack.callback(tail.kill)
            end = os.pidfd_open(self._process.pid)
            stack.callback(os.close, end)
            progress = Progress(self._process.pid)
            ready = [tail.stdout]
            # It passes on what was there before it, too: so each look is followed by one at what came after it.
            while (said := self.log.read_text(errors="replace")).count(text) < count:
                if end in ready:
                    raise EOFError("QEMU has ended")
                ready = progress.wait(tail.stdout, end)
                if tail.stdout in ready:
                    tail.stdout.read(65536)
        return said

    def partition_root(self) -> None:
        """Before the start: make the root file system the second partition of its drive.

        VMware's format takes a file for each part of a disk, so nothing is copied.
        """
        start, size = 4096, self.root.stat().st_size // 512
        table = self.directory / "table.img"
        with table.open("wb") as file:
            file.truncate((start + size) * 512)
        subprocess.run(["sfdisk", "-q", table], input=f"start=2048,size=2048\nstart={start},size={size}\n", text=True, check=True)
        with table.open("r+b") as file:
            file.truncate(start * 512)
        descriptor = self.directory / "root.vmdk"
        descriptor.write_text(
            '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n'
            f'RW {start} FLAT "{table}" 0\nRW {size} FLAT "{self.root}" 0\n'
            'ddb.virtualHWVersion = "4"\nddb.adapterType = "ide"\n')
        self._root_drive = f"snapshot=on,format=vmdk,file={descriptor}"

    def keep_root(self, own: Path | None = None) -> None:
        """Before the start: what is written to the root file system is there at the next start. It is a copy, and the machine's own; or
        another image."""
        if not own:
            own = self.directory / "root.img"
            subprocess.run(["cp", "--sparse=always", self.root, own], check=True)
        self.root = own
        self._root_drive = f"format=raw,file={own}"

    def stop(self) -> None:
        """End QEMU, as if the power were cut. No error if there is none."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._channels.close()

    def shutdown(self) -> None:
        """Have the guest power off, and wait until it did."""
        if self._process:
            with self._explained("shut down"):
                self._send("systemctl --no-block poweroff")  # the agent may be gone before it could answer
                wait_end(self._process.pid)
        self.stop()

    # Inside

    def call(self, command: str) -> Result:
        """Run a shell command in the guest."""
        with self._explained(f"run {command!r}"):
            return self._receive(self._send(command))

    def run(self, command: str) -> str:
        """The standard output of a shell command that must succeed."""
        result = self.call(command)
        if result.status:
            raise self._error(f"{command!r} gave {result.status}: {result.stderr}{result.stdout}")
        return result.stdout

    def settle(self) -> None:
        """Wait until every event that the kernel has sent has been acted on."""
        self.run(self.manager.settle)

    def wait(self, node: str, *, gone: bool = False) -> None:
        """Wait until a node or link below /dev is there, or gone, and the guest has settled."""
        self.run(self.manager.wait(node, gone))

    def trigger(self, action: str, *subsystems: str) -> None:
        """Have every device's event sent once more, or those of some subsystems, and wait until that has been acted on."""
        self.run(self.manager.trigger(action, subsystems))
        self.settle()

    @property
    def has_udevd(self) -> bool:
        return issubclass(self.manager, Udevd)

    def disks(self) -> dict[str, str]:
        """Kernel names of whole disks by drive. They are told by their size, which each kind of disk has."""
        sizes = self.drive_sizes()
        rows = (row.split() for row in self.run("lsblk --nodeps --noheadings --bytes --output NAME,SIZE").splitlines())
        return {sizes[int(size)]: name for name, size in rows if int(size) in sizes}

    # Outside

    def drive_sizes(self) -> dict[int, str]:
        """The names of the drives by their sizes in bytes."""
        return {path.stat().st_size: name for name, path in {"root": self.root, **self._drives}.items()}

    def add_drive(self, name: str, size: int | None = None) -> Path:
        """A new empty drive, before the start or after it. Returns its file.

        `size` is in bytes; without it the drive has 64 MiB and a size that no other has.
        """
        path = self._make_drive(name, size)
        if self._process:
            with self._explained(f"add the drive {name}"):
                self.qmp.execute("blockdev-add", **_blockdev(name, path))
        return path

    def _make_drive(self, name: str, size: int | None) -> Path:
        size = size or (64 + len(self._drives)) << 20
        self._drives[name] = path = self.directory / f"{name}.img"
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def add_drives(self) -> None:
        """A new empty drive for each device of the topology that has one, but for the root disk's."""
        for device in self.topology:
            if device.get("drive", "root") != "root":
                self.add_drive(device["drive"])

    def plug(self, device: Device) -> None:
        """Add a device. The guest will find it: wait() for what it makes of it."""
        with self._explained(f"plug {device}"):
            self.qmp.execute("device_add", **device)
        if "bus" in device:
            self.buses[device["id"]] = device["bus"]

    def unplug(self, device_id: str) -> None:
        """Ask the guest to give the device up, and wait until it did."""
        with self._explained(f"unplug {device_id}"):
            self.qmp.execute("device_del", id=device_id)
            self.qmp.wait_event("DEVICE_DELETED", device=device_id)

    def command(self, monitor: int, agent: int, cmdline: str) -> list[str]:
        """QEMU's command line; `monitor` and `agent` are file descriptors of sockets."""
        # A high slot, out of the way of any topology.
        on_pci = {"driver": "virtio-serial-pci", "bus": self.type.root_bus, "addr": "1e.0"}
        own: Device = {"id": "serial", **({"driver": "virtio-serial-ccw"} if self.type.has_channels else on_pci)}
        port: Device = {"driver": "virtserialport", "id": "agent", "bus": f"{self.agent or 'serial'}.0", "chardev": "agent",
                        "name": "pcipath.agent"}
        devices = [*self.topology, port] if self.agent else [own, port, *self.topology]
        # 128 MiB of translated code is what a boot uses: a boot takes a third longer with QEMU's default of 1 GiB.
        return [*self.emulator, f"qemu-system-{self.type.architecture.family}", "-accel", "tcg,tb-size=128",
                "-machine", self.type.argument, "-cpu", self.type.cpu, *self.type.options,
                "-m", self.memory, "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot", "-S",
                "-chardev", f"file,id=console,append=on,path={self.log}", "-serial", "chardev:console",
                "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
                "-chardev", f"socket,id=host,path={self.monitor},server=on,wait=off", "-mon", "chardev=host,mode=control",
                "-chardev", f"socket,id=agent,fd={agent}",
                "-kernel", str(self.guest.kernel), "-initrd", str(self.initrd),
                "-append", f"console={self.type.console} {CMDLINE} {cmdline}",
                "-drive", f"if=none,id=root,{self._root_drive or f'snapshot=on,format=raw,file={self.root}'}",
                *(arg for item in self._drives.items() for arg in ("-blockdev", json.dumps(_blockdev(*item)))),
                *(arg for device in devices for arg in ("-device", json.dumps(device))),
                *self.options]

    # Failure

    @property
    def running(self) -> bool:
        return self._process is not None

    def tail(self, size: int = 6000) -> str:
        """The end of what QEMU and the guest's console said, `size` bytes at most."""
        return self.log.read_bytes()[-size:].decode(errors="replace") if self.log.exists() else ""

    def keep_state(self) -> None:
        """For the report of a failed comparison, before the machine is stopped."""
        with contextlib.suppress(MachineError):
            self.state = self.call(f"{{ {STATE} }} 2>&1").stdout

    def _error(self, text: str) -> MachineError:
        return MachineError(f"{text}\n--- end of {self.log} ---\n{self.tail()}")

    @contextlib.contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, QMPError) as error:
            raise self._error(f"cannot {what}: {error!r}") from error

    def _send(self, command: str) -> str:
        """Give the agent a command; the id of the request. The protocol is that of agent.sh."""
        self._requests += 1
        lines = command.split("\n")
        text = "\n".join([f"{self._requests} {len(lines)}", *lines, ""])
        self._agent.sendall(text.encode(errors="surrogateescape"))
        return str(self._requests)

    def _receive(self, wanted: str) -> Result:
        header = self._replies.readline().decode().split()
        if not header:
            raise EOFError("QEMU has ended")
        request, status, out, err = header
        if request != wanted:
            raise OSError(f"the agent answers request {request}, not {wanted}: it was started again")
        return Result(int(status), *(self._replies.read(int(n)).decode(errors="surrogateescape") for n in (out, err)))


def _blockdev(name: str, path: Path) -> dict[str, Any]:
    return {"driver": "raw", "node-name": name, "cache": {"no-flush": True},
            "file": {"driver": "file", "filename": str(path), "discard": "unmap"}}

