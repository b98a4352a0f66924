# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the scenarios: the guest, built once for all workers, and machines that run it.

PCIPATH_BUILDDIR  the configured and built meson directory whose package is tested; default: build, beside tests
PCIPATH_CACHE     where guests are kept from one run to the next; default: guest-cache in the build directory
"""

import contextlib
import json
import os
from pathlib import Path

import pytest
from guest import make_guest
from machine import Machine, MachineError

BUILD = Path(os.environ.get("PCIPATH_BUILDDIR", Path(__file__).parents[2] / "build"))
CACHE = Path(os.environ.get("PCIPATH_CACHE", BUILD / "guest-cache"))

MACHINES = pytest.StashKey[list[Machine]]()


@pytest.fixture(scope="session")
def guest():
    return make_guest(CACHE, BUILD)


@pytest.fixture(scope="session")
def make_machine(guest, request, tmp_path_factory):
    """`with make_machine(topology, …) as machine`: a Machine that is stopped at the end, and shown if a test fails."""
    known = request.config.stash.setdefault(MACHINES, [])

    @contextlib.contextmanager
    def make(topology, **options):
        machine = Machine(guest, tmp_path_factory.mktemp("machine"), topology, **options)
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
    known = item.config.stash.get(MACHINES, [])
    if report.failed:
        for machine in known:
            text = "\n".join(json.dumps(device) for device in machine.topology)
            if not call.excinfo.errisinstance(MachineError):  # its own text ends with the log
                text += f"\n{machine.tail()}"
            report.sections.append((f"machine in {machine.directory}", text))
    if call.when == "teardown":
        known[:] = [machine for machine in known if machine.running]
