# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the suites in Python share: options, and tests/ as a place of modules (trees, programs)."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from excused import Excused  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--trees", type=int, default=int(os.environ.get("PCIPATH_TEST_TREES", 2000)),
                     help="how many random trees (PCIPATH_TEST_TREES, default 2000)")
    parser.addoption("--machines", type=int, default=int(os.environ.get("PCIPATH_TEST_MACHINES", 5)),
                     help="how many random machines are booted (PCIPATH_TEST_MACHINES, default 5)")
    parser.addoption("--cycles", type=int, default=int(os.environ.get("PCIPATH_TEST_CYCLES", 100)),
                     help="how often a disk is plugged and unplugged at random (PCIPATH_TEST_CYCLES, default 100)")
    parser.addoption("--seed", type=int, default=int(os.environ.get("PCIPATH_TEST_SEED", 1)),
                     help="the seed of the first of either (PCIPATH_TEST_SEED, default 1)")


def pytest_collection_modifyitems(items):
    """A module's COVERS says which row of the README's table a test fills: by its name, or by the value of a parameter.

    A row is "KIND: what". tests/summary.py makes the table of the tests that passed.
    """
    for item in items:
        covers = getattr(item.module, "COVERS", {})
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        for key in (item.originalname.removeprefix("test_"), *parameters):
            if isinstance(key, str) and key in covers:
                item.user_properties.append(("covers", f"{key}: {covers[key]}"))


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
    if call.excinfo and call.excinfo.errisinstance(Excused):
        item.user_properties.append(("excused", "this machine cannot"))
