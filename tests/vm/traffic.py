# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traffic between network namespaces of a guest: a server that says hello on port 7, and who asks it."""

import shlex

from machine import Machine

SERVE = """$s = IO::Socket::INET->new(Listen => 1, LocalPort => 7) or die; print STDERR 1;
while ($c = $s->accept) { print $c "hello\\n"; close $c }"""
ASK = '$c = IO::Socket::INET->new($ARGV[0] . ":7") or die $!; print <$c>'


def serve(machine: Machine, netns: str) -> None:
    """In a namespace, from now on; it ends with the guest, or when its process is killed, which is $(cat /run/NETNS.pid)."""
    machine.run(f"mkfifo /run/{netns}.ready; ip netns exec {netns} perl -MIO::Socket::INET -e {shlex.quote(SERVE)} 2>/run/{netns}.ready"
                f" >/dev/null </dev/null & echo $! >/run/{netns}.pid; head -c 1 /run/{netns}.ready >/dev/null; rm /run/{netns}.ready")


def stop_serving(machine: Machine, netns: str) -> None:
    machine.run(f"kill $(cat /run/{netns}.pid)")


def check_answer(machine: Machine, address: str, netns: str = "") -> None:
    enter = f"ip netns exec {netns} " if netns else ""
    assert machine.run(f"{enter}perl -MIO::Socket::INET -e {shlex.quote(ASK)} {address}") == "hello\n"
