#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # each shell that dracut takes has local
#
# Before the emergency shell and before dracut gives up: how far each path got that this boot was to wait for, and what is
# plugged in elsewhere.

# shellcheck source=/dev/null
. /lib/dracut-pcipath-lib.sh

pcipath_explain() {
    local list problem

    # shellcheck disable=SC2046 # no value has a blank
    set -- $(pcipath_target "$(getarg root=)") $(pcipath_target "$(getarg mount.usr=)")
    for list in $(getargs rd.pcipath.wait=); do
        set -- "$@" "${list%,timeout=*}"
    done
    [ $# -gt 0 ] || return 0

    problem=$(pcipath wait --timeout=0 "$@" 2>&1 > /dev/null) && return 0
    {
        echo "$problem"
        echo "pcipath: plugged in are:"
        pcipath list
    } 2>&1 | vwarn
}

pcipath_explain
