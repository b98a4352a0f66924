#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd's generators know nothing of root=pcipath: and mount.usr=pcipath:, but all of mounting: fsck, rootflags=,
# rootfstype=, ro and rw, what a unit is to wait for. So they are told the same command line with the links in it, by the
# variable that systemd has for that (its docs/ENVIRONMENT.md). What comes of it lies in the early directory, before what
# they make of the real one. Run at every start: nothing but the shell's own words before it is known that there is a use.
#
# A path that cannot be read is reported by the hook (parse-pcipath.sh), which ends the boot.

early=$2

# As dracut's getcmdline() has it.
cmdline=
for file in /etc/cmdline.d/*.conf /etc/cmdline /proc/cmdline; do
    [ -e "$file" ] || continue
    while read -r line || [ -n "$line" ]; do
        cmdline="$cmdline $line"
    done < "$file"
done

# dracut's hooks for the command line and its loop are services that an image without a use for them does not run. What they
# ask for to be run cannot be made any more where systemd has /usr read-only (256 and later): so each gets a condition.
run_service() { # NAME
    mkdir -p "$early/$1.service.d"
    printf '[Unit]\nConditionPathExists=|/proc/cmdline\n' > "$early/$1.service.d/pcipath.conf"
}
case $cmdline in
    *=pcipath:* | *" rd.pcipath.wait="*)
        run_service dracut-cmdline
        cat >> "$early/dracut-cmdline.service.d/pcipath.conf" << 'EOF'
[Service]
ExecStartPre=/bin/sh -c '. /lib/dracut-lib.sh; ln -s /lib/dracut-parse-pcipath.sh "$$hookdir/cmdline/20-pcipath.sh"'
EOF
        ;;
esac
case $cmdline in
    *" rd.pcipath.wait="*) run_service dracut-initqueue ;;
esac
case $cmdline in
    *=pcipath:*) ;;
    *) exit 0 ;;
esac

set -f
words='' devices='' retry='' timeout=''
for word in $cmdline; do
    flags=
    case $word in
        root=pcipath:*) flags=rootflags ;;
        mount.usr=pcipath:*) flags=mount.usrflags ;;
        rd.retry=*) retry=${word#*=} ;;
        rd.timeout=*) timeout=${word#*=} ;;
    esac
    if [ "$flags" ]; then
        link=$(pcipath convert --to=link "${word#*=pcipath:}") || exit 1
        word=${word%%=*}=$link
        devices="$devices $flags"
    fi
    words="$words $word"
done

# A device is waited for as long as it is without systemd, if the user's own flags, which come later, say nothing else.
# Flags for no device are left out: systemd takes those of /usr for a wish to have it mounted.
for flags in $devices; do
    words="$flags=x-systemd.device-timeout=${timeout:-${retry:-180}} $words"
done
SYSTEMD_PROC_CMDLINE=$words exec "${0%/*}/systemd-fstab-generator" "$early" "$early" "$early"
