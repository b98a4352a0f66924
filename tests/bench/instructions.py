#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Instructions of pcipath_id on synthetic disks, to those of the smallest program that opens the same device with sd-device.

    tests/bench/instructions.py [amd64|arm64|ppc64el]...

QEMU's user mode (Debian's package qemu-user) runs the programs and counts. Those of a foreign architecture are compiled as for its guest.
"""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'vm')]

from architecture import AMD64, ARM64, NATIVE, PPC64EL, compiler  # noqa: E402
from build import make_tree  # noqa: E402
from cache import locked  # noqa: E402
from command.manager import build  # noqa: E402
from cost.cost import NET, SMALL, small  # noqa: E402
from guest import Recipe, cross_build, debstrap  # noqa: E402
from programs import BUILD, CACHE  # noqa: E402
from trees import sandbox  # noqa: E402

ARCHITECTURES = {architecture.name: architecture for architecture in (AMD64, ARM64, PPC64EL)}
QEMU = {'amd64': 'qemu-x86_64', 'arm64': 'qemu-aarch64', 'ppc64el': 'qemu-ppc64le'}


def prepare(architecture):
    """The root directory of its libraries, and its two programs."""
    if architecture == NATIVE:
        return '/', BUILD / 'tests/bench/open-device', BUILD / 'helper/pcipath_id'
    recipe = Recipe(architecture=architecture)
    name = f'{recipe.suite}-{architecture.name}'
    with locked(CACHE / f'lock-{name}'):
        tree = make_tree(CACHE.resolve() / f'tree-{name}', lambda path: debstrap(recipe, path))
        built = cross_build(BUILD, tree, architecture)
        smallest = built / 'open-device'
        subprocess.run([*compiler(architecture, tree), '-fuse-ld=lld', '-Os', '-o', smallest,
                        TESTS / 'bench/open-device.c', '-lsystemd'], check=True)
    return tree, smallest, built / 'helper/pcipath_id'


def count(qemu, root, program, syspath):
    counter = Path('/dev/counter')
    counter.write_bytes(bytes(8))
    subprocess.run([qemu, '-L', root, '-plugin', f'{BUILD}/tests/bench/count-instructions.so,count={counter}', program, syspath],
                   check=True, stdout=subprocess.DEVNULL)
    return int.from_bytes(counter.read_bytes(), sys.byteorder)


def measure(name, root, *programs):
    """QEMU looks below `root` first: there, too, /sys is the synthetic one."""
    disks = [device for device in build(small()).devices if device.devtype in ('disk', 'partition')]
    if str(root) != '/':
        sandbox.bind('/sys', f'{root}/sys')
    kinds = iter(kind for kind in SMALL if kind != NET)
    for device in disks:
        smallest, ours = (count(QEMU[name], root, program, device.syspath) for program in programs)
        what = next(kinds) if device.devtype == 'disk' else 'its partition'
        print(f'{name}, {what}: open-device {smallest}, pcipath_id {ours}, ratio {ours / smallest:.2f}', flush=True)


def main(names):
    for name in names or ARCHITECTURES:
        sandbox.run(measure, name, *prepare(ARCHITECTURES[name]))


if __name__ == '__main__':
    main(sys.argv[1:])
