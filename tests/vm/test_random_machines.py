# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines made by chance: every function as QEMU and lspci have it, every disk by the link that the host computes.

    --machines=N   how many (PCIPATH_TEST_MACHINES, default 5)
    --seed=N       the seed of the first of them; a failed test has its seed in its name and in its text
"""

from checks import check_disks, check_functions, check_helper
from random_machine import random_machine


ALSO_WITHOUT_UDEVD = "exhaustive"

COVERS = {
    "random_machine": "Bridge: random topologies",
    "minimal": "Boot: without udevd: a minimal image; all scenarios with disks",
}


def pytest_generate_tests(metafunc):
    if "machine_seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("seed")
        metafunc.parametrize("machine_seed", range(first, first + metafunc.config.getoption("machines")))


def test_random_machine(make_machine, machine_seed):
    kind, topology = random_machine(machine_seed)
    try:
        with make_machine(topology, machine=kind) as machine:
            machine.add_drives()
            machine.boot("root=LABEL=root")
            machine.settle()
            check_functions(machine)
            check_disks(machine)
            check_helper(machine)
    except Exception as error:
        raise AssertionError(f"seed {machine_seed}: --machines=1 --seed={machine_seed} makes the machine again") from error
