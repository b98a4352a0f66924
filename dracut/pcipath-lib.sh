#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # each shell that dracut takes has local
#
# What the hooks of the module share; they have dracut-lib.sh. See dracut.pcipath(7).

pcipath_state=/run/initramfs/pcipath

# What a value of root= and the like names by PCI path, as pcipath takes it; else nothing.
pcipath_target() { # VALUE
    case ${1#block:} in
        pcipath:*) echo "${1#*pcipath:}" ;;
        /dev/disk/by-pci-path/*) echo "${1##*/}" ;;
    esac
}

# With rd.pcipath.debug: how far each path of a list is, whenever that changes.
pcipath_say_change() { # NUMBER LIST ANSWER
    local line now

    [ -e "$pcipath_state-debug" ] || return 0
    [ "$3" != "$(cat "$pcipath_state-$1.said" 2> /dev/null)" ] || return 0

    echo "$3" > "$pcipath_state-$1.said"
    read -r now _ < /proc/uptime
    echo "$3" | while read -r line; do
        warn "rd.pcipath.wait=$2 at $now s: ${line:-all there}"
    done
}

# At each turn of dracut's loop, in its shell, until all of a list is there. As long as there is time left, the loop's own
# clock, which is rd.retry, stands still.
pcipath_watch() { # NUMBER LIST SECONDS
    local answer now since

    if answer=$(pcipath wait --timeout=0 "$2" 2>&1 > /dev/null); then
        rm -f -- "$job"
    fi
    pcipath_say_change "$1" "$2" "$answer"
    if [ -z "$answer" ] || [ -z "$3" ]; then
        return
    fi

    read -r now _ < /proc/uptime
    [ -e "$pcipath_state-$1.since" ] || echo "${now%.*}" > "$pcipath_state-$1.since"
    read -r since < "$pcipath_state-$1.since"
    if [ $((${now%.*} - since)) -lt "$3" ]; then
        # shellcheck disable=SC2034 # dracut's
        main_loop=0
        return
    fi

    emergency_shell "rd.pcipath.wait=$2: not all of it was there within $3 seconds"
    # Whoever leaves the shell has mended it, or wants to wait once more.
    rm -f -- "$pcipath_state-$1.since"
}

# As systemd does: type and flags are those of the root file system where /usr has none of its own.
pcipath_mount_usr() { # LINK
    local type flags

    type=$(getarg mount.usrfstype=) || type=$(getarg rootfstype=)
    flags=$(getarg mount.usrflags=) || flags=$(getarg rootflags=)
    if getargbool 0 rw; then
        flags="rw${flags:+,$flags}"
    else
        flags="ro${flags:+,$flags}"
    fi

    # dracut's, of what has mounted root
    if command -v fsck_single > /dev/null && ! getargbool 0 rd.skipfsck; then
        fsck_single "$1" "${type:-auto}" "$flags"
    fi
    mount -t "${type:-auto}" -o "$flags" "$1" "$NEWROOT/usr" || emergency_shell "mount.usr: cannot mount $1"
}
