# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which tests are run. A run without --all leaves out what is exhaustive and keeps one of each kind. It leaves out

- tests and parameters that are marked `exhaustive`
- QEMUs later than the host's: a parameter `qemu`
- most of the random trees, machines and cycles: NUMBERS
- of a test's releases of Debian all but one
- most machines of the minimal guest: ALSO_WITHOUT_UDEVD = "exhaustive"
"""

import zlib

from release import HOST

# By option: what it counts, its default, and its default with --all.
NUMBERS = {
    "trees": ("random trees", 200, 2000),
    "domains": ("random domains of libvirt", 16, 1000),
    "boots": ("boots of each machine with its devices in random order", 1, 3),
    "machines": ("random machines that are booted", 1, 5),
    "cycles": ("devices that are plugged or unplugged at random in a guest", 25, 400),
}


def parameters(item):
    return item.callspec.params if hasattr(item, "callspec") else {}


def is_exhaustive(item):
    return item.get_closest_marker("exhaustive") is not None or parameters(item).get("qemu", HOST) != HOST


def of_other_releases(items):
    """Those that are to be left out so that each test has one release. The releases take turns in each module. Tests that share a
    machine have their release together."""
    modules = {}
    for item in items:
        if release := parameters(item).get("release"):
            name = "machine" if "machine" in item.fixturenames else item.nodeid.replace(release, "")
            modules.setdefault(item.module.__name__, {}).setdefault(name, {}).setdefault(release, []).append(item)
    out = []
    for module, tests in modules.items():
        for turn, releases in enumerate(tests.values(), zlib.crc32(module.encode())):
            kept = list(releases)[turn % len(releases)]
            out += [item for release in releases if release != kept for item in releases[release]]
    return out


def deselect(config, items, unwanted):
    """Take unwanted items out of the list."""
    identities = set(map(id, unwanted))
    items[:] = [item for item in items if id(item) not in identities]
    config.hook.pytest_deselected(items=unwanted)
