#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# dracut's last hook before the root file system becomes /: the names that the initramfs has given.
udevadm settle
ip -j link >/run/initramfs-interfaces
