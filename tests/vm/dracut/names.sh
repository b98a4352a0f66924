#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# dracut's last hook before the root file system becomes /: the interfaces of the initramfs, and those that are found by
# the names that it has given.
udevadm settle
ip -j link >/run/initramfs-interfaces
sed -n 's/^E:ID_NET_NAME_PCI_PATH=//p' /run/udev/data/n* | while read -r name; do
    ip -o link show "$name"
done >/run/initramfs-found
