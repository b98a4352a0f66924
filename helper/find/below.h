/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What can be used below a PCI function: device nodes and network interfaces.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "string-list.h"
#include "sub-function.h"

/** struct usable - a node or interface */
struct usable {
        char *syspath;
        char *subsystem;
        char *name;    /* "/dev/vda", "eth0" */
        unsigned part; /* the number of a partition, or 0 */
        char sub_function[SUB_FUNCTION_MAX + 1]; /* the number of that which the device is below, or empty */
};

struct usables {
        struct usable *items;
        size_t n;
};

int usables_add(struct usables *usables, const char *syspath, const char *subsystem);
int usables_add_vfio(struct usables *usables, const char *function_syspath);
int usables_find(const char *syspath, struct usables *ret, char ret_unreadable[static PATH_MAX]);
int below_find(const char *syspath, struct usables *usables, struct string_list *driverless);
void usables_sort(struct usables *usables);
void usables_clear(struct usables *usables);
