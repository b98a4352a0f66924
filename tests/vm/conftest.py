# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the scenarios: the guest, built once for all workers, and machines that run it.

PCIPATH_TEST_RELEASES  of Debian, those that tests with a `release` are run on; default: one for each test, with --all all of
                       release.RELEASES
PCIPATH_TEST_QEMU      the release whose QEMU a machine has if its test does not say; default: the host's
PCIPATH_BUILDDIR and PCIPATH_CACHE are as in programs.py.
"""

import contextlib
import functools
import itertools
import json
import os

import pytest
from architecture import NATIVE
from build import TreeError
from emulator import emulator
from guest import Recipe, make_guest
from machine import MACHINES, Machine, MachineError
from programs import BUILD, CACHE
from release import HOST, RELEASES
from selection import deselect, of_other_releases
from unavailable import unavailable

QEMU = os.environ.get("PCIPATH_TEST_QEMU", HOST)
# pytest 7 makes a fixture anew when its parameter is another object, though equal.
ASKED = os.environ.get("PCIPATH_TEST_RELEASES", "").split()

MADE = pytest.StashKey[list[Machine]]()


@functools.cache
def guest_of(architecture, release, packages=(), bare=False, modules=()):
    """`bare`: without pcipath, and with the drivers of the root disk that pcipath would bring. `modules`: further globs of drivers."""
    drivers = (*Recipe.drivers, "virtio_pci", "virtio_blk") if bare else Recipe.drivers
    recipe = Recipe(release, architecture, (*Recipe.packages, *packages), drivers=drivers, includes=(*Recipe.includes, *modules))
    with unavailable(f"Debian's {release} for {architecture.name}", *() if release == HOST else (TreeError,)):
        return make_guest(CACHE, None if bare else BUILD, recipe)


@pytest.fixture(scope="session")
def release(request):
    """The test is run with --all once for each release of Debian whose packages this machine can have; it always has its own. Or for
    those of a mark `releases`: what differs from the oldest in the newest alone, or not at all."""
    guest_of(NATIVE, request.param)
    return request.param


@pytest.fixture(scope="session")
def guest(release):
    return guest_of(NATIVE, release)


@pytest.fixture(scope="session")
def first_guest():
    """first_guest(architecture): that of the first release that has the architecture."""
    return lambda architecture: guest_of(architecture, architecture.release)


def pytest_generate_tests(metafunc):
    """A module that is ALSO_WITHOUT_UDEVD has its machines once more in the minimal guest, but for tests marked `udevd`; with --all
    alone if it says "exhaustive"."""
    if "release" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("releases")
        enough = mark.args if mark else RELEASES
        metafunc.parametrize("release", [name for name in ASKED or RELEASES if name in enough], indirect=True, scope="session")
    also = getattr(metafunc.module, "ALSO_WITHOUT_UDEVD", False)
    if also and "make_machine" in metafunc.fixturenames:
        kinds = [pytest.param(None, id="udevd")]
        if not metafunc.definition.get_closest_marker("udevd"):
            marks = [pytest.mark.exhaustive] if also == "exhaustive" else []
            kinds.append(pytest.param("minimal", id="minimal", marks=marks))
        metafunc.parametrize("make_machine", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def make_machine(request, tmp_path_factory):
    """`with make_machine(topology, …) as machine`: a Machine that is stopped at the end, and shown if a test fails.

    `release` is the guest's, `qemu` the emulator's; `of` is Machine or a subclass; `kind`, of the initramfs, is "direct" where a test does not say.
    """
    known = request.config.stash.setdefault(MADE, [])
    kind = getattr(request, "param", None)

    @contextlib.contextmanager
    def make(topology, machine="q35", release=None, packages=(), bare=False, modules=(), qemu=None, of=Machine, **options):
        architecture = MACHINES[machine].architecture
        guest = guest_of(architecture, release or architecture.release, packages, bare, modules)
        if kind:
            options["kind"] = kind
        elif architecture == NATIVE:
            options.setdefault("kind", "direct")
        qemu = qemu or (QEMU if architecture == NATIVE else MACHINES[machine].qemu)
        with unavailable(f"QEMU of Debian's {qemu}", TreeError):
            options["emulator"] = emulator(CACHE, qemu)
        machine = of(guest, tmp_path_factory.mktemp("machine"), topology, machine=machine, **options)
        machine.initrd = guest.unpacked(machine.kind)
        known.append(machine)
        try:
            yield machine
        except AssertionError:
            machine.keep_state()
            raise
        finally:
            machine.stop()

    return make


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(config, items):
    """Tests that share a module's machine go to one worker, one after the other, so that it is booted once.

    Marked before xdist reads the marks; put in order after pytest 7, which goes by the number of a parameter, not its value.
    """
    if not ASKED and not config.getoption("all"):
        deselect(config, items, of_other_releases(items))
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
    known = item.config.stash.get(MADE, [])
    if report.failed:
        for machine in known:
            text = "\n".join(json.dumps(device) for device in machine.topology)
            if not call.excinfo.errisinstance(MachineError):  # its own text ends with the log
                text += f"\n{machine.tail()}\n{machine.state}"
            report.sections.append((f"machine in {machine.directory}", text))
    if call.when == "teardown":
        known[:] = [machine for machine in known if machine.running]
