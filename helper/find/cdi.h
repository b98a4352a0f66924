/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Container Device Interface: describes the devices that a container runtime can pass to a container by PCI path. */

#include "enumerate.h"

struct cdi;

/** struct cdi_kind - a kind of device, "pcipath.dev/NAME"; each kind has a specification of its own */
struct cdi_kind {
        const char *name;
        const char *version; /* of the interface, the lowest that has what the specification uses */
        int (*add_devices)(struct cdi *cdi, const struct function *f);
        const char *const *common; /* nodes that each device needs beside its own, terminated by NULL */
};

#define CDI_VENDOR "pcipath.dev"
#define CDI_KINDS 4

extern const struct cdi_kind cdi_kinds[CDI_KINDS];

const struct cdi_kind *cdi_kind_find(const char *name);
int cdi_make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret);
