/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The QEMU machine types for which the guest's numbers of PCI root buses are known: a table with a row for each. The
 * QMP backend finds a row by the host bridge, the libvirt backend by the machine type. Devices of other machines get no
 * path.
 */

#include <stdbool.h>
#include <stdint.h>

enum root_number {
        ROOT_ZERO,     /* one root bus, 0000:00 */
        ROOT_BY_INDEX, /* the domain is the host bridge's index */
        ROOT_BY_UID,   /* each function has its own domain, numbered by its uid */
};

#define QEMU_MACHINE_PATTERNS_MAX 6

/* The reason why a device has no path on a machine with ROOT_BY_UID. */
#define BRIDGE_ON_S390 "a bridge, which guests on s390 do not show"

/** struct qemu_machine - machine types with one host bridge */
struct qemu_machine {
        const char *host_bridge;                          /* QEMU's type */
        const char *patterns[QEMU_MACHINE_PATTERNS_MAX];  /* of machine types, for fnmatch() */
        enum root_number root_number;
        uint32_t built_in;                                /* slots of devices that libvirt's XML does not list */
        const char *built_in_type;                        /* libvirt calls the first controller of this type "ide" */
        bool needs_acpi;                                  /* hotplug works only with ACPI */
        const char *no_hotplug, *no_room;                 /* see struct machine */
};

const struct qemu_machine *qemu_machine_find_by_type(const char *machine_type);
const struct qemu_machine *qemu_machine_find_by_host_bridge(const char *type);
