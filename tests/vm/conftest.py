# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the scenarios: the guest, built once for all workers, and machines that run it.

PCIPATH_BUILDDIR  the configured and built meson directory whose package is tested; default: build, beside tests
PCIPATH_CACHE     where guests are kept from one run to the next; default: guest-cache in the build directory
PCIPATH_TEST_RELEASES  of Debian, those that tests with a `release` are run on; default: all of release.RELEASES
"""

import contextlib
import functools
import itertools
import json
import os
from pathlib import Path

import pytest
from architecture import NATIVE
from guest import Recipe, TreeError, make_guest
from machine import MACHINES, Machine, MachineError
from release import HOST, RELEASES

BUILD = Path(os.environ.get("PCIPATH_BUILDDIR", Path(__file__).parents[2] / "build"))
CACHE = Path(os.environ.get("PCIPATH_CACHE", BUILD / "guest-cache"))

MADE = pytest.StashKey[list[Machine]]()


class Excused(pytest.skip.Exception):
    """What this machine cannot test, and need not: tests/summary.py does not count it among those that someone left out."""


@functools.cache
def guest_of(architecture, release, packages=()):
    return make_guest(CACHE, BUILD, Recipe(release, architecture, (*Recipe.packages, *packages)))


@pytest.fixture(scope="session", params=os.environ.get("PCIPATH_TEST_RELEASES", " ".join(RELEASES)).split())
def release(request):
    """The test is run once for each release of Debian whose packages this machine can have; it always has its own."""
    try:
        guest_of(NATIVE, request.param)
    except TreeError as error:
        if request.param == HOST:
            raise
        reasons = [line for line in str(error).splitlines() if line.startswith("E:")]  # in apt's words
        raise Excused(f"Debian's {request.param} cannot be had here: {(reasons or [error])[0]}") from error
    return request.param


@pytest.fixture(scope="session")
def guest(release):
    return guest_of(NATIVE, release)


def pytest_configure(config):
    config.addinivalue_line("markers", "udevd: of udevd itself, or of images that have it")


def pytest_generate_tests(metafunc):
    """A module that is ALSO_WITHOUT_UDEVD has its machines once more in the minimal guest, but for tests marked `udevd`."""
    if (getattr(metafunc.module, "ALSO_WITHOUT_UDEVD", False) and "make_machine" in metafunc.fixturenames
            and not metafunc.definition.get_closest_marker("udevd")):
        metafunc.parametrize("make_machine", [None, "minimal"], ids=["udevd", "minimal"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def make_machine(request, tmp_path_factory):
    """`with make_machine(topology, …) as machine`: a Machine that is stopped at the end, and shown if a test fails."""
    known = request.config.stash.setdefault(MADE, [])
    kind = getattr(request, "param", None)

    @contextlib.contextmanager
    def make(topology, machine="q35", release=HOST, packages=(), **options):
        guest = guest_of(MACHINES[machine].architecture, release, packages)
        if kind:
            options["kind"] = kind
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
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            which = [str(parameters.get(name, "")) for name in ("machine", "make_machine", "release")]
            item.add_marker(pytest.mark.xdist_group("-".join([item.module.__name__, *which])))
    yield
    # Those that most tests share come first, so that no worker is left alone with one at the end.
    groups = {}
    for item in items:
        groups.setdefault(_group(item), []).append(item)
    items[:] = itertools.chain.from_iterable(sorted(groups.values(), key=len, reverse=True))


def _group(item):
    mark = item.get_closest_marker("xdist_group")
    return mark.args if mark else item.nodeid


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Put the machines that a failed test had into its report."""
    report = (yield).get_result()
    if call.excinfo and call.excinfo.errisinstance(Excused):
        item.user_properties.append(("excused", "this machine cannot"))
    known = item.config.stash.get(MADE, [])
    if report.failed:
        for machine in known:
            text = "\n".join(json.dumps(device) for device in machine.topology)
            if not call.excinfo.errisinstance(MachineError):  # its own text ends with the log
                text += f"\n{machine.tail()}"
            report.sections.append((f"machine in {machine.directory}", text))
    if call.when == "teardown":
        known[:] = [machine for machine in known if machine.running]
