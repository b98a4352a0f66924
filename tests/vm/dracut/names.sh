#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# dracut's last hook before the root file system becomes /: the interfaces of the initramfs, and those that are found by
# the names that it has given.
udevadm settle
ip -j link >/run/initramfs-interfaces
sed -n 's/^E:ID_NET_NAME_PCI_PATH=//p' /run/udev/data/n* | while read -r name; do
    ip -o link show "$name"
done >/run/initramfs-found

# A test may ask for a watch over the links from here on, and for a look at them before udevd has begun anew. What is called
# @... systemd does not end at the change of the root, nor does switch_root(8) anything.
if getargbool 0 pcipath.watch; then
    libraries=$(echo "$NEWROOT"/usr/lib/*-linux-gnu)
    ln -s "$NEWROOT/usr/bin/perl" /run/@watch
    (PATH=/run LC_ALL=C LD_LIBRARY_PATH=$libraries @watch "$NEWROOT/usr/local/libexec/watch-links.pl" /dev/disk/by-pci-path \
        /run/links-events < /dev/null > /run/links-problem 2>&1 &)
    until [ -s /run/links-events ] || [ -s /run/links-problem ]; do :; done
    mkdir -p /run/systemd/system/sysinit.target.wants
    printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Before=systemd-udevd.service systemd-udev-trigger.service' \
        '[Service]' 'Type=oneshot' "ExecStart=/bin/sh -c 'cd /dev/disk/by-pci-path && ls >/run/links-early && realpath * >>/run/links-early'" \
        > /run/systemd/system/links-early.service
    ln -s ../links-early.service /run/systemd/system/sysinit.target.wants
fi
