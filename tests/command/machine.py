# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a kernel shows beside the devices of trees.sysfs, and only the command reads: bus class devices, what a function
says of itself, drivers, interfaces and character nodes."""

import os
import re
import stat
import struct

FUNCTION = re.compile(r'[0-9a-f]{4,8}:[0-9a-f]{2}:[0-1][0-9a-f]\.[0-7]')
HOST_BRIDGE = re.compile(r'pci([0-9a-f]{4,8}:[0-9a-f]{2})')

ROOT_PORT, STORAGE, NETWORK = 0x060400, 0x010000, 0x020000


def write(path, content):
    with open(path, 'wb') as f:
        f.write(content)


def link(path, target):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def config(klass, secondary):
    """256 bytes: a header of type 0 or 1; a bridge has the PCI Express capability of a root port."""
    data = bytearray(256)
    struct.pack_into('<HHHHI', data, 0, 0x1af4, 0x1042, 7, 0x10, klass << 8 | 1)
    if klass == ROOT_PORT:
        data[0x0e] = 1
        data[0x19] = data[0x1a] = secondary
        data[0x34] = 0x40
        data[0x40:0x44] = bytes([0x10, 0, 0x42, 0])
    return bytes(data)


def add_bus(syspath, bus):
    """The class device of a bus, below its bridge."""
    os.makedirs(f'{syspath}/pci_bus/{bus}')
    write(f'{syspath}/pci_bus/{bus}/uevent', b'')
    link(f'{syspath}/pci_bus/{bus}/subsystem', '/sys/class/pci_bus')
    link(f'/sys/class/pci_bus/{bus}', f'{syspath}/pci_bus/{bus}')


def complete_function(syspath, klass):
    buses = sorted({name.rpartition(':')[0] for name in os.listdir(syspath)
                    if FUNCTION.fullmatch(name) and not os.path.exists(f'{syspath}/{name}/physfn')})
    if buses:
        klass = ROOT_PORT
        add_bus(syspath, buses[0])
    secondary = int(buses[0].rpartition(':')[2], 16) if buses else 0
    write(f'{syspath}/config', config(klass, secondary))
    for name, value in {'class': f'0x{klass:06x}', 'vendor': '0x1af4', 'device': '0x1042', 'revision': '0x01',
                        'subsystem_vendor': '0x1af4', 'subsystem_device': '0x0002', 'irq': '0'}.items():
        write(f'{syspath}/{name}', value.encode() + b'\n')
    if os.path.islink(f'{syspath}/driver'):
        return
    driver = 'pcieport' if buses else 'virtio-pci'
    os.makedirs(f'/sys/bus/pci/drivers/{driver}', exist_ok=True)
    link(f'{syspath}/driver', f'/sys/bus/pci/drivers/{driver}')


def complete(tree, classes=None):
    """Of a trees.sysfs.Tree on /sys. `classes`: from a function's key to its class; STORAGE for the others."""
    seen = set()
    for device in tree.devices:
        above = os.path.dirname(device.syspath)
        bridge = HOST_BRIDGE.fullmatch(os.path.basename(above))
        if bridge and above not in seen:
            seen.add(above)
            add_bus(above, bridge[1])
    for device in tree.devices:
        if device.subsystem == 'pci':
            complete_function(device.syspath, (classes or {}).get(device.key, STORAGE))


def make_nodes(tree):
    for device in tree.devices:
        if device.devname:
            kind = stat.S_IFCHR if device.is_char else stat.S_IFBLK
            os.makedirs(os.path.dirname(f"/dev/{device.devname}"), exist_ok=True)
            os.mknod(f"/dev/{device.devname}", kind | 0o600, os.makedev(*device.devnum))


def links(top="/dev"):
    """Name below the top to target, of all symbolic links."""
    return {os.path.relpath(entry, top): os.readlink(entry) for directory, below, files in os.walk(top)
            for entry in (os.path.join(directory, name) for name in below + files) if os.path.islink(entry)}
