/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU's names of PCI buses, and its addresses.
 */

#include "array.h"
#include "format-text.h"
#include "libvirt-qemu.h"
#include "search.h"

#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

/** struct bus_name - QEMU's name of a PCI bus */
struct bus_name {
        char *name;
        struct bus *bus;
};

/** element_child_of_qemu() - find the first child with a name in the namespace of QEMU, or NULL */
const xmlNode *element_child_of_qemu(const xmlNode *element, const char *name) {
        for (const xmlNode *e = element->children; e; e = e->next)
                if (element_is(e, name) && e->ns && streq((const char *) e->ns->href, QEMU_NAMESPACE))
                        return e;

        return NULL;
}

/** domain_name_bus() - add a name; domain_sort_buses() comes before domain_find_bus(). Return: 0, or -ENOMEM. */
int domain_name_bus(struct domain *d, const char *name, struct bus *bus) {
        if (array_grow(d->bus_names, d->n_bus_names, 1) < 0)
                return -ENOMEM;
        d->bus_names[d->n_bus_names].bus = bus;
        d->bus_names[d->n_bus_names].name = strdup(name);
        return d->bus_names[d->n_bus_names++].name ? 0 : -ENOMEM;
}

/* A bus has the name of its bridge. The first root is "pcie.0" or "pci.0", another of pseries "pci.1.0". */
static int name_controller(struct domain *d, const struct controller_bus *c, size_t index) {
        bool is_root = c->model->controller == CONTROLLER_ROOT;
        _cleanup_xml_ xmlChar *alias = NULL;
        _cleanup_free_ char *name = NULL;

        if (index == 0 && is_root)
                return domain_name_bus(d, streq(c->model->name, "pcie-root") ? "pcie.0" : "pci.0", c->bus);
        alias = element_child_attribute(c->element, "alias", "name");
        if (alias ? format_text(&name, "%s%s", (char *) alias, is_root ? ".0" : "") < 0
                  : format_text(&name, "pci.%zu%s", index, is_root ? ".0" : "") < 0)
                return -ENOMEM;
        return domain_name_bus(d, name, c->bus);
}

/** domain_name_controllers() - add the names of the buses of all controllers. Return: 0, or -ENOMEM. */
int domain_name_controllers(struct domain *d) {
        for (size_t i = 0; i < CONTROLLERS_MAX; i++)
                if (d->controllers[i].bus && name_controller(d, &d->controllers[i], i) < 0)
                        return -ENOMEM;

        return 0;
}

static int compare_names(const void *a, const void *b) {
        const struct bus_name *x = a, *y = b;

        return strcmp(x->name, y->name);
}

void domain_sort_buses(struct domain *d) {
        if (d->n_bus_names > 0)
                qsort(d->bus_names, d->n_bus_names, sizeof(*d->bus_names), compare_names);
}

struct wanted {
        const struct domain *domain;
        const char *name;
};

static int compare_wanted(size_t i, const void *wanted) {
        const struct wanted *w = wanted;

        return strcmp(w->name, w->domain->bus_names[i].name);
}

/** domain_find_bus() - find a PCI bus by QEMU's name. Return: NULL if there is none, or more than one. */
struct bus *domain_find_bus(const struct domain *d, const char *name) {
        const struct wanted wanted = { d, name };
        size_t at = name ? search_only(d->n_bus_names, compare_wanted, &wanted) : d->n_bus_names;

        return at < d->n_bus_names ? d->bus_names[at].bus : NULL;
}

void domain_clear_buses(struct domain *d) {
        for (size_t i = 0; i < d->n_bus_names; i++)
                free(d->bus_names[i].name);
        free(d->bus_names);
}

static bool parse_hex(const char **text, unsigned long most, unsigned long *ret) {
        const char *start = *text;
        char *end;

        *ret = strtoul(start, &end, 16);
        *text = end;
        return end > start && *start >= '0' && *ret <= most;
}

/**
 * qemu_parse_address() - parse the property addr of a PCI device (hw/core/qdev-properties-system.c, set_pci_devfn())
 * @value: a text in hexadecimal such as "1f.7", or slot and function as one number
 */
bool qemu_parse_address(json_object *value, struct pci_hop *ret) {
        int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
        const char *text = json_get_text(value);
        unsigned long slot, function = 0;

        if (text) {
                if (!parse_hex(&text, 0x1f, &slot))
                        return false;
                if (*text == '.') {
                        text++;
                        if (!parse_hex(&text, 7, &function))
                                return false;
                }
                if (*text != '\0')
                        return false;
                number = (int64_t) (slot << 3 | function);
        }
        if (number < 0 || number > 0xff)
                return false;
        ret->slot = (uint8_t) (number >> 3);
        ret->function = (uint8_t) (number & 7);
        return true;
}
