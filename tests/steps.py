# SPDX-License-Identifier: LGPL-2.1-or-later
"""The steps of tests/steps.sh for a Python program. It continues the count of the shell script that starts it."""

import os
import sys
import time

_TERMINAL = sys.stderr.isatty()


def _columns():
    return os.get_terminal_size(sys.stderr.fileno()).columns or 80


class Steps:
    def __init__(self):
        self._number, self._steps = (int(os.environ.get(f"PCIPATH_{name}", 0)) for name in ("STEP", "STEPS"))
        self._name, self._began = None, 0.0

    def begin(self, name):
        """The step begins. The line shows the first word of the name of the last step."""
        now = time.monotonic()
        last = f" ({self._name.partition(':')[0]}: {now - self._began:.0f} s)" if self._name else ""
        self._number, self._name, self._began = self._number + 1, name, now
        line = f"[{self._number}/{max(self._number, self._steps)}] {name}{last}"
        self.clear()
        sys.stdout.flush()
        if _TERMINAL:  # a line that wraps could not be rewritten
            print(line[:_columns() - 1], end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def clear(self):
        """Remove the line, before anything else is printed."""
        if _TERMINAL:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
