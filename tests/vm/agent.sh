#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the commands that the test sends over the virtio-serial port named pcipath.agent, one at a time.
#
#   in    "ID LINES", then the command, so many lines of it
#   out   "ID STATUS OUT ERR", then OUT bytes of standard output and ERR bytes of standard error
#
# The first line out, "0 0 0 0", says that it is there. A null byte in a command's output is dropped. It needs a shell and
# nothing more, so that it also runs in an initramfs, and starts no process but the command: each takes an emulated machine
# twenty milliseconds or more.

LC_ALL=C
for port in /sys/class/virtio-ports/*; do
    read -r name <"$port/name" && [ "$name" = pcipath.agent ] && break
done
exec 3<>"/dev/${port##*/}" || exit 1

echo 0 0 0 0 >&3
while read -r id lines <&3; do
    command=
    while [ "$lines" -gt 0 ] && IFS= read -r line <&3; do
        command="$command$line
"
        lines=$((lines - 1))
    done
    # The full stop keeps the newlines at the end of the output, which $() would drop.
    out=$( (eval "$command") </dev/null 2>/run/agent.err 3>&-; status=$?; printf .; exit $status)
    status=$?
    out=${out%.}
    err=
    if [ -s /run/agent.err ]; then
        err=$(cat /run/agent.err; printf .)
        err=${err%.}
    fi
    printf '%s %s %s %s\n%s%s' "$id" "$status" "${#out}" "${#err}" "$out" "$err" >&3
done
