/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Container Device Interface: describes the devices that a container runtime can pass to a container by PCI path. */

#include <stdio.h>

#include "enumerate.h"

/** struct cdi - a specification that is being written; see cdi.c */
struct cdi {
        FILE *out;
        size_t n_devices;
        const char *name; /* of the current device */
        const struct pci_path *path;
        size_t n_nodes, n_interfaces; /* of the current device */
        bool has_interfaces;          /* any device has */
        const struct alias_list *aliases; /* for the kind "alias" */
};

/** struct cdi_kind - a kind of device, "pcipath.dev/NAME"; each kind has a specification of its own */
struct cdi_kind {
        const char *name;
        int (*add_devices)(struct cdi *cdi, const struct enumeration *enumeration);
        const char *const *common; /* nodes that each device needs beside its own, terminated by NULL */
};

#define CDI_VENDOR "pcipath.dev"
#define CDI_KINDS 5

int cdi_make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret);

void cdi_begin_device(struct cdi *cdi, const char *name, const struct pci_path *path);
void cdi_add_node(struct cdi *cdi, const char *path, const char *node, char type);
void cdi_add_existing_nodes(struct cdi *cdi, const char *const *nodes);
void cdi_add_interface(struct cdi *cdi, const char *interface);
void cdi_end_device(struct cdi *cdi);

/* cdi-kinds.c */
extern const struct cdi_kind cdi_kinds[CDI_KINDS];

const struct cdi_kind *cdi_kind_find(const char *name);
