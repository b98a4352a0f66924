#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# Mounts the /usr of mount.usr=pcipath: before the change of root, in an image without systemd: there dracut mounts /usr only
# if /etc/fstab has it.

# Type and options are those of the root file system where /usr has none of its own, as in systemd.
pcipath_mount_usr() { # LINK
    local type flags

    type=$(getarg mount.usrfstype=) || type=$(getarg rootfstype=)
    flags=$(getarg mount.usrflags=) || flags=$(getarg rootflags=)
    if getargbool 0 rw; then
        flags="rw${flags:+,$flags}"
    else
        flags="ro${flags:+,$flags}"
    fi

    # An image has fsck_single if it has fsck.
    if command -v fsck_single > /dev/null && ! getargbool 0 rd.skipfsck; then
        fsck_single "$1" "${type:-auto}" "$flags"
    fi
    mount -t "${type:-auto}" -o "$flags" -- "$1" "$NEWROOT/usr" || emergency_shell "mount.usr: cannot mount $1"
}

case $(getcmdline) in
    *mount.usr=*pcipath:*)
        # shellcheck source=/dev/null
        . /lib/pcipath-lib.sh
        pcipath_read_cmdline "$(getcmdline)"
        case $pcipath_usr in
            pcipath:*) ! link=$(pcipath_link "${pcipath_usr#pcipath:}") || pcipath_mount_usr "$link" ;;
        esac
        ;;
esac
