#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# The functions of dracut that parse-pcipath.sh, wait-pcipath.sh and explain-pcipath.sh call, for an initramfs of mkinitcpio with systemd.
# The service that runs them fails, and systemd starts its emergency shell.

getcmdline() {
    local line

    read -r line </proc/cmdline
    printf '%s\n' "$line"
}

warn() {
    printf '%s\n' "$*" >&2
}

die() {
    warn "$*"
    exit 1
}

emergency_shell() {
    # shellcheck source=/dev/null
    . /lib/pcipath-explain.sh
    die "$*"
}
