#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# Before the emergency shell, and before dracut gives up: prints what is missing on the way to each device that the kernel
# command line names by PCI path, and then all devices that are plugged in.

# shellcheck source=/dev/null
. /lib/pcipath-lib.sh

pcipath_explain() {
    local waits problem line

    pcipath_read_cmdline "$(getcmdline)"
    set --
    for line in "$(pcipath_target "$pcipath_root")" "$(pcipath_target "$pcipath_usr")"; do
        [ -z "$line" ] || set -- "$@" "$line"
    done
    waits=$pcipath_waits
    while [ "$waits" ]; do
        pcipath_split_wait "${waits%%"$pcipath_newline"*}" ''
        waits=${waits#*"$pcipath_newline"}
        set -- "$@" "$pcipath_list"
    done
    [ $# -gt 0 ] || return 0

    problem=$(pcipath wait --timeout=0 -- "$@" 2>&1 > /dev/null) && return 0
    {
        printf '%s\n' "$problem"
        echo "pcipath: these devices are plugged in:"
        pcipath list
    } 2>&1 | while read -r line; do
        warn "$(pcipath_printable "$line")"
    done
}

pcipath_explain
