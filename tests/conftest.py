# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the Python suites share: options, the choice of tests, and tests/ as a directory of modules (trees, programs)."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "vm")]

from libvirtd import Libvirtd  # noqa: E402
from selection import NUMBERS, deselect, is_exhaustive  # noqa: E402
from unavailable import Unavailable  # noqa: E402

# Of all suites, because modules of one suite import modules of another.
MARKS = ("exhaustive: run only with --all",
         "udevd: needs a guest with udevd",
         "releases(NAME...): run only on these releases of Debian")


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", default=bool(os.environ.get("PCIPATH_TEST_ALL")),
                     help="run what is exhaustive, too (PCIPATH_TEST_ALL)")
    for option, (what, few, many) in NUMBERS.items():
        variable = f"PCIPATH_TEST_{option.upper()}"
        parser.addoption(f"--{option}", type=int, default=os.environ.get(variable),
                         help=f"how many {what} ({variable}; default {few}, with --all {many})")
    parser.addoption("--seed", type=int, default=int(os.environ.get("PCIPATH_TEST_SEED", 1)),
                     help="the first seed of random trees, machines and cycles (PCIPATH_TEST_SEED, default 1)")


def pytest_configure(config):
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    config.option.strict_markers = True
    for option, (_, few, many) in NUMBERS.items():
        if config.getoption(option) is None:
            setattr(config.option, option, many if config.getoption("all") else few)


@pytest.fixture(scope="session")
def libvirtd(tmp_path_factory):
    daemon = Libvirtd(tmp_path_factory.mktemp("libvirtd"))
    yield daemon
    daemon.stop()


def pytest_collection_modifyitems(config, items):
    """A module's COVERS says which row of the table of coverage a test fills: by its name, or by the value of a parameter.

    A row is "KIND: what". tests/summary.py makes the table of the tests that passed. UNCOVERED has such rows without a test, and the reason.
    """
    if not config.getoption("all"):
        deselect(config, items, [item for item in items if is_exhaustive(item)])
    for item in items:
        covers = getattr(item.module, "COVERS", {})
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        for key in (item.originalname.removeprefix("test_"), *parameters):
            if isinstance(key, str) and key in covers:
                item.user_properties.append(("covers", f"{key}: {covers[key]}"))
        for row, reason in getattr(item.module, "UNCOVERED", {}).items():
            item.user_properties.append(("uncovered", f"{row}: {reason}"))


def pytest_generate_tests(metafunc):
    """A test that takes `seeds` is run for slices of the random trees, so that pytest-xdist can share them out."""
    if "seeds" in metafunc.fixturenames:
        first = metafunc.config.getoption("seed")
        trees = metafunc.config.getoption("trees") // getattr(metafunc.module, "TREES_DIVISOR", 1)
        step = max(1, -(-trees // 20))
        slices = [range(s, min(s + step, first + trees)) for s in range(first, first + trees, step)]
        metafunc.parametrize("seeds", slices, ids=[f"{s[0]}-{s[-1]}" for s in slices])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    """tests/summary.py reads the property."""
    if call.excinfo and call.excinfo.errisinstance(Unavailable):
        item.user_properties.append(("unavailable", "this machine cannot"))
