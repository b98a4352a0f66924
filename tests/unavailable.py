# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this machine cannot test, and need not."""

import contextlib

import pytest


class Unavailable(pytest.skip.Exception):
    """tests/summary.py does not count it among those that someone left out."""


@contextlib.contextmanager
def unavailable(what, *errors):
    """Skip the test if one of these errors says that something cannot be had."""
    try:
        yield
    except errors as error:
        reasons = [line for line in str(error).splitlines() if line.startswith("E:")]  # in apt's words
        raise Unavailable(f"{what} cannot be had here: {(reasons or [error])[0]}") from error
