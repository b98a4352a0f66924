/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The devices of this machine in the terms of "pcipath-host list": functions, disks and interfaces. */

#include "enumerate.h"
#include "kind.h"
#include "saved-list.h"

struct guest_device {
        const struct function *function;
        const struct child_device *child; /* NULL for the function itself */
        struct pci_kind function_kind;
        enum list_name name;
        char *suffix; /* of a disk; else empty */
        char *label;  /* the serial number of a disk or the MAC address of an interface, or NULL */
        const struct list_row *row; /* the row of the list that is this device, or NULL */
};

/* Sorted by path. A function comes before its disks and interfaces. */
struct guest_devices {
        struct guest_device *items;
        size_t n;
};

int guest_devices_find(const struct enumeration *enumeration, struct guest_devices *ret);
void guest_devices_clear(struct guest_devices *devices);
const char *guest_device_kind(const struct guest_device *device);

#define _cleanup_guest_devices_ __attribute__((__cleanup__(guest_devices_clear)))
