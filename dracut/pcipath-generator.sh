#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd.generator(7) for root=pcipath: and mount.usr=pcipath: in an initramfs with systemd.
#
# systemd-fstab-generator knows everything about a root file system but these names. So this starts it once more, with a command
# line in which the symlinks come last and win, and lets it write into the early directory, whose units override those of the
# normal one. The rest of the line is passed on byte by byte. $SYSTEMD_PROC_CMDLINE is documented in systemd's
# docs/ENVIRONMENT.md.
#
# systemd runs this at every boot, so it starts no process before it knows that there is something to do.

# The files that dracut's getcmdline() reads.
cmdline=
for file in /etc/cmdline.d/*.conf /etc/cmdline /proc/cmdline /run/initramfs/cmdline.d/*.conf; do
    [ -e "$file" ] || continue
    while read -r line || [ -n "$line" ]; do
        cmdline="$cmdline $line"
    done < "$file"
done
case $cmdline in
    *pcipath*) ;;
    *) exit 0 ;;
esac

# shellcheck source=/dev/null
. /lib/pcipath-lib.sh
pcipath_read_cmdline "$cmdline"

words='' flags='' unit=$pcipath_waits$pcipath_debug

# Appends KEY with the symlink. The user's own mount options come later and override the timeout, which is the one of an image
# without systemd. FLAGS are added only for a device that is there: systemd mounts /usr if it has options.
add_link() { # KEY VALUE FLAGS
    case $2 in
        pcipath:*) ;;
        *) return ;;
    esac
    if link=$(pcipath_link "${2#pcipath:}"); then
        words="$words $1=$link"
        flags="$3=x-systemd.device-timeout=${pcipath_timeout:-${pcipath_retry:-180}} $flags"
    else
        pcipath_printable "pcipath-generator: $1=$2: $link" >&2
        unit=1
    fi
}
add_link root "$pcipath_root" rootflags
add_link mount.usr "$pcipath_usr" mount.usrflags
case $pcipath_resume in
    pcipath:*) unit=1 ;;
esac

start_service() { # DIRECTORY NAME
    mkdir -p "$1/initrd.target.wants"
    ln -s "../$2.service" "$1/initrd.target.wants/"
}
case $pcipath_root in
    pcipath:*) start_service "$1" pcipath-cmdline ;;
esac
# This service waits, ends the boot if something cannot be read, and prints messages for rd.pcipath.debug.
[ -z "$unit" ] || start_service "$1" pcipath-initrd

fstab_generator=${0%/*}/systemd-fstab-generator
if [ "$words" ] && [ -x "$fstab_generator" ]; then
    # An open quote would take the words in.
    SYSTEMD_PROC_CMDLINE=$flags$cmdline$pcipath_open_quote$words exec "$fstab_generator" "$2" "$2" "$2"
fi
