/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The child devices of a PCI function: device nodes and network interfaces below it. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "interface-name.h"
#include "string-list.h"
#include "sub-function.h"

/** struct child_device - a device node or an interface */
struct child_device {
        char *syspath;
        char *subsystem;
        char *name;    /* "/dev/vda", "eth0" */
        unsigned part; /* the number of the partition, or 0 */
        char sub_function[SUB_FUNCTION_MAX + 1]; /* the number of the sub-function above the device, or empty */
};

struct child_devices {
        struct child_device *items;
        size_t n;
};

int child_devices_add(struct child_devices *children, const char *syspath, const char *subsystem);
int child_devices_add_vfio(struct child_devices *children, const char *function_syspath);
int child_devices_find(const char *syspath, struct child_devices *ret, char ret_unreadable[static PATH_MAX]);
int children_find(const char *syspath, struct child_devices *children, struct string_list *driverless);
void child_devices_sort(struct child_devices *children);
int child_device_get_interface_name(const struct child_device *u, const struct pci_path *path,
                                    char name[static INTERFACE_NAME_MAX + 1]);
void child_devices_clear(struct child_devices *children);
