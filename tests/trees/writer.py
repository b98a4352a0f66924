# SPDX-License-Identifier: LGPL-2.1-or-later
"""The elements of a synthetic sysfs tree: devices with their uevent and subsystem, attributes, links, and numbers as a boot gives them."""

import os
import random
from dataclasses import dataclass

@dataclass
class Device:
    """A device of the tree: `key` is what Names knows it by; None for what has no entry there."""
    devpath: str
    subsystem: str
    devtype: str = None
    key: object = None
    devname: str = None
    devnum: tuple = None
    ifindex: int = None
    is_char: bool = False

    @property
    def syspath(self):
        return "/sys" + self.devpath


class Numbers:
    """What a boot makes up."""

    def __init__(self, seed=None):
        self.random = random.Random(seed) if seed is not None else None
        self.counters = {}

    def gap(self, most):
        return self.random.randint(0, most) if self.random else 0

    def order(self, items):
        items = list(items)
        if self.random:
            self.random.shuffle(items)
        return items

    def next(self, what, first=0, most_gap=2):
        number = self.counters.get(what, first) + self.gap(most_gap)
        self.counters[what] = number + 1
        return number


class Writer:
    """Writes below `root`, a directory that becomes /sys. `devices`: parents before children."""

    def __init__(self, root, seed):
        self.root = root
        self.numbers = Numbers(seed)
        self.devices = []
        for name in ("devices", "bus", "class", "dev"):
            os.makedirs(f"{root}/{name}", exist_ok=True)

    def mkdir(self, devpath):
        os.makedirs(self.root + devpath, exist_ok=True)
        return devpath

    def attribute(self, devpath, name, value):
        with open(f"{self.root}{devpath}/{name}", "w") as f:
            f.write(f"{value}\n")

    def link(self, path, target):
        """A relative link, as all of sysfs's are; both from the root of the tree."""
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), self.root + path)

    def add(self, devpath, subsystem=None, devtype=None, key=None, uevent="", klass=False):
        self.mkdir(devpath)
        lines = f"DEVTYPE={devtype}\n" if devtype else ""
        with open(f"{self.root}{devpath}/uevent", "w") as f:
            f.write(uevent + lines)

        if subsystem:
            name = os.path.basename(devpath)
            of_subsystem = f"/class/{subsystem}" if klass else f"/bus/{subsystem}"
            self.link(f"{devpath}/subsystem", of_subsystem)
            self.link(f"{of_subsystem}/{name}" if klass else f"{of_subsystem}/devices/{name}", devpath)
            self.devices.append(Device(devpath, subsystem, devtype, key))
        return devpath
