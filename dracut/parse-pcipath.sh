#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# Checks what the kernel command line names by PCI path, and ends the boot if it cannot be read.
#
# Without systemd in the image this is a hook that runs before parse-block.sh, which reads $root: it replaces root=pcipath:TARGET by
# the symlink of the disk. With systemd the generator has done that for the mount. pcipath-cmdline.service makes this a hook for dracut's
# own $root, and pcipath-initrd.service runs it.

pcipath_die() { # PARAMETER VALUE REASON
    die "$(pcipath_printable "$1=$2: $3")"
}

# Sets $link, or fails if VALUE is not a PCI path.
pcipath_get_link() { # PARAMETER VALUE
    case $2 in
        pcipath:*) ;;
        *) return 1 ;;
    esac
    link=$(pcipath_link "${2#pcipath:}") || pcipath_die "$1" "$2" "$link"
    [ -z "$pcipath_debug" ] || warn "$(pcipath_printable "$1=$2 is $link")"
}

# dracut's hook has run before and knows no such device: the udev rule gives the disk the name that this hook waits for.
pcipath_set_resume() {
    resume=$link
    echo "SYMLINK==\"${link#/dev/}\", SYMLINK+=\"resume\"" > /etc/udev/rules.d/99-pcipath-resume.rules
}

pcipath_parse() {
    local link reason waits value

    pcipath_read_cmdline "$(getcmdline)"
    if [ "${DRACUT_SYSTEMD-}" ]; then
        ! pcipath_get_link root "$pcipath_root" || root=block:$link
        pcipath_get_link mount.usr "$pcipath_usr" || :
        if pcipath_get_link resume "$pcipath_resume"; then
            pcipath_die resume "$pcipath_resume" "not supported with systemd in the initramfs. Use resume=$link"
        fi
    else
        ! pcipath_get_link root "${root#block:}" || root=block:$link
        ! pcipath_get_link mount.usr "$pcipath_usr" || wait_for_dev "$link"
        # Not set if the image has no module that resumes.
        ! pcipath_get_link resume "${resume-}" || pcipath_set_resume
    fi

    waits=$pcipath_waits
    while [ "$waits" ]; do
        value=${waits%%"$pcipath_newline"*}
        waits=${waits#*"$pcipath_newline"}
        reason=$(pcipath_check_wait "$value") || pcipath_die rd.pcipath.wait "$value" "$reason"
    done
}

# Most command lines have nothing for this module.
case $(getcmdline) in
    *pcipath*)
        # shellcheck source=/dev/null
        . /lib/pcipath-lib.sh
        pcipath_parse
        ;;
esac
