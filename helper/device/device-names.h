/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All names of a device, one for each PCI path that leads to it. Most devices have one. An NVMe multipath head has one
 * for each of its controllers. The node of an IOMMU group has one for each function of the group.
 */

#include <stddef.h>

#include "disk-suffix.h"

struct name {
        struct pci_path path;
        char link[LINK_NAME_MAX + 1]; /* of a disk or partition; empty if there is none */
        int link_error;               /* why there is no link, as returned by device_get_link_name(), or 0 */
};

/* Sorted by path. */
struct names {
        struct name *items;
        size_t n;
};

int device_get_names(sd_device *device, struct names *ret);
int syspath_get_names(const char *syspath, struct names *ret);
void names_clear(struct names *names);

#define _cleanup_names_ __attribute__((__cleanup__(names_clear)))
