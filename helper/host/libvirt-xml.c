/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-xml.h"

bool element_is(const xmlNode *element, const char *name) {
        return element->type == XML_ELEMENT_NODE && streq((const char *) element->name, name);
}

bool element_attribute_is(const xmlNode *element, const char *attribute, const char *value) {
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);

        return text && streq((const char *) text, value);
}

/** element_child() - find the first child with a name, or NULL */
const xmlNode *element_child(const xmlNode *element, const char *name) {
        for (const xmlNode *e = element->children; e; e = e->next)
                if (element_is(e, name))
                        return e;

        return NULL;
}

/** element_child_attribute() - get an attribute of a child, such as <target dev='…'>; NULL if there is none */
xmlChar *element_child_attribute(const xmlNode *element, const char *child, const char *attribute) {
        const xmlNode *e = element_child(element, child);

        return e ? xmlGetProp(e, BAD_CAST attribute) : NULL;
}

/** element_child_attribute_is() - check an attribute of a child */
bool element_child_attribute_is(const xmlNode *element, const char *child, const char *attribute, const char *value) {
        const xmlNode *e = element_child(element, child);

        return e && element_attribute_is(e, attribute, value);
}

/**
 * element_parse_number() - read a number from an attribute as libvirt does, which uses strtoul() but refuses a sign
 *
 * Return: 1; 0 if there is no such attribute; -EBADMSG if it is not a number from 0 to @most.
 */
int element_parse_number(const xmlNode *element, const char *attribute, unsigned most, unsigned *ret) {
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);
        const char *start;
        unsigned long value;
        char *end;

        if (!text)
                return 0;
        start = (const char *) text + strspn((const char *) text, " \t\n\v\f\r");
        start += *start == '+';
        errno = 0;
        value = strtoul(start, &end, 0);
        if (*start < '0' || *start > '9' || *end != '\0' || errno != 0 || value > most)
                return -EBADMSG;
        *ret = (unsigned) value;
        return 1;
}

/**
 * element_get_number() - do as element_parse_number(); if it fails, the device is absent for this reason
 *
 * Return: 1, 0, -EBADMSG, or -ENOMEM.
 */
int element_get_number(const xmlNode *element, const char *attribute, unsigned most, struct device *device,
                       unsigned *ret) {
        int r = element_parse_number(element, attribute, most, ret);

        if (r == -EBADMSG) {
                _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);

                if (device_set_absent(device, "line %ld: %s='%.40s' is not a number from 0 to %u; correct the document",
                                      xmlGetLineNo(element), attribute, (const char *) text, most) < 0)
                        return -ENOMEM;
        }
        return r;
}

/** element_get_drive() - read <address type='drive'>. Return: 0, or as element_get_number(). */
int element_get_drive(const xmlNode *address, struct device *device, struct drive *ret) {
        struct drive drive = {};
        const struct {
                const char *name;
                unsigned *number;
        } attributes[] = {
                { "controller", &drive.controller },
                { "bus", &drive.bus },
                { "target", &drive.target },
                { "unit", &drive.unit },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(attributes); i++) {
                r = element_get_number(address, attributes[i].name, UINT16_MAX, device, attributes[i].number);
                if (r < 0)
                        return r;
        }
        *ret = drive;
        return 0;
}
