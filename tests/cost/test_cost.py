# SPDX-License-Identifier: LGPL-2.1-or-later
"""No commit makes a program more expensive unnoticed."""

import pytest
from cost import cost

# One worker measures.
pytestmark = pytest.mark.xdist_group("cost")

LIMIT = 0.05
KINDS = ("instructions", "system calls")


@pytest.fixture(scope="module")
def figures():
    return cost.measure()


def test_every_case_has_figures(figures):
    assert set(figures) == set(cost.read()), "run tests/cost/cost.py --write"


@pytest.mark.parametrize("case", cost.read())
def test_cost(figures, case):
    for kind, now, recorded in zip(KINDS, figures[case], cost.read()[case], strict=True):
        change = now / recorded - 1
        advice = "find out why" if change > 0 else "record the new figure: tests/cost/cost.py --write"
        assert abs(change) <= LIMIT, f"{case}: {kind}: {now:.2f}, recorded {recorded:.2f}, {100 * change:+.0f} %: {advice}"
