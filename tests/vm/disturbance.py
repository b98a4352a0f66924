# SPDX-License-Identifier: LGPL-2.1-or-later
"""What disturbs udevd, `pcipath monitor` and `pcipath cdi --follow` while devices come and go. Commands for the guest's shell."""

from __future__ import annotations

from dataclasses import dataclass

from manager import PPOLL, STOP, Udevd, restart_monitor

# A killed process holds its lock until it has ended. Nobody may have waited for it yet.
FUNCTIONS = f"""
end() {{
    kill -9 $1
    while read -r _ _ state _ </proc/$1/stat && [ $state != Z ]; do :; done 2>/dev/null
}}
# The follower has acted on every event when it sleeps without a timeout.
followed() {{
    read -r cdi </run/cdi.pid
    until read -r call _ _ timeout _ </proc/$cdi/syscall && [ "$call $timeout" = "{PPOLL} 0x0" ]; do [ -d /proc/$cdi ] || return; done
}}
# How many events a process's socket had no room for.
lost() {{
    while read -r _ protocol pid _ _ _ _ _ drops _; do [ "$protocol $pid" != "15 $1" ] || echo "lost $pid $drops"; done </proc/net/netlink
}}
"""

RESTART_FOLLOWER = """[ ! -e /run/cdi.pid ] || end $(cat /run/cdi.pid)
(pcipath cdi --follow 2>>/run/cdi.err & echo $! >/run/cdi.pid) >/dev/null </dev/null
followed"""

# All but some megabytes are in use. The process would be the first to be killed, and may be before it has made the file.
PRESSURE = r"""rm -f /run/full
(perl -e 'open O, ">/proc/self/oom_score_adj"; print O 1000; close O; open F, "/proc/meminfo"; ($kb) = map { /^MemAvailable: *(\d+)/ } <F>;
$x = ""; vec($x, ($kb - 40960) * 1024, 8) = 1 if $kb > 40960; open R, ">/run/full"; sleep' &
echo $! >/run/pressure.pid; wait; : >/run/full) >/dev/null 2>&1 </dev/null &
until [ -e /run/full ]; do :; done"""


@dataclass(frozen=True)
class Disturbance:
    """Commands before devices change, while they do, and before anything is compared."""

    before: str = ""
    meanwhile: str = ""
    after: str = ""
    restarts: bool = False  # a process whose memory is measured


def _noise(number: int) -> str:
    return f"for i in $(seq {number}); do echo change >/sys/class/mem/null/uevent; done"


def _small_buffer(restart: str, pid: str) -> Disturbance:
    return Disturbance(f"read -r size </proc/sys/net/core/rmem_default; echo 2304 >/proc/sys/net/core/rmem_default\n{restart}\n"
                       "echo $size >/proc/sys/net/core/rmem_default", _noise(30), f"lost {pid}", restarts=True)


def _asleep(pid: str, settle: str = ":") -> Disturbance:
    """It sleeps while more events come than its socket holds."""
    return Disturbance(f"kill -STOP {pid}", _noise(400), f"{settle}; lost {pid}; kill -CONT {pid}")


UDEVD = {
    # Its sockets are systemd's: the first event starts it again.
    "udevd restarted": Disturbance("systemctl stop systemd-udevd.service 2>/dev/null", restarts=True),
    # udevd has lost the events that it had received: what came is told once more, and what went has left its links.
    "udevd killed": Disturbance("", f"pids=$(find /sys/fs/cgroup/system.slice/systemd-udevd.service -name cgroup.procs -exec cat {{}} +); {STOP}; "
                                "systemctl kill --signal=KILL systemd-udevd.service", "systemctl start systemd-udevd.service;"
                                f"udevadm trigger --action=add; {Udevd.settle}; pcipath prune >/dev/null", restarts=True),
    "queue stopped": Disturbance("udevadm control --stop-exec-queue", "", "udevadm control --start-exec-queue"),
    "trigger storm": Disturbance("", "for action in change add change; do udevadm trigger --action=$action; udevadm trigger --type=subsystems; done"),
    "daemon-reload": Disturbance("", "systemctl daemon-reload; udevadm control --reload"),
}


def disturbances(udevd: bool, monitor: str | None) -> dict[str, Disturbance]:
    """Those of a guest with udevd or without, and with the monitor or without; `monitor` has its arguments."""
    follower, known = "$(cat /run/cdi.pid)", {
        "follower, small buffer": _small_buffer(RESTART_FOLLOWER, "$(cat /run/cdi.pid)"),
        "memory pressure": Disturbance(PRESSURE, "", "kill $(cat /run/pressure.pid)"),
    }
    if udevd:
        known |= UDEVD | {"follower loses events": _asleep(follower, Udevd.settle)}
    else:
        known |= {"follower loses events": _asleep(follower), "trigger storm": Disturbance(
            "", "for action in change add; do for event in /sys/bus/*/devices/*/uevent /sys/class/*/*/uevent; do echo $action >$event; done; done 2>/dev/null")}
    if monitor is not None:
        ready, pid = restart_monitor(monitor), "$(cat /run/monitor.pid)"
        known |= {
            "monitor killed before": Disturbance(restart_monitor(monitor, ready=False), restarts=True),
            "monitor killed meanwhile": Disturbance("", restart_monitor(monitor, ready=False), restarts=True),
            "monitor killed after": Disturbance("", "", ready, restarts=True),
            "monitor, small buffer": _small_buffer(ready, pid),
            "monitor loses events": _asleep(pid),
        }
    return known
