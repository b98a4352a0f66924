/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A domain while it is read, and its elements.
 */

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "libvirt-models.h"
#include "problem.h"

#define CONTROLLERS_MAX 256

/** struct controller_bus - a PCI controller, by its index */
struct controller_bus {
        const xmlNode *element;
        const struct libvirt_model *model;
        struct bus *bus;
};

/** struct adapter - another controller, with the devices that name it in their address */
struct adapter {
        const char *type; /* "scsi", "sata", "ide", "usb" */
        unsigned index;
        enum scsi_numbers { SCSI_UNKNOWN, SCSI_TARGETS, SCSI_UNITS } scsi;
        struct device *function;
};

struct domain {
        const char *file;
        struct machine *machine;
        struct problem *problem;
        bool is_pseries, is_i440fx, is_s390;
        uint32_t built_in; /* slots of the first root bus */
        struct controller_bus controllers[CONTROLLERS_MAX];
        struct adapter *adapters;
        size_t n_adapters;
};

#define ELEMENT_NAME_MAX 96

bool element_is(const xmlNode *element, const char *name);
const xmlNode *element_child(const xmlNode *element, const char *name);
const char *element_describe(const xmlNode *element, char buf[static ELEMENT_NAME_MAX]);
int element_get_number(const struct domain *d, const xmlNode *element, const char *attribute, unsigned most,
                       unsigned *ret);
int element_identify(const xmlNode *element, struct device *device);

int domain_add_adapter(struct domain *d, const xmlNode *element, const char *type, unsigned index,
                       struct device *function);
int domain_add_below(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type);
void domain_clear(struct domain *d);

static inline void freexmlp(xmlChar **text) {
        xmlFree(*text);
}

#define _cleanup_xml_ _cleanup_(freexmlp)
#define _cleanup_domain_ _cleanup_(domain_clear)
