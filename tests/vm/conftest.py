# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the scenarios: the guest, built once for all workers, and machines that run it.

PCIPATH_BUILDDIR  the configured and built meson directory whose package is tested; default: build, beside tests
PCIPATH_CACHE     where guests are kept from one run to the next; default: guest-cache in the build directory
"""

import contextlib
import functools
import json
import os
from pathlib import Path

import pytest
from architecture import NATIVE
from guest import Recipe, make_guest
from machine import MACHINES, Machine, MachineError

BUILD = Path(os.environ.get("PCIPATH_BUILDDIR", Path(__file__).parents[2] / "build"))
CACHE = Path(os.environ.get("PCIPATH_CACHE", BUILD / "guest-cache"))

MADE = pytest.StashKey[list[Machine]]()


@functools.cache
def guest_of(architecture):
    return make_guest(CACHE, BUILD, Recipe(architecture=architecture))


@pytest.fixture(scope="session")
def guest():
    return guest_of(NATIVE)


@pytest.fixture(scope="session")
def make_machine(request, tmp_path_factory):
    """`with make_machine(topology, …) as machine`: a Machine that is stopped at the end, and shown if a test fails."""
    known = request.config.stash.setdefault(MADE, [])

    @contextlib.contextmanager
    def make(topology, machine="q35", **options):
        guest = guest_of(MACHINES[machine].architecture)
        machine = Machine(guest, tmp_path_factory.mktemp("machine"), topology, machine=machine, **options)
        known.append(machine)
        try:
            yield machine
        finally:
            machine.stop()

    return make


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(items):
    """Tests that share a module's machine go to one worker, one after the other, so that it is booted once.

    Marked before xdist reads the marks; put in order after pytest 7, which goes by the number of a parameter, not its value.
    """
    for item in items:
        if "machine" in item.fixturenames:
            parameter = item.callspec.params.get("machine", "") if hasattr(item, "callspec") else ""
            item.add_marker(pytest.mark.xdist_group(f"{item.module.__name__}-{parameter}"))
    yield
    first = {}
    for number, item in enumerate(items):
        first.setdefault(_group(item), number)
    items.sort(key=lambda item: first[_group(item)])


def _group(item):
    mark = item.get_closest_marker("xdist_group")
    return mark.args if mark else item.nodeid


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Put the machines that a failed test had into its report."""
    report = (yield).get_result()
    known = item.config.stash.get(MADE, [])
    if report.failed:
        for machine in known:
            text = "\n".join(json.dumps(device) for device in machine.topology)
            if not call.excinfo.errisinstance(MachineError):  # its own text ends with the log
                text += f"\n{machine.tail()}"
            report.sections.append((f"machine in {machine.directory}", text))
    if call.when == "teardown":
        known[:] = [machine for machine in known if machine.running]
