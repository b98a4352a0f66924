# SPDX-License-Identifier: LGPL-2.1-or-later
"""The built pcipath-host, and what every run of it must keep to."""

import json
import os
import resource
import subprocess
from dataclasses import dataclass

from programs import BUILD, RUNNER

PCIPATH_HOST = BUILD / "helper/host/pcipath-host"


@dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str


def run(*arguments, stdin=None, locale="C.UTF-8"):
    done = subprocess.run([*RUNNER, PCIPATH_HOST, *arguments], input=stdin, capture_output=True, text=True, timeout=120,
                          check=False, env=os.environ | {"LC_ALL": locale})
    return Outcome(done.returncode, done.stdout, done.stderr)


def pcipath_host(*arguments, **options):
    done = run(*arguments, **options)
    # Nothing is printed unless all of it is right.
    assert done.status in (0, 1, 2, 3, 4), (arguments, done.status, done.stderr)
    # But for the note of `free` that nothing is, and for warnings.
    assert (done.status == 0) == (done.stderr == "") or (not done.status and (arguments[0] == "free" or ": warning: " in done.stderr)), (
        arguments, done.stderr)
    assert done.status == 0 or done.stdout == "", arguments
    return done


def table(verb, *source, **options):
    """The rows of a verb's JSON."""
    outcome = pcipath_host(verb, "-J", *source, **options)
    assert outcome.status == 0, outcome.stderr
    [rows] = json.loads(outcome.stdout).values()
    return rows


def error(*arguments, **options):
    """Exit status and the one line of complaint."""
    outcome = pcipath_host(*arguments, **options)
    assert outcome.stderr.startswith("pcipath-host: ") and outcome.stderr.count("\n") == 1, outcome.stderr
    return outcome.status, outcome.stderr.removeprefix("pcipath-host: ").rstrip("\n")


def cpu_time(text, *arguments, runs=1):
    """CPU seconds of a run that reads a document: the least of several, as other work on the machine adds to them."""
    seconds = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(*arguments, "--timeout=1000", stdin=text)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def growth(few, many, *arguments):
    """How much more CPU time the larger of two documents takes."""
    seconds = {few: [], many: []}
    for text in 3 * [few, many]:
        seconds[text].append(cpu_time(text, *arguments))
    return min(seconds[many]) / min(seconds[few])
