/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What this package knows of QEMU's types of devices and buses: a table with a row for each.
 */

#include "machine.h"

enum qemu_bus {
        QEMU_BUS_NONE, /* nothing on it is of interest */
        QEMU_BUS_PCI,
        QEMU_BUS_VIRTIO,
        QEMU_BUS_SCSI,
        QEMU_BUS_IDE,
        QEMU_BUS_USB,
        QEMU_BUS_NVME,
};

/* How the guest's words for a disk are found. */
enum qemu_suffix {
        SUFFIX_NONE,
        SUFFIX_FUNCTION,   /* the function is the disk */
        SUFFIX_NVME,       /* with a drive it is its one namespace */
        SUFFIX_NAMESPACE,
        SUFFIX_SCSI,
        SUFFIX_ATA,
        SUFFIX_USB_STORAGE,
        SUFFIX_USB_SCSI,   /* an adapter whose disks are devices of their own */
        SUFFIX_CARD,       /* no disk: a network card, which may be made as a virtual function of another */
        SUFFIX_EXPANDER,   /* no disk: another root bus, with bus_nr */
        SUFFIX_PORT,       /* no disk: a port that may have been told to refuse plugs */
};

#define QEMU_PROPERTIES_MAX 3

/** struct qemu_type - of a device */
struct qemu_type {
        const char *pattern; /* of fnmatch() */
        const char *kind;
        enum node node;
        enum qemu_suffix suffix;
        bool leaf;           /* no bus below it is of interest: ask less */
        enum slots slots;    /* of the bus that it leads to */
        bool takes_no_plugs; /* a bus that leads to ports, which QEMU cannot plug */
        bool own_suffix;      /* an adapter for whose disks the guest's driver has words of its own */
        const char *properties[QEMU_PROPERTIES_MAX];
};

const struct qemu_type *qemu_type_find(const char *type);
enum qemu_bus qemu_bus_find(const char *type);
