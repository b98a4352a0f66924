/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "libvirt-xml.h"

bool element_is(const xmlNode *element, const char *name) {
        return element->type == XML_ELEMENT_NODE && streq((const char *) element->name, name);
}

/** element_child() - the first child of this name, or NULL */
const xmlNode *element_child(const xmlNode *element, const char *name) {
        for (const xmlNode *e = element->children; e; e = e->next)
                if (element_is(e, name))
                        return e;

        return NULL;
}

/* What its <target dev='…'> says, or its <alias name='…'>; NULL if there is none. */
static xmlChar *child_attribute(const xmlNode *element, const char *child, const char *attribute) {
        const xmlNode *e = element_child(element, child);

        return e ? xmlGetProp(e, BAD_CAST attribute) : NULL;
}

/** element_describe() - as people speak of it: "disk 'vda'", "controller pci '1'" */
const char *element_describe(const xmlNode *element, char buf[static ELEMENT_NAME_MAX]) {
        _cleanup_xml_ xmlChar *target = child_attribute(element, "target", "dev");
        _cleanup_xml_ xmlChar *alias = child_attribute(element, "alias", "name");
        _cleanup_xml_ xmlChar *index = xmlGetProp(element, BAD_CAST "index");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        const char *name = (const char *) (target ?: alias ?: index);
        bool is_controller = element_is(element, "controller");

        (void) snprintf(buf, ELEMENT_NAME_MAX, "%.20s%s%.20s%s%.40s%s", (const char *) element->name,
                        is_controller && type ? " " : "", is_controller && type ? (const char *) type : "",
                        name ? " '" : "", name ?: "", name ? "'" : "");
        return buf;
}

/**
 * element_get_number() - an attribute, in decimal or, as libvirt writes most, in hex with 0x
 *
 * Return: 1, 0 if there is no such attribute, or -EBADMSG if it is no number up to @most.
 */
int element_get_number(const struct domain *d, const xmlNode *element, const char *attribute, unsigned most,
                       unsigned *ret) {
        _cleanup_xml_ xmlChar *text = xmlGetProp(element, BAD_CAST attribute);
        unsigned long value;
        char *end;

        if (!text)
                return 0;
        errno = 0;
        value = strtoul((const char *) text, &end, 0);
        if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > most)
                return problem_set(d->problem, -EBADMSG, "%s, line %ld: %s='%.40s' is no number up to %u", d->file,
                                   xmlGetLineNo(element), attribute, (const char *) text, most);
        *ret = (unsigned) value;
        return 1;
}

static char *take_text(const xmlChar *text) {
        return text ? strdup((const char *) text) : NULL;
}

/* Without an alias, which only a running domain has, or a name of the user's: as libvirt makes them of controllers. */
static char *make_id(const xmlNode *element) {
        _cleanup_xml_ xmlChar *index = xmlGetProp(element, BAD_CAST "index");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        char *id;

        if (!element_is(element, "controller") || !index || !type)
                return NULL;
        if (asprintf(&id, "%s%s%s", (char *) type, streq((char *) type, "pci") ? "." : "", (char *) index) < 0)
                return NULL;
        return id;
}

/** element_identify() - id, type and kind of the device that an element is */
int element_identify(const xmlNode *element, struct device *device) {
        _cleanup_xml_ xmlChar *alias = child_attribute(element, "alias", "name");
        _cleanup_xml_ xmlChar *target = child_attribute(element, "target", "dev");
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        _cleanup_xml_ xmlChar *of_disk = element_is(element, "disk") ? xmlGetProp(element, BAD_CAST "device") : NULL;
        bool is_pci_controller = element_is(element, "controller") && type && streq((char *) type, "pci");
        const xmlChar *word = element->name;

        if (element_is(element, "controller"))
                word = is_pci_controller && model ? model : type ?: word;
        device->id = alias ? take_text(alias) : target ? take_text(target) : make_id(element);
        if (alias && target)
                device->other_id = take_text(target);
        device->type = take_text(word);
        if (((alias || target) && !device->id) || !device->type)
                return -ENOMEM;

        if (element_is(element, "disk"))
                device->kind = of_disk && streq((char *) of_disk, "cdrom") ? "optical drive" : "disk";
        else if (element_is(element, "interface"))
                device->kind = "network controller";
        return 0;
}

/* -- What is below a function -- */

static enum scsi_numbers scsi_numbers_of(const char *model) {
        if (model && (strncmp(model, "virtio-", strlen("virtio-")) == 0))
                return SCSI_TARGETS;
        /* The unit is the target of an adapter that has one LUN for each. */
        return model && streq(model, "lsilogic") ? SCSI_UNITS : SCSI_UNKNOWN;
}

static const struct {
        const char *type, *kind;
} adapter_types[] = {
        { "scsi", "SCSI controller" },
        { "sata", "SATA controller" },
        { "ide",  "IDE controller"  },
        { "usb",  "USB controller"  },
        { "nvme", "NVMe controller" },
};

/** domain_add_adapter() - a controller whose devices name it by its type and index */
int domain_add_adapter(struct domain *d, const xmlNode *element, const char *type, unsigned index,
                       struct device *function) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");
        struct adapter *more;

        for (size_t i = 0; i < ELEMENTSOF(adapter_types); i++) {
                if (!type || !streq(type, adapter_types[i].type))
                        continue;
                function->kind = adapter_types[i].kind;
                /* A companion of a USB 2 controller has the slow devices only. */
                if (element_child(element, "master"))
                        return 0;
                more = reallocarray(d->adapters, d->n_adapters + 1, sizeof(*more));
                if (!more)
                        return -ENOMEM;
                d->adapters = more;
                d->adapters[d->n_adapters++] = (struct adapter){
                        .type = adapter_types[i].type,
                        .index = index,
                        .scsi = streq(type, "scsi") ? scsi_numbers_of((const char *) model) : SCSI_UNKNOWN,
                        .function = function,
                };
        }

        return 0;
}

/* Others are of no PCI function: floppies, cards, what a hypervisor has of its own. */
static bool is_adapter_type(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(adapter_types); i++)
                if (streq(adapter_types[i].type, type))
                        return true;

        return false;
}

static const struct adapter *find_adapter(const struct domain *d, const char *type, unsigned index) {
        for (size_t i = 0; i < d->n_adapters; i++)
                if (streq(d->adapters[i].type, type) && d->adapters[i].index == index)
                        return &d->adapters[i];

        return NULL;
}

/* The numbers of <address type='drive'>, in the words of the guest. NULL where there are none. */
static int drive_words(const struct adapter *a, const unsigned numbers[static 3], char **ret) {
        unsigned bus = numbers[0], target = numbers[1], unit = numbers[2];
        int n = 0;

        *ret = NULL;
        if (streq(a->type, "sata"))
                n = asprintf(ret, "ata-%u.0", unit + 1);
        else if (streq(a->type, "ide"))
                n = asprintf(ret, "ata-%u.%u", bus + 1, unit);
        else if (a->scsi == SCSI_TARGETS)
                n = asprintf(ret, "scsi-0:%u:%u:%u", bus, target, unit);
        else if (a->scsi == SCSI_UNITS)
                n = asprintf(ret, "scsi-0:%u:%u:0", bus, unit);
        return n < 0 ? -ENOMEM : 0;
}

static int read_drive(struct domain *d, const xmlNode *address, const char *bus, const struct adapter **ret_adapter,
                      char **ret_words) {
        static const char *const attributes[] = { "bus", "target", "unit" };
        unsigned index = 0, numbers[3] = {};
        int r;

        r = element_get_number(d, address, "controller", UINT16_MAX, &index);
        for (size_t i = 0; i < ELEMENTSOF(attributes) && r >= 0; i++)
                r = element_get_number(d, address, attributes[i], UINT16_MAX, &numbers[i]);
        if (r < 0)
                return r;

        *ret_adapter = find_adapter(d, bus, index);
        return *ret_adapter ? drive_words(*ret_adapter, numbers, ret_words) : 0;
}

static int read_usb(struct domain *d, const xmlNode *address, const struct adapter **ret_adapter, char **ret_words) {
        _cleanup_xml_ xmlChar *port = xmlGetProp(address, BAD_CAST "port");
        unsigned index = 0;
        int r;

        r = element_get_number(d, address, "bus", UINT16_MAX, &index);
        if (r < 0)
                return r;

        *ret_adapter = find_adapter(d, "usb", index);
        if (port && strspn((const char *) port, "0123456789.") == strlen((const char *) port) &&
            asprintf(ret_words, "usb-0:%s:1.0-scsi-0:0:0:0", (const char *) port) < 0)
                return -ENOMEM;
        return 0;
}

/**
 * domain_add_below() - a disk that is below a function; other devices, and those of other buses, are not of interest
 * @type: of its address
 */
int domain_add_below(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type) {
        _cleanup_xml_ xmlChar *bus = child_attribute(element, "target", "bus");
        const struct adapter *adapter = NULL;
        _cleanup_free_ char *words = NULL;
        char name[ELEMENT_NAME_MAX];
        struct device *disk;
        int r = 0;

        if (!element_is(element, "disk") || !bus || (!streq(type, "drive") && !streq(type, "usb")) ||
            !is_adapter_type((char *) bus))
                return 0;
        r = streq(type, "drive") ? read_drive(d, address, (char *) bus, &adapter, &words) :
                                   read_usb(d, address, &adapter, &words);
        if (r < 0)
                return r;
        if (!adapter)
                return problem_set(d->problem, -EBADMSG,
                                   "%s, line %ld: %s: no controller of type %.20s with a PCI address"
                                   " has its index", d->file, xmlGetLineNo(element), element_describe(element, name),
                                   (char *) bus);

        disk = machine_add_device(d->machine, NULL, adapter->function);
        if (!disk)
                return -ENOMEM;
        disk->node = NODE_DISK;
        disk->suffix = words;
        words = NULL;
        return element_identify(element, disk);
}

void domain_clear(struct domain *d) {
        free(d->adapters);
}
