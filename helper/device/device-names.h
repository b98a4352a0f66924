/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All the names of a device: one for each place where it is plugged in. That is one place, but for an NVMe multipath
 * head, which is plugged in where each of its controllers is, and for an IOMMU group's node, which is where each of the group's
 * functions is.
 */

#include <stddef.h>

#include "disk-suffix.h"

struct name {
        struct pci_path path;
        char link[LINK_NAME_MAX + 1]; /* of a disk or partition; empty when it has none */
        int link_error;               /* that it has none for, as device_get_link_name() has it, or 0 */
};

/* In the order of paths. */
struct names {
        struct name *items;
        size_t n;
};

int device_get_names(sd_device *device, struct names *ret);
int syspath_get_names(const char *syspath, struct names *ret);
void names_clear(struct names *names);

#define _cleanup_names_ __attribute__((__cleanup__(names_clear)))
