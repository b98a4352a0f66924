/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state while a domain is read, and access to its elements.
 */

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "libvirt-models.h"
#include "error.h"
#include "qemu-machines.h"

#define CONTROLLERS_MAX 256

/** struct controller_bus - a PCI controller and its bus */
struct controller_bus {
        const xmlNode *element;
        const struct libvirt_model *model;
        struct bus *bus;
};

/** struct adapter - a disk controller, which disks refer to in their address */
struct adapter {
        const char *type; /* "scsi", "sata", "ide", "usb" */
        unsigned index;
        enum scsi_numbers {
                SCSI_UNKNOWN,
                SCSI_TARGETS,
                SCSI_UNITS
        } scsi;
        struct device *function; /* NULL if the adapter is not on PCI */
        unsigned n_disks;        /* disks read so far */
};

struct domain {
        const char *file;
        struct machine *machine;
        struct error *error;
        const struct qemu_machine *type; /* NULL if the machine type is unknown */
        bool is_bhyve, has_acpi;
        struct controller_bus controllers[CONTROLLERS_MAX];
        struct adapter *adapters; /* sorted by domain_sort_adapters() */
        size_t n_adapters;
        unsigned n_interfaces, n_hostdevs; /* numbers for the next aliases */
};

static inline bool domain_is_s390(const struct domain *d) {
        return d->type && d->type->root_number == ROOT_BY_UID;
}

#define ELEMENT_NAME_MAX 96

/* libvirt-xml.c */
bool element_is(const xmlNode *element, const char *name);
bool element_attribute_is(const xmlNode *element, const char *attribute, const char *value);
const xmlNode *element_child(const xmlNode *element, const char *name);
xmlChar *element_child_attribute(const xmlNode *element, const char *child, const char *attribute);
const char *element_describe(const xmlNode *element, char buf[static ELEMENT_NAME_MAX]);
int element_parse_number(const xmlNode *element, const char *attribute, unsigned most, unsigned *ret);
int element_get_number(const struct domain *d, const xmlNode *element, const char *attribute, unsigned most,
                       unsigned *ret);

/* libvirt-id.c */
int domain_identify(struct domain *d, const xmlNode *element, struct device *device);

/* libvirt-label.c */
int element_set_labels(const xmlNode *element, struct device *device);

/* libvirt-function.c */
int domain_add_controller(struct domain *d, const xmlNode *element);
int domain_add_function(struct domain *d, const xmlNode *element, const xmlNode *address);
int domain_add_without_path(struct domain *d, const xmlNode *element, const char *reason);

/* libvirt-adapter.c */
int domain_add_adapter(struct domain *d, const xmlNode *element, struct device *function);
void domain_sort_adapters(struct domain *d);
int domain_add_disk(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type);

int set_element_error(const struct domain *d, const xmlNode *element, const char *what);

static inline void freexmlp(xmlChar **text) {
        xmlFree(*text);
}

#define _cleanup_xml_ _cleanup_(freexmlp)
