/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parts of the names that are made from a PCI path, on the guest and on its host: directories, prefixes, suffixes
 * and limits.
 */

#include <stdbool.h>
#include <stddef.h>

/* Below /dev. */
#define LINK_DIRECTORY(of) of "/by-pci-path"
#define DISK_DIRECTORY LINK_DIRECTORY("disk")
#define VFIO_DIRECTORY LINK_DIRECTORY("vfio")
#define DISK_LINKS "/dev/" DISK_DIRECTORY "/"
#define ALIAS_DIRECTORY "disk/by-pci-alias" /* names that the host gives */
#define ALIAS_LINKS "/dev/" ALIAS_DIRECTORY "/"
#define PARTITION_SUFFIX "-part"

/*
 * The first parts of suffixes. A parser recognizes a suffix by them, because no hop of a PCI path has two letters and a
 * '-'.
 */
#define SUFFIX_ATA "ata-"
#define SUFFIX_FC "fc-"
#define SUFFIX_NVME "nvme-"
#define SUFFIX_SAS "sas-"
#define SUFFIX_SCSI "scsi-"
#define SUFFIX_SUB_FUNCTION "sf-"
#define SUFFIX_USB "usb-"

#define LINK_NAME_MAX 255 /* bytes: NAME_MAX of every file system that /dev can be on */

#define INTERFACE_PREFIX "pci-"
#define INTERFACE_SUB_FUNCTION 'S' /* before the number of a sub-function */
#define INTERFACE_PORT_NAME 'n'    /* before the driver's name of a port */
#define INTERFACE_PORT_NUMBER 'd'  /* before the number of a port */
#define INTERFACE_STANDBY "nsby"    /* of the standby interface of a virtio card */
#define INTERFACE_NAME_MAX 127 /* bytes: ALTIFNAMSIZ of <linux/if.h> without its null byte */

extern const char *const link_directories[]; /* "/dev/disk/by-pci-path" and the others; ends with NULL */

bool is_disk_suffix(const char *text);
size_t interface_suffix_span(const char *text);
