/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The elements of a domain that are QEMU's own: <qemu:commandline> and <qemu:override>. They name buses as QEMU does.
 */

#include <json-c/json.h>

#include "libvirt-xml.h"
#include "qmp.h"

/* libvirt-bus.c */
struct bus *domain_find_bus(const struct domain *d, const char *name);
bool qemu_parse_address(json_object *value, struct pci_hop *ret);
const xmlNode *element_child_of_qemu(const xmlNode *element, const char *name);
int domain_name_bus(struct domain *d, const char *name, struct bus *bus);
int domain_name_controllers(struct domain *d);
void domain_sort_buses(struct domain *d);
void domain_clear_buses(struct domain *d);

/* libvirt-override.c */
void domain_clear_overrides(struct domain *d);
int domain_override(struct domain *d, struct device *device);
