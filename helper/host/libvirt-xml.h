/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The state while a domain is read, and access to its elements.
 */

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "libvirt-models.h"
#include "libvirt-types.h"
#include "error.h"
#include "qemu-machines.h"

#define CONTROLLERS_MAX 256

/** struct controller_bus - a PCI controller and its bus */
struct controller_bus {
        const xmlNode *element;
        const struct libvirt_model *model;
        struct bus *bus;
        bool is_double; /* another controller has the same index */
};

/** struct adapter - a disk controller, which disks refer to in their address */
struct adapter {
        const char *type; /* "scsi", "sata", "ide", "usb", "nvme" */
        unsigned index;
        enum scsi_numbers {
                SCSI_UNKNOWN,
                SCSI_TARGETS,
                SCSI_UNITS
        } scsi;
        bool is_lsilogic;        /* the aliases of its disks have no target */
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
        struct bus_name *bus_names; /* sorted by domain_sort_buses() */
        size_t n_bus_names;
        struct override *overrides; /* sorted by domain_read_overrides() */
        size_t n_overrides;
        size_t n_numbered[LIBVIRT_NUMBERS_MAX]; /* by the counters of libvirt_find_numbers() */
};

/** struct drive - <address type='drive'> */
struct drive {
        unsigned controller, bus, target, unit;
};

static inline bool domain_is_s390(const struct domain *d) {
        return d->type && d->type->root_number == ROOT_BY_UID;
}

/* libvirt-xml.c */
bool element_is(const xmlNode *element, const char *name);
bool element_attribute_is(const xmlNode *element, const char *attribute, const char *value);
const xmlNode *element_child(const xmlNode *element, const char *name);
bool element_child_attribute_is(const xmlNode *element, const char *child, const char *attribute, const char *value);
xmlChar *element_child_attribute(const xmlNode *element, const char *child, const char *attribute);
int element_parse_number(const xmlNode *element, const char *attribute, unsigned most, unsigned *ret);
int element_get_number(const xmlNode *element, const char *attribute, unsigned most, struct device *device,
                       unsigned *ret);
int element_get_drive(const xmlNode *address, struct device *device, struct drive *ret);

/* libvirt-id.c */
int domain_identify(struct domain *d, const xmlNode *element, struct device *device);
void domain_number_elements(struct domain *d, const xmlNode *devices);

/* libvirt-label.c */
int element_set_labels(const xmlNode *element, struct device *device);

/* libvirt-function.c */
int domain_add_controller(struct domain *d, const xmlNode *element);
int domain_add_first_root(struct domain *d);
int domain_add_function(struct domain *d, const xmlNode *element, const xmlNode *address);
int domain_add_without_path(struct domain *d, const xmlNode *element, const char *reason);

/* libvirt-adapter.c */
int domain_add_adapter(struct domain *d, const xmlNode *element, struct device *function);
void domain_sort_adapters(struct domain *d);
struct adapter *domain_find_adapter(const struct domain *d, const char *type, unsigned index);
int domain_add_below(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type);

/* libvirt-commandline.c, libvirt-override.c */
int domain_read_commandline(struct domain *d, const xmlNode *domain);
int domain_read_overrides(struct domain *d, const xmlNode *domain);

static inline void freexmlp(xmlChar **text) {
        xmlFree(*text);
}

#define _cleanup_xml_ _cleanup_(freexmlp)
