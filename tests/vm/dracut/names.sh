#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# dracut's last hook before the root file system becomes /: the interfaces of the initramfs, and those that are found by
# the names that it has given.
udevadm settle
ip -j link >/run/initramfs-interfaces
sed -n 's/^E:ID_NET_NAME_PCI_PATH=//p' /run/udev/data/n* | while read -r name; do
    ip -o link show "$name"
done >/run/initramfs-found

# A test may ask for a watch over the links from here on. What is called @... systemd does not end at the change of the root, nor
# does switch_root(8) anything.
if getargbool 0 pcipath.watch; then
    libraries=$(echo "$NEWROOT"/usr/lib/*-linux-gnu)
    ln -s "$NEWROOT/usr/bin/perl" /run/@watch
    (PATH=/run LC_ALL=C LD_LIBRARY_PATH=$libraries @watch "$NEWROOT/usr/local/libexec/watch-links.pl" /dev/disk/by-pci-path \
        /run/links-events < /dev/null > /run/links-problem 2>&1 &)
    until [ -s /run/links-events ] || [ -s /run/links-problem ]; do :; done

    # And for looks at them while udev's database, which is wiped now, does not know the devices: before there is a udevd, and when
    # one has been told of partitions, then of disks, and of nothing that is above them.
    mkdir -p /run/systemd/system/sysinit.target.wants
    cat > /run/look << 'EOF'
cd /dev/disk/by-pci-path
for type in partition disk; do
    [ "$1" = early ] || udevadm trigger --settle --subsystem-match=block --property-match="DEVTYPE=$type"
done
for name in *; do
    node=$(realpath "$name")
    echo "$name $node $(pcipath find "$name") $(pcipath of "$node")" \
        "$(udevadm info -q property "$node" | sed -n 's/^ID_PCI_PATH_LINK=//p')" \
        "$(udevadm info -q symlink "$node" | tr ' ' '\n' | sed -n 's,^disk/by-pci-path/,,p')"
done > "/run/links-$1"
EOF
    # In between it says so, and waits until the kernel has sent the event of the partition of the disk that is in the place of another.
    # Until then the disk is in sysfs, but the kernel drops the events that `udevadm trigger` asks for (Linux 6.1, device_add_disk()), and
    # the late look would wait for them for ever.
    cat > /run/gap << 'EOF'
mkfifo /run/gap-events
udevadm monitor --kernel --subsystem-match=block/partition > /run/gap-events &
while read -r source action device _; do
    case "$source $action $device" in
        'KERNEL - '*) echo 'no udevd runs' > /dev/console ;; # It listens.
        KERNEL*' add '*/vdb1) break ;;
    esac
done < /run/gap-events
EOF
    begin() { # UNIT ORDER COMMAND...
        unit=$1 order=$2
        shift 2
        printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Before=systemd-udev-trigger.service' "$order" \
            '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $*" > "/run/systemd/system/$unit.service"
        ln -s "../$unit.service" /run/systemd/system/sysinit.target.wants
    }
    begin look-early Before=gap.service /run/look early
    begin gap 'Before=systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket' /run/gap
    begin look-late After=systemd-udevd.service /run/look late
fi
