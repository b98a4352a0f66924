# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bounds of a wait: a process that gets no CPU time is waited for, one that does not use it is not."""

import contextlib
import os
import subprocess

import progress
import pytest


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(progress, "_TICK", 0.1)
    monkeypatch.setattr(progress, "CPU_BOUND", 1.0)
    monkeypatch.setattr(progress, "IDLE_BOUND", 0.5)


@contextlib.contextmanager
def process(*command):
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


def test_busy_and_silent():
    with process("sh", "-c", "while :; do :; done") as child, pytest.raises(TimeoutError, match="consumed"):
        progress.Progress(child.pid).wait(child.stdout)


def test_idle():
    with process("sleep", "inf") as child, pytest.raises(TimeoutError, match="idle"):
        progress.Progress(child.pid).wait(child.stdout)


def test_starved():
    """It has a few thousandths of a processor, in turns that are further apart than the bound of an idle one."""
    cpu = str(min(os.sched_getaffinity(0)))
    with (process("taskset", "-c", cpu, "sh", "-c", "while :; do :; done"),
          process("taskset", "-c", cpu, "chrt", "--idle", "0", "sh", "-c",
                  "i=0; while [ $i -lt 5000 ]; do i=$((i + 1)); done; echo end; read x") as child):
        assert progress.Progress(child.pid).wait(child.stdout) == [child.stdout]
        assert child.stdout.readline() == b"end\n"


def test_end():
    with process("true") as child:
        progress.wait_end(child.pid)
