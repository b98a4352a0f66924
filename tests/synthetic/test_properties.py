# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two properties of random machines, and the oracle's word on each device of them.

Injective: no two functions have one path, no two disks one link. Invariant: another boot of the same machine (buses
renumbered, nested domains swapped, another order of probing) gives each device the same name. Named by the library in
one process for each tree; pcipath_id is held equal to it on every 50th.
"""

from programs import name_tree, pcipath_id
from trees import machine as m
from trees import sandbox
from trees.generate import random_machine
from trees.names import Names
from trees.sysfs import Tree

COVERS = {"injective_and_invariant": "Bridge: random topologies"}

SAMPLE = 50
TREES_DIVISOR = 5  # of --trees: test_random_trees.py has all of them, and each is booted twice here


def boot(machine, names, seed, sample):
    """What the tree's devices are called, by their place in the description."""
    sandbox.empty("/sys")
    tree = Tree(machine, "/sys", seed)
    named = name_tree()
    for device in tree.devices:
        expected = names.get(device.key)
        got = sorted(named.pop(device.syspath, []))
        wanted = sorted((path, link if device.subsystem == "block" else None)
                        for path, link in (expected.places if expected else []))
        assert got == wanted, f"{device.syspath}: {got}, not {wanted}"
        if sample:
            outcome = pcipath_id(device.syspath)
            assert (outcome.status, outcome.stderr) == (0, b""), device.syspath
            assert outcome.properties == (expected.properties() if expected else {}), device.syspath
    return {device.key: device.devpath for device in tree.devices if device.key is not None}


def check_machine(seed):
    machine = random_machine(seed, size=24)
    names = Names(machine)
    functions = [name.path for node, name in names.items() if isinstance(node, m.Function)]
    assert len(functions) == len(set(functions))
    links = [link for name in names.values() if name for link in name.disk_links]
    assert len(links) == len(set(links))

    # As the oracle names are those of the description, two boots that agree with it agree with each other.
    boots = [boot(machine, names, seed=n, sample=seed % SAMPLE == 0) for n in (2 * seed, 2 * seed + 1)]
    return boots[0] != boots[1], len(functions), len(links)


def check_machines(seeds):
    found = []
    for seed in seeds:
        try:
            found.append(check_machine(seed))
        except AssertionError as e:
            raise AssertionError(f"seed {seed}: {e}") from e
    return found


def test_injective_and_invariant(seeds):
    found = sandbox.run(check_machines, seeds)
    moved = sum(differs for differs, _, _ in found)
    # The property says something only when the boots differ.
    assert len(seeds) < 50 or moved > len(seeds) // 2
    print(f"{len(found)} machines, {moved} of them with other devpaths in the second boot, "
          f"{sum(n for _, n, _ in found)} functions, {sum(n for _, _, n in found)} links")
