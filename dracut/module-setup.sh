#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Names devices by PCI path from the first event on, waits for those that the kernel's command line names (dracut.pcipath(7)),
# and brings what the kernel needs to see a disk that is plugged in later.

# called by dracut
check() {
    # Not an image without the names, when the package is installed by half.
    [[ -x $dracutsysrootdir$udevdir/pcipath_id ]] || return 1
    [[ -x $dracutsysrootdir$udevdir/pcipath_altname ]] || return 1
    [[ -e $dracutsysrootdir$udevdir/rules.d/61-pcipath.rules ]] || return 1
    find_binary pcipath > /dev/null || return 1

    # Nothing that is mounted needs this module to be mounted: its names are for whoever wants them.
    [[ $mount_needs ]] && return 255

    return 0
}

# called by dracut
depends() {
    echo udev-rules

    # dracut 108 split out the loop that waits for devices.
    local initqueue
    for initqueue in "$dracutbasedir"/modules.d/[0-9][0-9]initqueue; do
        if [[ -d $initqueue ]]; then
            echo initqueue
        fi
    done
}

# called by dracut
installkernel() {
    # What the machine may be given when it runs, not what the machine that builds the image has: so not
    # host-only. Bridges first: a disk is not seen before its slot.
    hostonly='' instmods \
        shpchp vmd pci_hyperv \
        virtio_pci virtio_blk virtio_scsi virtio_pmem nd_pmem virtio_net \
        nvme ahci ata_piix sd_mod sr_mod \
        xhci_pci usb_storage uas
}

# systemd runs this one in the place of its own, if it has that.
inst_generator() { # NAME
    if [[ -x $dracutsysrootdir$systemdutildir/system-generators/$1 ]]; then
        inst_script "$moddir/pcipath-generator.sh" "/etc/systemd/system-generators/$1"
    fi
}

# called by dracut
install() {
    inst_rules 61-pcipath.rules
    inst_binary "$udevdir/pcipath_id"
    inst_binary "$udevdir/pcipath_altname"
    inst_multiple pcipath cat ln mkdir

    inst_simple "$moddir/pcipath-lib.sh" /lib/dracut-pcipath-lib.sh
    inst_hook emergency 50 "$moddir/explain-pcipath.sh"
    inst_hook shutdown-emergency 50 "$moddir/explain-pcipath.sh"
    if dracut_module_included "systemd"; then
        # They have the hook run where there is a use for it: a hook that is there has dracut's service run at each boot.
        inst_generator systemd-fstab-generator
        if dracut_module_included "resume"; then
            inst_generator systemd-hibernate-resume-generator
        fi
        inst_simple "$moddir/parse-pcipath.sh" /lib/dracut-parse-pcipath.sh
    else
        inst_hook cmdline 20 "$moddir/parse-pcipath.sh"
    fi
}
