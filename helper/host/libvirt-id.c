/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ids of a domain's devices. In a running domain each device has an alias from libvirt (src/qemu/qemu_alias.c).
 * Otherwise only aliases set by the user exist. This file then makes the alias that libvirt will assign, so the same id
 * works for both.
 */

#include "format-text.h"
#include "libvirt-xml.h"
#include "qemu-types.h"

/* The first controllers have the aliases "usb" and "ide", as QEMU names them. */
static bool is_called_ide(const struct domain *d, const char *type) {
        return d->type && d->type->built_in_type && streq(d->type->built_in_type, type);
}

static int make_controller_ids(const struct domain *d, const xmlNode *element, char **ret, char **ret_other) {
        _cleanup_xml_ xmlChar *index = xmlGetProp(element, BAD_CAST "index");
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST "type");
        const char *type = (const char *) text;

        if (!index || !type)
                return 0;
        if (streq(type, "pci"))
                return format_text(ret, "pci.%s", (const char *) index);
        if (!streq((const char *) index, "0") || !(streq(type, "usb") || is_called_ide(d, type)))
                return format_text(ret, "%s%s", type, (const char *) index);
        if (format_text(ret, "%s", streq(type, "usb") ? "usb" : "ide") < 0)
                return -ENOMEM;
        return format_text(ret_other, "%s0", type);
}

/* "vda" is 0, "vdz" 25, "vdaa" 26. Return: -1 for other names. */
static long disk_number(const char *target) {
        const char *letters = target + strcspn(target, "d") + 1;
        long number = 0;

        if (letters > target + strlen(target) || *letters == '\0')
                return -1;
        for (const char *p = letters; *p != '\0'; p++) {
                if (*p < 'a' || *p > 'z' || number > 1000000)
                        return -1;
                number = number * 26 + (*p - 'a' + 1);
        }

        return number - 1;
}

static int make_drive_id(const struct domain *d, const xmlNode *address, const char *bus, char **ret) {
        const struct adapter *adapter;
        struct device ignored = {};
        struct drive drive;
        int r;

        r = element_get_drive(address, &ignored, &drive);
        free(ignored.absent_text);
        if (r < 0)
                return r == -EBADMSG ? 0 : r;

        adapter = domain_find_adapter(d, bus, drive.controller);
        if (streq(bus, "scsi") && !(adapter && adapter->is_lsilogic))
                return format_text(ret, "scsi%u-%u-%u-%u", drive.controller, drive.bus, drive.target, drive.unit);
        return format_text(ret, "%s%u-%u-%u", bus, drive.controller, drive.bus, drive.unit);
}

static int make_disk_id(const struct domain *d, const xmlNode *element, char **ret) {
        _cleanup_xml_ xmlChar *target = element_child_attribute(element, "target", "dev");
        _cleanup_xml_ xmlChar *bus = element_child_attribute(element, "target", "bus");
        const xmlNode *address = element_child(element, "address");

        if (!bus || !target)
                return 0;
        if (address && element_attribute_is(address, "type", "drive"))
                return make_drive_id(d, address, (const char *) bus, ret);
        return disk_number((const char *) target) < 0 ? 0
                                                      : format_text(ret, "%s-disk%ld", (const char *) bus,
                                                                    disk_number((const char *) target));
}

/* The number of an element, plus 1 so that NULL means none. */
static void set_number(struct domain *d, xmlNode *element) {
        const struct libvirt_numbers *row;
        size_t counter;

        row = libvirt_find_numbers(element, &counter);
        if (row && !(row->skips_aliased && element_child(element, "alias")))
                element->_private = (void *) ++d->n_numbered[counter];
}

/* An interface of the host has a number before other devices of the host, and the primary video before the others. */
static bool is_first(const xmlNode *element) {
        return element_is(element, "interface") ||
               (element_is(element, "video") && element_child_attribute_is(element, "model", "primary", "yes"));
}

/**
 * domain_number_elements() - number the elements whose aliases have numbers; call it before domain_identify()
 */
void domain_number_elements(struct domain *d, const xmlNode *devices) {
        for (xmlNode *e = devices->children; e; e = e->next)
                if (is_first(e))
                        set_number(d, e);
        for (xmlNode *e = devices->children; e; e = e->next)
                if (e->type == XML_ELEMENT_NODE && !is_first(e))
                        set_number(d, e);
}

static int make_numbered_id(const xmlNode *element, char **ret) {
        size_t counter, number = (size_t) element->_private;
        const struct libvirt_numbers *row;

        row = number > 0 ? libvirt_find_numbers(element, &counter) : NULL;
        return row ? format_text(ret, "%s%zu", row->prefix, number - 1) : 0;
}

static int make_ids(struct domain *d, const xmlNode *element, char **ret, char **ret_other) {
        if (element_is(element, "controller"))
                return make_controller_ids(d, element, ret, ret_other);
        if (element_is(element, "disk"))
                return make_disk_id(d, element, ret);
        return make_numbered_id(element, ret);
}

static int copy_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

/* The id is the alias, else the target, else the alias that libvirt will assign. One of the others is the second id. */
static int set_ids(struct domain *d, const xmlNode *element, struct device *device) {
        _cleanup_xml_ xmlChar *alias = element_child_attribute(element, "alias", "name");
        _cleanup_xml_ xmlChar *target = element_child_attribute(element, "target", "dev");
        const char *a = (const char *) alias, *t = (const char *) target, *second;
        _cleanup_free_ char *made = NULL, *other = NULL;

        if (make_ids(d, element, &made, &other) < 0)
                return -ENOMEM;
        if (a)
                second = t ?: (made && streq(a, made) ? other : NULL);
        else
                second = t ? made : other;
        return copy_text((a ?: t) ?: made, &device->id) < 0 ? -ENOMEM : copy_text(second, &device->other_id);
}

/* QEMU gives the alias of a USB 2 controller to that controller only, not to its companions. */
static bool has_id(const xmlNode *element) {
        return !element_is(element, "controller") || !element_child(element, "master");
}

/** domain_identify() - set ids, labels, type and kind of the device of an element */
int domain_identify(struct domain *d, const xmlNode *element, struct device *device) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        bool is_pci_controller = element_is(element, "controller") && type && streq((char *) type, "pci");
        const xmlChar *text = element->name;
        const char *qemu_type;

        if (element_is(element, "controller"))
                text = is_pci_controller && model ? model : (type ?: text);
        if ((has_id(element) && set_ids(d, element, device) < 0) || element_set_labels(element, device) < 0 ||
            copy_text((const char *) text, &device->type) < 0)
                return -ENOMEM;

        qemu_type = libvirt_find_qemu_type(element);
        if (qemu_type)
                device->kind = qemu_type_find(qemu_type)->kind;
        return 0;
}
