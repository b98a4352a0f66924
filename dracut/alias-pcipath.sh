#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC3043 # dash, bash and busybox sh have "local"
#
# Compiles the aliases of pcipath-aliases(5) before udevd starts, in an image without systemd. With systemd pcipath-alias.service does.
# It runs before parse-pcipath.sh, which looks up aliases.

pcipath_apply_aliases() {
    local problem line file any=''

    # QEMU's fw_cfg device, by ACPI or device tree.
    for file in /sys/bus/acpi/devices/QEMU0002:* /sys/firmware/devicetree/base/fw-cfg*; do
        [ ! -e "$file" ] || [ -e /sys/firmware/qemu_fw_cfg ] || modprobe -q qemu_fw_cfg 2> /dev/null
    done

    # No process is started where there can be no alias.
    case $(getcmdline) in
        *pcipath.alias=*) any=1 ;;
    esac
    for file in /usr/lib/pcipath/aliases.d/*.conf /etc/pcipath/aliases.d/*.conf /sys/firmware/dmi/tables/DMI \
        /sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/pcipath.aliases; do
        [ ! -e "$file" ] || any=1
    done
    [ "$any" ] || return 0

    problem=$(pcipath alias --apply 2>&1) && return 0
    # shellcheck source=/dev/null
    . /lib/dracut-pcipath-lib.sh
    printf '%s\n' "$problem" | while read -r line; do
        warn "$(pcipath_printable "$line")"
    done
}

pcipath_apply_aliases
