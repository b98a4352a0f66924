/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * QEMU's types of devices and buses: a table with a row for each type.
 */

#include "label.h"

enum qemu_bus {
        QEMU_BUS_NONE, /* a bus to skip */
        QEMU_BUS_PCI,
        QEMU_BUS_VIRTIO,
        QEMU_BUS_SCSI,
        QEMU_BUS_IDE,
        QEMU_BUS_USB,
        QEMU_BUS_NVME,
        QEMU_BUS_ZPCI, /* its devices have the uids of functions; see qemu-zpci.c */
};

/* How the suffix of a disk is made; a few rows without a disk use it for other properties. */
enum qemu_suffix {
        QEMU_SUFFIX_NONE,
        QEMU_SUFFIX_FUNCTION,   /* the function is the disk */
        QEMU_SUFFIX_NVME,       /* with the property drive, the controller has one namespace */
        QEMU_SUFFIX_NAMESPACE,
        QEMU_SUFFIX_SCSI,
        QEMU_SUFFIX_ATA,
        QEMU_SUFFIX_USB_STORAGE,
        QEMU_SUFFIX_USB_SCSI,   /* an adapter whose disks are devices of their own */
        QEMU_SUFFIX_CARD,       /* no disk: a network card, or a virtual function of one (sriov-pf) */
        QEMU_SUFFIX_EXPANDER,   /* no disk: another root bus, with bus_nr */
        QEMU_SUFFIX_PORT,       /* no disk: a port, which may have hotplug=off */
};

#define QEMU_PROPERTIES_MAX 3
#define QEMU_LABELS_MAX 2

/** struct qemu_type - a type of device */
struct qemu_type {
        const char *pattern; /* for fnmatch() */
        const char *kind;
        enum node node;
        enum qemu_suffix suffix;
        bool leaf;           /* has no buses to read */
        bool is_bridge;      /* has a PCI bus behind it */
        enum slots slots;    /* of the bus behind it */
        bool takes_no_plugs; /* the bus behind it has ports, which QEMU cannot hotplug */
        bool own_suffix;     /* an adapter whose driver in the guest makes suffixes of its own */
        const char *properties[QEMU_PROPERTIES_MAX];
        const struct label_key *labels; /* QEMU_LABELS_MAX properties, or NULL */
};

const struct qemu_type *qemu_type_find(const char *type);
enum qemu_bus qemu_bus_find(const char *type);
