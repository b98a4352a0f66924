# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a test waits for a QEMU: as long as its guest makes progress.

On a busy machine a guest is slow, and the clock alone cannot tell that from a guest that hangs. So the bounds count the CPU
time that QEMU consumes, and the CPU time that it asked for.
"""

from __future__ import annotations

import io
import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# CPU seconds for one answer: the guest is busy with something else. A boot takes about ten.
CPU_BOUND = 300.0
# Seconds in which QEMU asked for less than this share of a processor, and none of its threads waits for one: the guest sleeps and nothing
# will wake it.
IDLE_BOUND, IDLE_SHARE = 240.0, 0.05
# Seconds, whatever the guest does. Commands in the guest have this bound: their clock goes on while the guest gets no CPU time.
BOUND = 3600.0

_TICK = 5.0  # seconds from one look at QEMU to the next


class Progress:
    """The bounds of one wait, which begins now, for the process of a QEMU."""

    def __init__(self, pid: int):
        self._pid = pid
        self._begin, self._cpu = time.monotonic(), self._usage()[0]
        self._idle_since, self._asked = self._begin, self._usage()[1]

    def wait(self, *files: Any) -> list[Any]:
        """Those of the files that can be read, as soon as there is one. Raises TimeoutError."""
        while not (ready := select.select(files, [], [], _TICK)[0]):
            self._check()
        return ready

    def _check(self) -> None:
        now, (cpu, asked) = time.monotonic(), self._usage()
        if cpu - self._cpu > CPU_BOUND:
            raise TimeoutError(f"QEMU has consumed {CPU_BOUND:.0f} CPU seconds")
        if now - self._begin > BOUND:
            raise TimeoutError(f"{BOUND:.0f} seconds are over")
        if now - self._idle_since > IDLE_BOUND and not self._is_runnable():
            if asked - self._asked < IDLE_SHARE * (now - self._idle_since):
                raise TimeoutError(f"QEMU has been idle for {now - self._idle_since:.0f} seconds")
            self._idle_since, self._asked = now, asked

    def _is_runnable(self) -> bool:
        """A thread of QEMU waits for a processor, or has one. The kernel adds the time of a wait when it is over."""
        return any(_read(thread).rpartition(")")[2].split()[:1] == ["R"] for thread in self._threads("stat"))

    def _threads(self, file: str) -> Iterator[Path]:
        return Path(f"/proc/{self._pid}/task").glob(f"*/{file}")

    def _usage(self) -> tuple[float, float]:
        """The CPU seconds that QEMU has consumed, and those with the time that its threads have waited for a processor."""
        numbers = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        consumed = sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK")  # user and system
        waited = sum(int((_read(thread) or "0 0").split()[1]) for thread in self._threads("schedstat"))
        return consumed, consumed + waited / 1e9


def _read(file: Path) -> str:
    """Nothing if the thread has ended."""
    try:
        return file.read_text()
    except OSError:
        return ""


class Stream(io.RawIOBase):
    """What a QEMU sends to a socket. Reading raises TimeoutError as Progress has it."""

    def __init__(self, connection: socket.socket, pid: int):
        self._connection, self._pid = connection, pid

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        Progress(self._pid).wait(self._connection)
        return self._connection.recv_into(buffer)


def wait_end(pid: int) -> None:
    """Wait until a QEMU has ended."""
    end = os.pidfd_open(pid)
    try:
        Progress(pid).wait(end)
    finally:
        os.close(end)
