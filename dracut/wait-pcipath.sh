#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# Waits for the devices of rd.pcipath.wait= before the root file system is mounted: as a pre-mount hook, or with systemd in the image
# as pcipath-initrd.service.

if [ "${DRACUT_SYSTEMD-}" ]; then
    # shellcheck source=/dev/null
    . "${PCIPATH_INITRD_LIB:-/lib/dracut-lib.sh}"
    # shellcheck source=/dev/null
    . /lib/pcipath-parse.sh
fi

# Warns whenever the explanation of what is missing changes.
pcipath_report() { # VALUE LIST
    local answer said='' now line

    until answer=$(pcipath wait --timeout=1 -- "$2" 2>&1 > /dev/null); do
        if [ "$answer" != "$said" ]; then
            said=$answer
            read -r now _ < /proc/uptime
            printf '%s\n' "$answer" | while read -r line; do
                warn "$(pcipath_printable "rd.pcipath.wait=$1 at $now s: $line")"
            done
        fi
    done
}

pcipath_wait_for() { # VALUE
    local reporter='' status=0

    pcipath_split_wait "$1" "${pcipath_retry:-180}"
    if [ "$pcipath_debug" ]; then
        pcipath_report "$1" "$pcipath_list" &
        reporter=$!
    fi
    pcipath wait --timeout="$pcipath_seconds" -- "$pcipath_list" > /dev/null 2>&1 || status=$?
    [ -z "$reporter" ] || kill "$reporter" 2> /dev/null
    return "$status"
}

# Each wait has its own time. Whoever leaves the emergency shell has solved the problem or wants to wait again.
pcipath_wait_for_all() {
    local value waits

    waits=$pcipath_waits
    while [ "$waits" ]; do
        value=${waits%%"$pcipath_newline"*}
        waits=${waits#*"$pcipath_newline"}
        until pcipath_wait_for "$value"; do
            emergency_shell "$(pcipath_printable "rd.pcipath.wait=$pcipath_list: not all devices are ready after $pcipath_seconds seconds")"
        done
        [ -z "$pcipath_debug" ] || warn "$(pcipath_printable "rd.pcipath.wait=$pcipath_list: all devices are ready")"
    done
}

case $(getcmdline) in
    *rd.pcipath.wait=*)
        # shellcheck source=/dev/null
        . /lib/pcipath-lib.sh
        pcipath_read_cmdline "$(getcmdline)"
        pcipath_wait_for_all
        ;;
esac
