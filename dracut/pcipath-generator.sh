#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In an initramfs with systemd, in the place of those of its generators that read what is to be mounted or resumed from: it has
# their names, in a directory that comes before theirs (systemd.generator(7)). They know nothing of root=pcipath:, mount.usr=pcipath:
# and resume=pcipath:, but all of the rest: fsck, rootflags=, rootfstype=, ro and rw, what a unit is to wait for. So each is
# told the same command line with the links in it, by the variable that systemd has for that (its docs/ENVIRONMENT.md). Run
# at every start: nothing but the shell's own words before it is known that there is a use.
#
# A path that cannot be read is reported by the hook (parse-pcipath.sh), which ends the boot.

generator=/usr/lib/systemd/system-generators/${0##*/}
early=$2

# As dracut's getcmdline() has it.
cmdline=
for file in /etc/cmdline.d/*.conf /etc/cmdline /proc/cmdline; do
    [ -e "$file" ] || continue
    while read -r line || [ -n "$line" ]; do
        cmdline="$cmdline $line"
    done < "$file"
done

drop_in() { # UNIT SECTION LINE
    mkdir -p "$early/$1.d"
    printf '[%s]\n%s\n' "$2" "$3" > "$early/$1.d/pcipath-$2.conf"
}

# dracut's hooks for the command line and its loop are services that an image without a use for them does not run. What they
# ask for to be run cannot be made any more where systemd has /usr read-only (256 and later): so each gets a condition.
run_service() { # NAME
    drop_in "$1.service" Unit 'ConditionPathExists=|/proc/cmdline'
}
case $cmdline in
    *=pcipath:* | *" rd.pcipath.wait="*)
        run_service dracut-cmdline
        drop_in dracut-cmdline.service Service 'ExecStartPre=/bin/sh -c '\
"'. /lib/dracut-lib.sh; ln -sf /lib/dracut-parse-pcipath.sh \"\$\$hookdir/cmdline/20-pcipath.sh\"'"
        ;;
esac
case $cmdline in
    *" rd.pcipath.wait="*) run_service dracut-initqueue ;;
esac
case $cmdline in
    *=pcipath:*) ;;
    *) exec "$generator" "$@" ;;
esac

set -f
words='' devices='' retry='' timeout='' resume=''
for word in $cmdline; do
    flags=
    case $word in
        root=pcipath:*) flags=rootflags ;;
        mount.usr=pcipath:*) flags=mount.usrflags ;;
        resume=pcipath:*) flags=resumeflags ;;
        rd.retry=*) retry=${word#*=} ;;
        rd.timeout=*) timeout=${word#*=} ;;
    esac
    if [ "$flags" ]; then
        link=$(pcipath convert --to=link "${word#*=pcipath:}") || exit 1
        word=${word%%=*}=$link
        devices="$devices $flags"
    fi
    words="$words $word"
    case $word in
        resume=* | resume_offset=*) resume="$resume $word" ;;
    esac
done

# The service that resumes reads the command line again (systemd 255 and later).
[ -z "$resume" ] || drop_in systemd-hibernate-resume.service Service "Environment=\"SYSTEMD_PROC_CMDLINE=$resume\""

# A device is waited for as long as it is without systemd, if the user's own flags, which come later, say nothing else.
# Flags for no device are left out: systemd takes those of /usr for a wish to have it mounted.
for flags in $devices; do
    words="$flags=x-systemd.device-timeout=${timeout:-${retry:-180}} $words"
done
SYSTEMD_PROC_CMDLINE=$words exec "$generator" "$@"
