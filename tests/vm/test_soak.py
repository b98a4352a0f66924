# SPDX-License-Identifier: LGPL-2.1-or-later
"""A short run of `tests/soak` in each of its guests: devices plugged and unplugged at random, with what disturbs udevd, `pcipath monitor`
and `pcipath cdi --follow`. `--cycles` and `--seed` are its own."""

import pytest
from endurance import KINDS, Soak
from plugging import topology
from release import HOST
from soak import report

COVERS = {
    "udevd": "Hotplug: disks, cards and virtual functions at random, while udevd is restarted, stopped, flooded with events, and short of memory",
    "minimal": "Hotplug: without udevd, the same while `pcipath monitor` is killed, restarted, and loses events",
    "beside": "Hotplug: the same with `pcipath monitor` beside udevd",
}


@pytest.mark.parametrize("kind,qemu", [("udevd", HOST), ("minimal", HOST), *((kind, "trixie") for kind in KINDS)])
def test_soak(make_machine, request, kind, qemu):
    """`tests/soak --guests=KIND` with a later QEMU has virtual functions. The figures of memory need more rounds."""
    image, _ = KINDS[kind]
    with make_machine(topology(with_virtual_functions=qemu != HOST), kind=image, qemu=qemu) as machine:
        soak = Soak(machine, kind, request.config.getoption("seed"))
        result = soak.run(request.config.getoption("cycles"))
        report([result])
        assert not result.error, result.error
        assert result.last and result.grown() == []
