/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

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

/** element_describe() - describe an element for errors: "disk 'vda'", "controller pci '1'" */
const char *element_describe(const xmlNode *element, char buf[static ELEMENT_NAME_MAX]) {
        _cleanup_xml_ xmlChar *target = element_child_attribute(element, "target", "dev");
        _cleanup_xml_ xmlChar *alias = element_child_attribute(element, "alias", "name");
        _cleanup_xml_ xmlChar *index = xmlGetProp(element, BAD_CAST "index");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        const char *name = (const char *) ((target ?: alias) ?: index);
        bool is_controller = element_is(element, "controller");

        (void) snprintf(buf, ELEMENT_NAME_MAX, "%.20s%s%.20s%s%.40s%s", (const char *) element->name,
                        is_controller && type ? " " : "", is_controller && type ? (const char *) type : "",
                        name ? " '" : "", name ?: "", name ? "'" : "");
        return buf;
}

/**
 * element_parse_number() - read a number from an attribute, in decimal or in hexadecimal with 0x
 *
 * Return: 1; 0 if there is no such attribute; -EBADMSG if it is not a number from 0 to @most.
 */
int element_parse_number(const xmlNode *element, const char *attribute, unsigned most, unsigned *ret) {
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);
        unsigned long value;
        char *end;

        if (!text)
                return 0;
        errno = 0;
        value = strtoul((const char *) text, &end, 0);
        if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > most)
                return -EBADMSG;
        *ret = (unsigned) value;
        return 1;
}

/**
 * element_get_number() - do as element_parse_number(), and set the error
 */
int element_get_number(const struct domain *d, const xmlNode *element, const char *attribute, unsigned most,
                       unsigned *ret) {
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);
        int r;

        r = element_parse_number(element, attribute, most, ret);
        if (r < 0)
                return error_set(d->error, -EBADMSG, "%s, line %ld: %s='%.40s' is not a number from 0 to %u", d->file,
                                 xmlGetLineNo(element), attribute, (const char *) text, most);
        return r;
}

/** set_element_error() - Return: -EBADMSG. */
int set_element_error(const struct domain *d, const xmlNode *element, const char *what) {
        char name[ELEMENT_NAME_MAX];

        return error_set(d->error, -EBADMSG, "%s, line %ld: %s: %s", d->file, xmlGetLineNo(element),
                         element_describe(element, name), what);
}
