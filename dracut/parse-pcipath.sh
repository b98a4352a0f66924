#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # each shell that dracut takes has local
#
# Before what reads $root (dracut's parse-block.sh, or dracut-cmdline after all hooks): root=pcipath:TARGET becomes the link
# of the disk, and so do others; with systemd they do in its generators. What cannot be read ends the boot here.

# Sets $link. pcipath says where and why a path cannot be read.
pcipath_parse_disk() { # PARAMETER TARGET
    link=$(pcipath convert --to=link "$2" 2>&1) || die "$1=pcipath:$2: ${link%%"
"*}"
    ! [ -e "$pcipath_state-debug" ] || warn "$1=pcipath:$2 is $link"
}

# For dracut's loop: it goes on when a look has found everything, and gives up when the time is over.
pcipath_add_wait() { # NUMBER LIST SECONDS
    local problem status=0

    problem=$(pcipath wait --timeout=0 "$2" 2>&1 > /dev/null) || status=$?
    case $status in
        2 | 3) die "rd.pcipath.wait=$2: ${problem%%"
"*}" ;;
    esac

    echo "pcipath wait --timeout=0 '$2' > /dev/null 2>&1" > "$hookdir/initqueue/finished/pcipath-$1.sh"
    if [ "$3" ] || [ -e "$pcipath_state-debug" ]; then
        echo ". /lib/dracut-pcipath-lib.sh; pcipath_watch $1 '$2' '$3'" > "$hookdir/initqueue/pcipath-$1.sh"
    fi
}

pcipath_parse_waits() {
    local list seconds number=0

    for list in $(getargs rd.pcipath.wait=); do
        seconds=
        case $list in
            *,timeout=*)
                seconds=${list##*,timeout=}
                list=${list%,timeout=*}
                isdigit "$seconds" || die "rd.pcipath.wait=$list,timeout=$seconds: not a number of seconds"
                ;;
        esac
        number=$((number + 1))
        pcipath_add_wait "$number" "$list" "$seconds"
    done
}

# dracut mounts /usr by fstab alone; systemd by mount.usr=, too.
pcipath_add_usr() {
    wait_for_dev "$link"
    echo ". /lib/dracut-pcipath-lib.sh; pcipath_mount_usr '$link'" > "$hookdir/pre-pivot/50-pcipath-usr.sh"
}

# dracut's own hook, which comes before this and has not been told of a device that it knows, has left a hook before the
# root file system is mounted, which resumes from $resume, and has the boot wait for /dev/resume.
pcipath_set_resume() {
    resume=$link
    echo "SYMLINK==\"${link#/dev/}\", SYMLINK+=\"resume\"" > /etc/udev/rules.d/99-pcipath-resume.rules
}

pcipath_parse() {
    local link value

    if getargbool 0 rd.pcipath.debug; then
        : > "$pcipath_state-debug"
    fi

    case $root in
        pcipath:* | block:pcipath:*)
            pcipath_parse_disk root "${root#*pcipath:}"
            root=block:$link
            ;;
    esac

    value=$(getarg mount.usr=)
    case $value in
        pcipath:*)
            pcipath_parse_disk mount.usr "${value#pcipath:}"
            [ "$DRACUT_SYSTEMD" ] || pcipath_add_usr
            ;;
    esac

    value=$(getarg resume=)
    case $value in
        pcipath:*)
            pcipath_parse_disk resume "${value#pcipath:}"
            [ "$resume" != "$value" ] || pcipath_set_resume
            ;;
    esac

    pcipath_parse_waits
}

# Each question to the command line takes processes, and most boots have none for us.
case $(getcmdline) in
    *pcipath[:.]*)
        # shellcheck source=/dev/null
        . /lib/dracut-pcipath-lib.sh
        pcipath_parse
        ;;
esac
