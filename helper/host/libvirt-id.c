/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The ids of a domain's devices. In a running domain each device has an alias from libvirt (src/qemu/qemu_alias.c).
 * Otherwise only aliases set by the user exist. This file then makes the alias that libvirt will assign, so the same id
 * works for both.
 */

#include "format-text.h"
#include "libvirt-xml.h"

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

static int make_drive_id(const xmlNode *address, const char *bus, char **ret) {
        _cleanup_xml_ xmlChar *controller = xmlGetProp(address, BAD_CAST "controller");
        _cleanup_xml_ xmlChar *channel = xmlGetProp(address, BAD_CAST "bus");
        _cleanup_xml_ xmlChar *target = xmlGetProp(address, BAD_CAST "target");
        _cleanup_xml_ xmlChar *unit = xmlGetProp(address, BAD_CAST "unit");

        if (!controller || !channel || !target || !unit)
                return 0;
        if (streq(bus, "scsi"))
                return format_text(ret, "scsi%s-%s-%s-%s", (char *) controller, (char *) channel, (char *) target,
                                   (char *) unit);
        return format_text(ret, "%s%s-%s-%s", bus, (char *) controller, (char *) channel, (char *) unit);
}

/* A disk of an lsilogic adapter has a shorter alias, which is not made here. The target identifies it. */
static int make_disk_id(const xmlNode *element, char **ret) {
        _cleanup_xml_ xmlChar *target = element_child_attribute(element, "target", "dev");
        _cleanup_xml_ xmlChar *bus = element_child_attribute(element, "target", "bus");
        const xmlNode *address = element_child(element, "address");

        if (!bus || !target)
                return 0;
        if (address && element_attribute_is(address, "type", "drive"))
                return make_drive_id(address, (const char *) bus, ret);
        return disk_number((const char *) target) < 0 ? 0
                                                      : format_text(ret, "%s-disk%ld", (const char *) bus,
                                                                    disk_number((const char *) target));
}

/* libvirt numbers them in the order of the document, interfaces first. */
static int make_numbered_id(struct domain *d, const xmlNode *element, char **ret) {
        bool is_hostdev = element_is(element, "hostdev") || element_attribute_is(element, "type", "hostdev");

        return is_hostdev ? format_text(ret, "hostdev%u", d->n_hostdevs++)
                          : format_text(ret, "net%u", d->n_interfaces++);
}

static int make_ids(struct domain *d, const xmlNode *element, bool has_alias, char **ret, char **ret_other) {
        if (element_is(element, "controller"))
                return make_controller_ids(d, element, ret, ret_other);
        if (element_is(element, "disk"))
                return make_disk_id(element, ret);
        if (has_alias)
                return 0; /* a device with an alias gets no number */
        if (element_is(element, "interface") || element_is(element, "hostdev"))
                return make_numbered_id(d, element, ret);
        return 0;
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

        if (make_ids(d, element, a != NULL, &made, &other) < 0)
                return -ENOMEM;
        if (a)
                second = t ?: (made && streq(a, made) ? other : NULL);
        else
                second = t ? made : other;
        return copy_text((a ?: t) ?: made, &device->id) < 0 ? -ENOMEM : copy_text(second, &device->other_id);
}

/** domain_identify() - set ids, labels, type and kind of the device of an element */
int domain_identify(struct domain *d, const xmlNode *element, struct device *device) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        bool is_pci_controller = element_is(element, "controller") && type && streq((char *) type, "pci");
        const xmlChar *text = element->name;

        if (element_is(element, "controller"))
                text = is_pci_controller && model ? model : (type ?: text);
        if (set_ids(d, element, device) < 0 || element_set_labels(element, device) < 0 ||
            copy_text((const char *) text, &device->type) < 0)
                return -ENOMEM;

        if (element_is(element, "disk"))
                device->kind = element_attribute_is(element, "device", "cdrom") ? "optical drive" : "disk";
        else if (element_is(element, "interface"))
                device->kind = "network controller";
        return 0;
}
