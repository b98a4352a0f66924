#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests ask of an initramfs beside the package under test.

# called by dracut
check() {
    return 255
}

# called by dracut
install() {
    inst_multiple ip
    inst_simple /etc/systemd/system.conf.d/timeouts.conf
    inst_hook pre-pivot 99 "$moddir/names.sh"
}
