/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Selects child devices of a function. */

#include <stdbool.h>

#include "children.h"
#include "pci-path.h"
#include "disk-suffix.h"

#define SELECTOR_PCI "pci" /* the function itself */
#define SELECTOR_ALL "all"

/** struct selector - which child devices; if all zero, those of the function's default type */
struct selector {
        const char *type;                 /* a subsystem, SELECTOR_ALL, SELECTOR_PCI, or NULL */
        unsigned part;                    /* the number of the partition, or 0 */
        bool any_sub_function;            /* the function and all its sub-functions */
        char sub_function[SUB_FUNCTION_MAX + 1]; /* the number of a sub-function, or empty for the function itself */
        bool is_interface;                /* only an interface; the suffix is that of its port */
        char suffix[LINK_NAME_MAX + 1];   /* of the link's name, "nvme-1", or of a port, "np0"; or empty */
};

const char *selector_default_type(const char *function_syspath, const struct child_devices *children);
int child_device_is_selected(const struct child_device *u, const struct selector *selector, const char *default_type,
                             const struct pci_path *path);
