# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rules and helper give the same names on random machines, and they are the oracle's.

Real udevd, real rules, every event of the tree at once (--trees of them). The helper's names are the
library's, from one process for each tree; test_properties.py and test_rules.py hold pcipath_id itself equal to it.
"""

from programs import name_tree
from rules import udev
from trees import sandbox
from trees.generate import random_machine
from trees.names import Names
from trees.sysfs import Tree

COVERS = {"rules_and_helper_agree": "Bridge: random topologies"}


def check_machine(seed, udevd):
    sandbox.empty("/sys")
    machine = random_machine(seed)
    names = Names(machine)
    udevd.boot(Tree(machine, "/sys", seed))
    udevd.events("add")

    helper = name_tree()
    links = {}
    for device in udevd.devices:
        if device.subsystem not in ("pci", "block"):
            continue
        expected = names.get(device.key)
        properties = udev.record(device).properties
        assert properties == (expected.properties() if expected else {}), device.devpath
        assert sorted(helper.get(device.syspath, [])) == sorted(expected.places if expected else []), device.devpath
        if device.devname and expected:
            links |= {link: device.devname for link in expected.disk_links}
    assert udev.links_on_disk() == links
    return len(udevd.devices), len(links)


def check_machines(seeds):
    udev.enter()
    counts = []
    with udev.Udevd() as udevd:
        for seed in seeds:
            try:
                counts.append(check_machine(seed, udevd))
            except AssertionError as e:
                raise AssertionError(f"seed {seed}: {e}") from e
    return counts


def test_rules_and_helper_agree(seeds):
    counts = sandbox.run(check_machines, seeds)
    print(f"{len(counts)} machines, {sum(n for n, _ in counts)} events, {sum(n for _, n in counts)} links")
