#!/bin/sh
# Runs the commands that the test sends over the virtio-serial port named pcipath.agent, one at a time. In: a line
# "ID COMMAND", the command escaped for printf's %b. Out: a line "ID STATUS OUT ERR", then OUT bytes of its standard
# output and ERR bytes of its standard error. The first line out, "0 0 0 0", says that it is there.
# Needs no more than a shell, cat and wc, so that it also runs in an initramfs.

for name in /sys/class/virtio-ports/*/name; do
    read -r port <"$name" && [ "$port" = pcipath.agent ] && break
done
name=${name%/name}
exec 3<>"/dev/${name##*/}" || exit 1
cd /run || exit 1

echo 0 0 0 0 >&3
while read -r id command <&3; do
    (eval "$(printf %b "$command")") </dev/null >agent.out 2>agent.err 3>&-
    status=$?
    echo "$id" "$status" $(wc -c <agent.out) $(wc -c <agent.err) >&3
    cat agent.out agent.err >&3
done
