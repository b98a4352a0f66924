# SPDX-License-Identifier: LGPL-2.1-or-later
"""As steps.sh, for a script in Python that a shell script starts: it goes on counting where that one is."""

import os
import sys
import time

_TERMINAL = sys.stderr.isatty()


class Steps:
    def __init__(self):
        self._number, self._steps = (int(os.environ.get(f"PCIPATH_{name}", 0)) for name in ("STEP", "STEPS"))
        self._name, self._began = None, 0.0

    def begin(self, name):
        now = time.monotonic()
        last = f" ({self._name}: {now - self._began:.0f} s)" if self._name else ""
        self._number, self._name, self._began = self._number + 1, name, now
        self.clear()
        sys.stdout.flush()
        print(f"[{self._number}/{max(self._number, self._steps)}] {name}{last}", end="" if _TERMINAL else "\n", file=sys.stderr, flush=True)

    def clear(self):
        """Before anything else is printed."""
        if _TERMINAL:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
