/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The suffix that identifies a disk below its PCI function, and the name of the disk's link. */

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-device.h>

#include "pci-path.h"

#define DISK_DIRECTORY "disk/by-pci-path" /* below /dev */
#define VFIO_DIRECTORY "vfio/by-pci-path"
#define DISK_LINKS "/dev/" DISK_DIRECTORY "/"

/* What a suffix can begin with. A parser of names knows a suffix by this: no hop of a PCI path has two letters and a '-'. */
#define SUFFIX_ATA "ata-"
#define SUFFIX_FC "fc-"
#define SUFFIX_NVME "nvme-"
#define SUFFIX_SAS "sas-"
#define SUFFIX_SCSI "scsi-"
#define SUFFIX_SUB_FUNCTION "sf-"
#define SUFFIX_USB "usb-"

#define LINK_NAME_MAX 255 /* bytes: NAME_MAX of every file system that /dev can be on */

bool is_disk_suffix(const char *text);
int device_get_link_name(sd_device *device, sd_device *below, sd_device *function, const struct pci_path *path,
                         char buf[static LINK_NAME_MAX + 1]);
