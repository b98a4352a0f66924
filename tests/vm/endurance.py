# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest of `tests/soak`: rounds in which its host plugs and unplugs, something is disturbed, and everything is compared."""

from __future__ import annotations

import contextlib
import math
import random
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from disturbance import FUNCTIONS, RESTART_FOLLOWER, Disturbance, disturbances
from machine import Machine
from manager import Beside, restart_monitor
from plugging import Host
from settled import STATE, Names, State, differences, wait_command

# By name: the kind of the guest's image, and the arguments of its monitor.
KINDS = {"udevd": ("direct", None), "minimal": ("minimal", ""), "beside": ("direct", "--beside-udev")}
# iommu=pt: when the last file on an NVMe disk is closed after the disk was unplugged, Linux 6.1 frees its doorbells (nvme_dbbuf_dma_free())
# through an IOMMU that does not know it any more, which kills the process.
CMDLINE = "root=LABEL=root intel_iommu=on iommu=pt usb-storage.delay_use=0"
WAIT = 300  # seconds of the guest for one settled moment
LEFT_ALONE = 0.5  # of a run: nothing is restarted from then on
FIRST_FIGURES = LEFT_ALONE + (1 - LEFT_ALONE) / 4
# KB of its own that a process may have more at the end. udevd keeps the memory of its longest queue.
GROWTH = {"udevd": 1000, "monitor": 400, "cdi": 400}
# And descriptors. udevd has one more or less from one time to the next.
SPARE = {"udevd": 1, "monitor": 0, "cdi": 0}

# udevd's workers end when they had nothing to do for some seconds; it has descriptors for each.
FIGURES = """
for name in udevd monitor cdi; do
    if [ $name = udevd ]; then
        pid=$(systemctl show --property=MainPID --value systemd-udevd.service 2>/dev/null) && [ "$pid" ] || continue
        while [ "$(cat /proc/$pid/task/*/children)" ]; do :; done
    else
        [ -e /run/$name.pid ] && read -r pid </run/$name.pid || continue
    fi
    while read -r key value _; do case $key in RssAnon:) own=$value ;; VmRSS:) resident=$value ;; esac; done </proc/$pid/status
    echo $name $pid $own $resident $(for fd in /proc/$pid/fd/*; do readlink $fd; done)
done
"""
# Errors of pcipath: a device that goes while it is looked at is none. The kernel names the process that runs when a guest gets no CPU
# time for long, "Comm: pcipath Not tainted".
MESSAGES = """
cat /run/monitor.err /run/cdi.err 2>/dev/null
! command -v journalctl >/dev/null || journalctl -b -q -o cat -p warning | grep 'pcipath[^ ]*:'
:
"""
# What the guest has said.
JOURNAL = """
for name in monitor cdi; do [ ! -s /run/$name.err ] || { echo "== $name"; tail -n 40 /run/$name.err; }; done
! command -v journalctl >/dev/null || journalctl -b -q -o short-monotonic -n 150 --no-pager
dmesg | tail -n 60
"""


class Mismatch(Exception):
    """The guest is not as the host says."""


@dataclass(frozen=True)
class Figures:
    pid: int
    own: int  # KB
    resident: int  # KB
    descriptors: tuple[str, ...]  # where each leads


@dataclass
class Result:
    kind: str
    rounds: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    disturbances: Counter[str] = field(default_factory=Counter)
    lost: int = 0  # events
    first: dict[str, Figures] = field(default_factory=dict)
    last: dict[str, Figures] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""

    @property
    def cycles(self) -> int:
        return sum(self.changes.values())

    def grown(self) -> list[str]:
        """The processes that are not flat."""
        return [name for name, last in self.last.items() if name in self.first and (
            last.pid != self.first[name].pid or last.own > self.first[name].own + GROWTH[name] or len(last.descriptors) > len(self.first[name].descriptors) + SPARE[name])]

    def opened(self) -> Iterator[str]:
        """A line for each process whose descriptors are others than they were."""
        for name in self.first.keys() & self.last.keys():
            before, after = (Counter(figures[name].descriptors) for figures in (self.first, self.last))
            if before != after:
                yield f"{self.kind}: {name}: opened {sorted((after - before).elements())}, closed {sorted((before - after).elements())}"


class Turns:
    """How many guests can run at a time. `report` is called after each round."""

    def __init__(self, number: int, report: Callable[[Result], None] = lambda result: None):
        self._running = threading.BoundedSemaphore(number)
        self.report = report
        self.ended = False

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        with self._running:
            yield


class Soak:
    def __init__(self, machine: Machine, kind: str, seed: int):
        """The machine has not been started."""
        self.machine, self.kind, self.seed = machine, kind, seed
        _, self.monitor = KINDS[kind]
        if kind == "beside":
            machine.manager = Beside
        self.host = Host(machine, f"{seed} {kind}", machine.has_udevd)
        self.random = random.Random(f"{seed} {kind} disturbances")
        self.disturbances = disturbances(machine.has_udevd, self.monitor)
        self.result = Result(kind)
        self.result.changes = self.host.changes
        self.drops: dict[str, int] = {}  # by process
        self.disturbance = ""

    def boot(self) -> None:
        self.machine.boot(CMDLINE)
        self.machine.run(f"modprobe vfio-pci; cat >/run/soak <<'END'\n{FUNCTIONS}\nEND")
        self.host.begin()
        self.restart()
        names = Names(State(self.machine.run(STATE)), self.host)
        self.own = set(names.paths.values()) - self.host.functions()
        self.check()

    def restart(self) -> None:
        """The processes that a disturbance may have restarted with a small buffer."""
        monitor = restart_monitor(self.monitor) if self.monitor is not None else ""
        self.machine.run(f". /run/soak\n{monitor}\n{RESTART_FOLLOWER}")

    def round(self, progress: float) -> None:
        """`progress`: from 0 at the start of the run to 1."""
        host, machine = self.host, self.machine
        host.said.clear()
        disturbance = self.choose(progress)
        if disturbance.before:
            self.command(disturbance.before)
        going = host.change()
        if disturbance.meanwhile:
            self.command(disturbance.meanwhile)
        host.finish(going)
        command = "\n".join(filter(None, (host.change_drivers(self.addresses, going), disturbance.after)))
        if command:
            self.command(command)
        self.check()
        self.result.rounds += 1

    def choose(self, progress: float) -> Disturbance:
        names = [name for name, disturbance in self.disturbances.items() if progress < LEFT_ALONE or not disturbance.restarts]
        self.disturbance = self.random.choice(names) if self.random.random() < 0.4 else ""
        if not self.disturbance:
            return Disturbance()
        self.result.disturbances[self.disturbance] += 1
        return self.disturbances[self.disturbance]

    def command(self, command: str) -> None:
        for line in self.machine.run(f". /run/soak\n{command}\n:").splitlines():
            _, pid, drops = line.split()
            self.result.lost += int(drops) - self.drops.get(pid, 0)
            self.drops[pid] = int(drops)

    def check(self) -> None:
        """Wait until the guest is settled, and compare."""
        settle = f"{self.machine.manager.settle}; followed"
        text = self.machine.run(f". /run/soak\n{wait_command(self.host, self.own, settle, WAIT)}\n{STATE}")
        try:
            state = State(text)
            found = differences(state, self.host, self.own)
        except (AssertionError, ValueError, KeyError) as error:
            state, found = None, [f"the state cannot be read: {error!r}"]
        if found:
            raise Mismatch(self.explain(found, text))
        self.addresses = Names(state, self.host).addresses

    def explain(self, found: list[str], text: str) -> str:
        said = []
        for command in (FIGURES, JOURNAL):
            with contextlib.suppress(Exception):
                said.append(self.machine.run(command))
        return "\n".join([
            f"guest {self.kind}, seed {self.seed}, round {self.result.rounds + 1}, disturbance: {self.disturbance or 'none'}",
            *(f"  {line}" for line in self.host.said), "differences:", *(f"  {line}" for line in found),
            "guest:", *said, text])

    def warm_up(self) -> None:
        """Have each process need as much memory at a time as it will ever need: udevd for a queue of all events of a storm."""
        storm, stopped = (self.disturbances.get(name, Disturbance()) for name in ("trigger storm", "queue stopped"))
        self.command("\n".join(filter(None, (stopped.before, storm.meanwhile, stopped.after))))
        self.check()

    def figures(self) -> dict[str, Figures]:
        rows = (line.split() for line in self.machine.run(FIGURES).splitlines())
        return {name: Figures(int(pid), int(own), int(resident), tuple(re.sub(r"\[[0-9]+\]", "", target) for target in targets))
                for name, pid, own, resident, *targets in rows}

    def run(self, cycles: float, seconds: float = math.inf, turns: Turns | None = None) -> Result:
        """Rounds until there were so many cycles, or so many seconds are over. A failure is the result's, too."""
        turns = turns or Turns(1)
        result, began, left_alone = self.result, time.monotonic(), False
        try:
            with turns.take():
                self.boot()
            while (progress := max(result.cycles / cycles, (time.monotonic() - began) / seconds)) < 1 and not turns.ended:
                with turns.take():
                    if progress >= LEFT_ALONE and not left_alone:
                        self.restart()
                        left_alone = True
                    if progress >= FIRST_FIGURES and not result.first:
                        self.warm_up()
                        result.first = self.figures()
                    self.round(progress)
                    turns.report(result)
                result.seconds = time.monotonic() - began
            with turns.take():
                result.last = self.figures()
                if messages := self.machine.run(MESSAGES):
                    raise Mismatch(self.explain(["messages of pcipath:", *messages.splitlines()], ""))
        except Mismatch as error:
            result.error = str(error)
        except Exception:  # a guest or a QEMU that hangs, ends, or refuses
            result.error = self.explain(traceback.format_exc().splitlines(), "")
        return result
