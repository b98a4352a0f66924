/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * <qemu:override> in a domain changes properties of the devices that libvirt gives QEMU
 * (https://libvirt.org/kbase/qemu-passthrough-security.html). Some of them are a device's place.
 */

#include "array.h"
#include "libvirt-qemu.h"
#include "search.h"

/** struct override - a property of the device with an alias */
struct override {
        char *alias, *name;
        json_object *value; /* NULL if it is removed */
};

static int read_property(struct domain *d, const xmlNode *element, const char *alias) {
        _cleanup_xml_ xmlChar *name = xmlGetProp(element, BAD_CAST "name");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        _cleanup_xml_ xmlChar *value = xmlGetProp(element, BAD_CAST "value");
        struct override *o;

        if (!name || !type)
                return 0;
        if (array_grow(d->overrides, d->n_overrides, 1) < 0)
                return -ENOMEM;
        o = &d->overrides[d->n_overrides++];
        *o = (struct override){ .alias = strdup(alias), .name = strdup((char *) name) };
        if (!o->alias || !o->name)
                return -ENOMEM;

        if (!value || streq((char *) type, "remove"))
                return 0;
        o->value = streq((char *) type, "string") ? json_object_new_string((char *) value)
                                                  : json_object_new_int64(strtoll((char *) value, NULL, 10));
        return o->value ? 0 : -ENOMEM;
}

static int read_device(struct domain *d, const xmlNode *device) {
        _cleanup_xml_ xmlChar *alias = xmlGetProp(device, BAD_CAST "alias");
        const xmlNode *frontend = element_child(device, "frontend");
        int r = 0;

        for (const xmlNode *e = alias && frontend ? frontend->children : NULL; e && r >= 0; e = e->next)
                if (element_is(e, "property"))
                        r = read_property(d, e, (char *) alias);
        return r;
}

static int compare_overrides(const void *a, const void *b) {
        const struct override *x = a, *y = b;

        return strcmp(x->alias, y->alias);
}

/** domain_read_overrides() - read <qemu:override>, before the devices. Return: 0, or -ENOMEM. */
int domain_read_overrides(struct domain *d, const xmlNode *domain) {
        const xmlNode *override = element_child_of_qemu(domain, "override");
        int r = 0;

        for (const xmlNode *e = override ? override->children : NULL; e && r >= 0; e = e->next)
                if (element_is(e, "device"))
                        r = read_device(d, e);
        if (d->n_overrides > 0)
                qsort(d->overrides, d->n_overrides, sizeof(*d->overrides), compare_overrides);
        return r;
}

void domain_clear_overrides(struct domain *d) {
        for (size_t i = 0; i < d->n_overrides; i++) {
                free(d->overrides[i].alias);
                free(d->overrides[i].name);
                json_object_put(d->overrides[i].value);
        }
        free(d->overrides);
}

/* -- Devices -- */

/* The bus and address of a function can be read. Another property that says where a device is makes it absent. */
static int apply(struct domain *d, const struct override *o, struct device *device) {
        static const char *const elsewhere[] = { "addr", "bus", "bus_nr", "channel", "driver", "lun",
                                                 "nsid", "port", "scsi-id", "unit" };
        struct bus *bus;

        if (device->bus && streq(o->name, "addr") && qemu_parse_address(o->value, &device->hop))
                return 0;
        bus = device->bus && streq(o->name, "bus") ? domain_find_bus(d, json_get_text(o->value)) : NULL;
        if (bus) {
                device->bus = bus;
                return 0;
        }

        for (size_t i = 0; i < ELEMENTSOF(elsewhere); i++) {
                if (!streq(o->name, elsewhere[i]))
                        continue;
                d->machine->n_unplaced += !!device->bus;
                device->bus = NULL;
                return device_set_absent(device, "qemu:override changes its property '%s'", o->name);
        }
        return 0;
}

struct wanted {
        const struct domain *domain;
        const char *alias;
};

static int compare_wanted(size_t i, const void *wanted) {
        const struct wanted *w = wanted;

        return strcmp(w->alias, w->domain->overrides[i].alias);
}

/** domain_override() - apply the properties of <qemu:override> to a device after its address. Return: 0, or -ENOMEM. */
int domain_override(struct domain *d, struct device *device) {
        const char *const ids[] = { device->id, device->other_id };
        int r = 0;

        /* The path of a function on s390 is its uid, which is a property of another device. */
        if (domain_is_s390(d))
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                const struct wanted wanted = { d, ids[i] };
                size_t at = ids[i] ? search_first(d->n_overrides, compare_wanted, &wanted) : d->n_overrides;

                for (; at < d->n_overrides && streq(d->overrides[at].alias, ids[i]) && r >= 0; at++)
                        r = apply(d, &d->overrides[at], device);
        }
        return r;
}
