/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The labels of a domain's devices: <mac>, <serial> and <source>. A wrong value is no label; libvirt itself refuses it.
 */

#include <stdio.h>

#include "format-text.h"
#include "label.h"
#include "libvirt-xml.h"

/*
 * <address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/> in the <source> of a device that is passed through.
 */
static int set_pci_host(const xmlNode *address, struct device *device) {
        unsigned domain = 0, bus, slot, function = 0;
        char text[sizeof("00000000:00:00.0")];

        if (element_parse_number(address, "domain", 0xffff, &domain) < 0 ||
            element_parse_number(address, "bus", 0xff, &bus) <= 0 ||
            element_parse_number(address, "slot", 0x1f, &slot) <= 0 ||
            element_parse_number(address, "function", 7, &function) < 0)
                return 0;
        sprintf(text, "%04x:%02x:%02x.%x", domain, bus, slot, function);
        return device_set_label(device, LABEL_HOST, text);
}

static int set_host(const xmlNode *source, struct device *device) {
        const xmlNode *address = element_child(source, "address");
        _cleanup_xml_ xmlChar *uuid = address ? xmlGetProp(address, BAD_CAST "uuid") : NULL;

        if (uuid)
                return device_set_label(device, LABEL_HOST, (const char *) uuid);
        return address ? set_pci_host(address, device) : 0;
}

/* <source pool='default' volume='data.img'/> */
static int set_volume(const xmlNode *source, struct device *device) {
        _cleanup_xml_ xmlChar *pool = xmlGetProp(source, BAD_CAST "pool");
        _cleanup_xml_ xmlChar *volume = xmlGetProp(source, BAD_CAST "volume");
        _cleanup_free_ char *text = NULL;

        if (!pool || !volume)
                return 0;
        if (format_text(&text, "%s/%s", (const char *) pool, (const char *) volume) < 0)
                return -ENOMEM;
        return device_set_label(device, LABEL_SOURCE, text);
}

/* A live document has both the volume and its file, or the network and its bridge. The first counts. */
static int set_source(const xmlNode *source, struct device *device) {
        static const char *const attributes[] = { "file", "dev", "dir", "name", "network", "bridge", "path" };
        int r;

        r = set_volume(source, device);
        for (size_t i = 0; i < ELEMENTSOF(attributes) && r >= 0; i++) {
                _cleanup_xml_ xmlChar *text = xmlGetProp(source, BAD_CAST attributes[i]);

                r = device_set_label(device, LABEL_SOURCE, (const char *) text);
        }
        return r;
}

/** element_set_labels() - set the labels of the device of an element. Return: 0, or -ENOMEM. */
int element_set_labels(const xmlNode *element, struct device *device) {
        _cleanup_xml_ xmlChar *mac = element_child_attribute(element, "mac", "address");
        const xmlNode *source = element_child(element, "source"), *serial = element_child(element, "serial");
        _cleanup_xml_ xmlChar *number = serial ? xmlNodeGetContent(serial) : NULL;
        int r;

        r = device_set_label(device, LABEL_MAC, (const char *) mac);
        if (r >= 0)
                r = device_set_label(device, LABEL_SERIAL, (const char *) number);
        if (r >= 0 && source)
                r = set_host(source, device);
        return r >= 0 && source ? set_source(source, device) : r;
}
