#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043,SC2034 # dash, bash and busybox sh have "local"; the scripts use the variables
#
# Functions that dracut's hooks, the systemd generator and the scripts of initramfs-tools and mkinitcpio share.
#
# The kernel command line is untrusted text. These functions never put it into a script or a unit, never pass it to a program
# as an option, and print it only through pcipath_printable. pcipath itself checks paths and numbers of seconds.

pcipath_newline='
'

# Prints TEXT on one line. Replaces each character that can mean something to a shell within double quotes, to echo or to a
# terminal: dracut writes messages into a script of its own.
pcipath_printable() { # TEXT
    local LC_ALL=C rest="$1" text='' plain

    while :; do
        plain=${rest%%[!A-Za-z0-9 ,.:\;/=_@()+%#\'-]*}
        text=$text$plain
        [ "$plain" != "$rest" ] || break
        rest=${rest#"$plain"?}
        text="$text?"
    done
    printf '%s\n' "$text"
}

# Calls FUNCTION with each word of a kernel command line, as systemd splits it: quotes of both kinds keep blanks and are
# removed, a backslash is an ordinary character. Sets $pcipath_open_quote to a quote that is never closed.
pcipath_split() { # LINE FUNCTION
    local LC_ALL=C rest="$1" blanks word='' started='' plain

    blanks=$(printf ' \t\r\n.')
    blanks=${blanks%.}
    pcipath_open_quote=''
    while [ "$rest" ]; do
        case $pcipath_open_quote in
            \') plain=${rest%%\'*} ;;
            \") plain=${rest%%\"*} ;;
            *) plain=${rest%%["$blanks"\'\"]*} ;;
        esac
        word=$word$plain
        rest=${rest#"$plain"}
        [ "$rest" ] || break

        case $pcipath_open_quote,$rest in
            ?,*) pcipath_open_quote='' ;;
            ,\'* | ,\"*)
                pcipath_open_quote=${rest%"${rest#?}"}
                started=1
                ;;
            *)
                [ -z "$word$started" ] || "$2" "$word"
                word='' started=''
                ;;
        esac
        rest=${rest#?}
    done
    [ -z "$word$started" ] || "$2" "$word"
}

pcipath_is_number() { # TEXT
    case $1 in
        '' | *[!0-9]*) return 1 ;;
    esac
}

pcipath_take_word() { # WORD
    case $1 in
        root=*) pcipath_root=${1#*=} ;;
        mount.usr=*) pcipath_usr=${1#*=} ;;
        resume=*) pcipath_resume=${1#*=} ;;
        noresume | noresume=*) pcipath_noresume=1 ;;
        rd.pcipath.wait=*) pcipath_waits=$pcipath_waits${1#*=}$pcipath_newline ;;
        rd.pcipath.debug=0 | rd.pcipath.debug=no | rd.pcipath.debug=off) pcipath_debug='' ;;
        rd.pcipath.debug | rd.pcipath.debug=*) pcipath_debug=1 ;;
        rd.retry=*) ! pcipath_is_number "${1#*=}" || pcipath_retry=${1#*=} ;;
        rd.timeout=*) ! pcipath_is_number "${1#*=}" || pcipath_timeout=${1#*=} ;;
    esac
}

# Sets $pcipath_... from a kernel command line. The last value of a parameter counts; $pcipath_waits has a line for each wait.
pcipath_read_cmdline() { # LINE
    pcipath_root='' pcipath_usr='' pcipath_resume='' pcipath_noresume='' pcipath_waits='' pcipath_debug='' pcipath_retry=''
    pcipath_timeout=''
    pcipath_split "$1" pcipath_take_word
    [ -z "$pcipath_noresume" ] || pcipath_resume=''
}

# Prints the symlink of a disk; fails and prints the reason if there can be none. A shell may read the symlink as it stands.
pcipath_link() { # TARGET
    local LC_ALL=C link

    # pcipath reads "-" as its standard input.
    if link=$(pcipath convert --to=link -- "$1" 2>&1 < /dev/null); then
        case $link in
            '' | *[!A-Za-z0-9:._/-]*) link="pcipath: not a path" ;;
            /dev/disk/by-pci-path/*)
                echo "$link"
                return 0
                ;;
        esac
    fi
    printf '%s\n' "${link%%"$pcipath_newline"*}"
    return 1
}

# Splits the value of rd.pcipath.wait= into $pcipath_list and $pcipath_seconds.
pcipath_split_wait() { # VALUE DEFAULT
    pcipath_list=$1 pcipath_seconds=$2
    case $1 in
        *,timeout=*)
            pcipath_list=${1%,timeout=*}
            pcipath_seconds=${1##*,timeout=}
            ;;
    esac
}

# Fails and prints the reason if pcipath cannot read the value of rd.pcipath.wait=. Does not wait: the last timeout counts.
pcipath_check_wait() { # VALUE
    local problem status=0

    pcipath_split_wait "$1" 0
    problem=$(pcipath wait --timeout="$pcipath_seconds" --timeout=0 -- "$pcipath_list" 2>&1 > /dev/null) || status=$?
    case $status in
        2 | 3) printf '%s\n' "${problem%%"$pcipath_newline"*}" ;;
        *) return 0 ;;
    esac
    return 1
}

pcipath_target_of_part() { # NAME-partN
    printf 'alias:%s,part=%s\n' "${1%-part*}" "${1##*-part}"
}

# Prints what VALUE of root= names, as an operand of pcipath; prints nothing if it is not a PCI path or alias.
pcipath_target() { # VALUE
    case ${1#block:} in
        pcipath:*) printf '%s\n' "${1#*pcipath:}" ;;
        /dev/disk/by-pci-path/*) printf '%s\n' "${1##*/}" ;;
        /dev/disk/by-pci-alias/*-part[1-9]*) pcipath_target_of_part "${1##*/}" ;;
        /dev/disk/by-pci-alias/*) printf 'alias:%s\n' "${1##*/}" ;;
    esac
}

pcipath_print_lines() {
    local line

    while read -r line; do
        pcipath_printable "$line"
    done
}

# Compiles the aliases of pcipath-aliases(5), and prints problems. Starts no program where there can be no alias.
pcipath_apply_aliases() { # CMDLINE
    local file any=''

    # QEMU's fw_cfg device, by ACPI or device tree.
    for file in /sys/bus/acpi/devices/QEMU0002:* /sys/firmware/devicetree/base/fw-cfg*; do
        [ ! -e "$file" ] || [ -e /sys/firmware/qemu_fw_cfg ] || modprobe -q qemu_fw_cfg 2> /dev/null
    done

    case $1 in
        *pcipath.alias=*) any=1 ;;
    esac
    for file in /usr/lib/pcipath/aliases.d/*.conf /etc/pcipath/aliases.d/*.conf /sys/firmware/dmi/tables/DMI \
        /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/pcipath.aliases; do
        [ ! -e "$file" ] || any=1
    done
    [ -z "$any" ] || pcipath alias --apply 2>&1 | pcipath_print_lines
}

# Waits for the devices of VALUE, which PARAMETER has. On a timeout, prints what is missing and calls FAIL with a message. Whoever leaves
# the shell that FAIL starts has solved the problem or wants to wait again.
pcipath_hold() { # PARAMETER VALUE SECONDS FAIL
    local problem status

    pcipath_split_wait "$2" "$3"
    until problem=$(pcipath wait --timeout="$pcipath_seconds" -- "$pcipath_list" 2>&1 > /dev/null); do
        status=$?
        printf '%s\n' "$problem" | pcipath_print_lines
        if [ "$status" -eq 2 ]; then
            "$4" "$(pcipath_printable "$1=$2: cannot be read")"
            return
        fi
        echo "pcipath: these devices are plugged in:"
        pcipath list 2>&1 | pcipath_print_lines
        "$4" "$(pcipath_printable "$1=$2: not all devices are ready after $pcipath_seconds seconds")"
    done
}

# For an initramfs that has no such wait of its own: holds the boot for rd.pcipath.wait=, then for a root disk that is named by PCI path
# or alias. The timeout is at least 30 seconds; ROOTDELAY can be longer.
pcipath_hold_boot() { # CMDLINE ROOT ROOTDELAY FAIL
    local seconds=30 waits value target

    if pcipath_is_number "${3%%.*}" && [ "${3%%.*}" -gt 30 ]; then
        seconds=${3%%.*}
    fi
    case $1 in
        *rd.pcipath.wait=*)
            pcipath_read_cmdline "$1"
            waits=$pcipath_waits
            while [ "$waits" ]; do
                value=${waits%%"$pcipath_newline"*}
                waits=${waits#*"$pcipath_newline"}
                pcipath_hold rd.pcipath.wait "$value" "$seconds" "$4"
            done
            ;;
    esac
    target=$(pcipath_target "$2")
    [ -z "$target" ] || pcipath_hold root "$target" "$seconds" "$4"
}
