# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who makes the links in a guest: udevd, or `pcipath monitor` where there is none. Commands for the guest's shell.

A settled guest has acted on every event that its kernel has sent. udevd says so itself. The monitor has one thread, and what the
kernel sends it is in its socket before whoever caused it goes on: it has acted on all of it when it sleeps in ppoll().
"""

from __future__ import annotations

import shlex

from progress import BOUND

PPOLL = 271  # on x86-64

START_MONITOR = "pcipath monitor --modules --links"


class Udevd:
    settle = f"udevadm settle --timeout={BOUND:.0f}"

    @staticmethod
    def wait(node: str, gone: bool) -> str:
        """Until a node or link below /dev is there, or gone, and the guest has settled."""
        return f"udevadm wait --settle --timeout={BOUND:.0f} {'--removed' if gone else ''} {shlex.quote(node)}"

    @staticmethod
    def trigger(action: str, subsystems: tuple[str, ...]) -> str:
        """Have the kernel send an event of each device, or of those of some subsystems."""
        return " ".join([f"udevadm trigger --action={action}", *(f"--subsystem-match={name}" for name in subsystems)])


class Monitor:
    settle = (f"monitor=/proc/$(cat /run/monitor.pid); until read -r call _ <$monitor/syscall && [ $call = {PPOLL} ]; do "
              "[ -d $monitor ] || exit; done")

    @staticmethod
    def wait(node: str, gone: bool) -> str:
        path, link = shlex.quote(node.rpartition("/")[2]), shlex.quote(node)
        until = f"while [ -h {link} ]" if gone else f"until [ -e {link} ]"
        # The kernel shows a device before it tells of it.
        return (f"pcipath wait --timeout={BOUND:.0f} {'--removed' if gone else ''} {path} >/dev/null && "
                f"{until}; do :; done && {Monitor.settle}")

    @staticmethod
    def trigger(action: str, subsystems: tuple[str, ...]) -> str:
        places = [f"/sys/{kind}/{name}/{'devices/' if kind == 'bus' else ''}*/uevent"
                  for name in subsystems or ("*",) for kind in ("bus", "class")]
        return f"for event in {' '.join(places)}; do [ ! -e $event ] || echo {action} >$event; done"


# Stop the processes in $pids. A stopped process is not loading a module: if it were killed then, Linux 6.1 would start no thread for the
# module, and give up the devices that the module has just found.
STOP = ("kill -STOP $pids; for pid in $pids; do while read -r _ _ state _ </proc/$pid/stat && [ $state != T ] && [ $state != Z ]; do :; done; "
        "done 2>/dev/null")


def restart_monitor(arguments: str = "", ready: bool = True) -> str:
    """Kill the monitor if there is one and start another. With `ready`, wait until it is."""
    return (f"[ ! -e /run/monitor.pid ] || {{ pids=$(cat /run/monitor.pid); {STOP}; kill -9 $pids; }}; rm -f /run/again; mkfifo /run/again; "
            f"({START_MONITOR} {arguments} --ready-fd=9 9<>/run/again 2>>/run/monitor.err & echo $! >/run/monitor.pid) >/dev/null </dev/null"
            + ("; read -r _ </run/again" if ready else ""))


class Beside(Udevd):
    """The monitor beside udevd."""

    settle = f"{Udevd.settle} && {{ {Monitor.settle}; }}"


MANAGERS = {"example": Monitor, "minimal": Monitor}  # by the kind of the guest; else udevd
