# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program of `tests/soak`: guests side by side, and the tables at the end."""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from build import TreeError  # noqa: E402
from emulator import emulator  # noqa: E402
from endurance import KINDS, Result, Soak, Turns  # noqa: E402
from guest import Guest, make_guest  # noqa: E402
from machine import Machine  # noqa: E402
from plugging import topology  # noqa: E402
from programs import BUILD, CACHE  # noqa: E402
from steps import Steps  # noqa: E402

CYCLES = 10000
LATER_QEMU = "trixie"  # has a network card with virtual functions


def parse_arguments() -> argparse.Namespace:
    def kinds(text: str) -> list[str]:
        if unknown := [name for name in text.split(",") if name not in KINDS]:
            raise argparse.ArgumentTypeError(f"unknown guest '{unknown[0]}'. Use {', '.join(KINDS)}")
        return text.split(",")

    def positive(text: str) -> float:
        if not (number := float(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return number

    parser = argparse.ArgumentParser(prog="tests/soak", allow_abbrev=False, description=(
        "Plugs and unplugs devices at random in guests, disturbs udevd, pcipath monitor and pcipath cdi --follow, and compares every name "
        "whenever a guest has settled. Prints tables at the end. Exits with 0 if nothing differed and no process has grown."))
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of all random choices [1]")
    parser.add_argument("--guests", type=kinds, default=list(KINDS), metavar="KINDS", help=(
        "guests to run, separated by commas: udevd; minimal, which has pcipath monitor and no udevd; beside, which has both [all]"))
    parser.add_argument("--cycles", type=positive, metavar="N", help=(
        f"stop after N cycles of all guests together; a cycle is one device plugged, unplugged or bound to another driver [{CYCLES}, or no "
        "limit with HOURS]"))
    parser.add_argument("hours", type=positive, nargs="?", default=math.inf, metavar="HOURS", help="stop after this time")
    arguments = parser.parse_args()
    arguments.cycles = arguments.cycles or (CYCLES if arguments.hours == math.inf else math.inf)
    return arguments


def make_machine(guest: Guest, directory: Path, kind: str) -> Machine:
    """With a later QEMU if this host can have it."""
    try:
        command, virtual_functions = emulator(CACHE, LATER_QEMU), True
    except TreeError as error:
        print(f"no virtual functions: {error}", file=sys.stderr)
        command, virtual_functions = [], False
    image, _ = KINDS[kind]
    place = directory / kind
    place.mkdir()
    machine = Machine(guest, place, topology(virtual_functions), kind=image, emulator=command)
    machine.initrd = guest.unpacked(image)
    return machine


def duration(seconds: float) -> str:
    return f"{seconds // 3600:.0f} h {seconds // 60 % 60:02.0f} min" if seconds >= 3600 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def print_table(*rows: list[str]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def report(results: list[Result]) -> None:
    changes = sorted({kind for result in results for kind in result.changes})
    print_table(["guest", "cycles", *changes, "rounds", "mismatches", "time"], *([
        result.kind, str(result.cycles), *(str(result.changes[kind]) for kind in changes), str(result.rounds), str(int(bool(result.error))),
        duration(result.seconds)] for result in results))
    disturbances = sorted({name for result in results for name in result.disturbances})
    print_table(["disturbance", *(result.kind for result in results)],
                *([name, *(str(result.disturbances[name]) for result in results)] for name in disturbances),
                ["events lost", *(str(result.lost) for result in results)])
    print_table(["guest", "process", "own memory", "at the end", "resident", "at the end", "descriptors", "at the end", "flat"],
                *(row for result in results for row in process_rows(result)))
    for line in (line for result in results for line in result.opened()):
        print(line)


def process_rows(result: Result) -> Iterator[list[str]]:
    for name, first in result.first.items():
        if last := result.last.get(name):
            yield [result.kind, {"cdi": "cdi --follow"}.get(name, name), f"{first.own} KB", f"{last.own} KB", f"{first.resident} KB", f"{last.resident} KB",
                   str(len(first.descriptors)), str(len(last.descriptors)), "no" if name in result.grown() else "yes"]


def main() -> int:
    arguments = parse_arguments()
    steps = Steps()
    steps.begin("guest: a Debian 12 with this package (the first run downloads it)")
    guest = make_guest(CACHE, BUILD)
    steps.begin(f"soak: {', '.join(arguments.guests)}, seed {arguments.seed}")
    print(file=sys.stderr)
    told: dict[str, int] = {}

    def tell(result: Result) -> None:
        """Each some hundred cycles. Other runs of the tests remove guests that were not used lately."""
        guest.path.touch()
        if result.cycles // 250 > told.get(result.kind, 0):
            told[result.kind] = result.cycles // 250
            print(f"{result.kind}: {result.cycles} cycles, {result.rounds} rounds, {duration(result.seconds)}", file=sys.stderr, flush=True)

    turns = Turns(min(os.cpu_count() or 1, len(arguments.guests)), tell)

    def end(*_: object) -> None:
        turns.ended = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="pcipath-soak-") as scratch:
        soaks = [Soak(make_machine(guest, Path(scratch), kind), kind, arguments.seed) for kind in arguments.guests]

        def run(soak: Soak) -> None:
            soak.run(arguments.cycles / len(soaks), arguments.hours * 3600, turns)
            if soak.result.error:
                print(soak.result.error, end="\n\n", flush=True)

        threads = [threading.Thread(target=run, args=(soak,)) for soak in soaks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for soak in soaks:
            soak.machine.stop()
    results = [soak.result for soak in soaks]
    report(results)
    return 1 if any(result.error or result.grown() for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
