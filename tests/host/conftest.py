# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP's client, the oracle and the topologies are those of tests/vm."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "vm"))
