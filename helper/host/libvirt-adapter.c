/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disk controllers, and the disks that refer to a controller in their address. The guest's numbers follow from
 * libvirt's numbers for QEMU. bhyve assigns the ports of a SATA controller to its disks in order and ignores their
 * units (src/bhyve/bhyve_command.c). So a disk of bhyve has a name only where order and unit agree.
 */

#include "array.h"
#include "format-text.h"
#include "libvirt-xml.h"

static const struct {
        const char *type, *kind;
} adapter_types[] = {
        { "scsi", "SCSI controller" },
        { "sata", "SATA controller" },
        { "ide",  "IDE controller"  },
        { "usb",  "USB controller"  },
        { "nvme", "NVMe controller" },
};

static enum scsi_numbers scsi_numbers_of(const xmlNode *element) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");

        if (model && strncmp((const char *) model, "virtio-", strlen("virtio-")) == 0)
                return SCSI_TARGETS;
        /* This adapter has one LUN for each target: the unit is the target. */
        return model && streq((const char *) model, "lsilogic") ? SCSI_UNITS : SCSI_UNKNOWN;
}

/** domain_add_adapter() - add a controller of a type that disks refer to by type and index; ignore other types */
int domain_add_adapter(struct domain *d, const xmlNode *element, struct device *function) {
        unsigned index;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(adapter_types); i++) {
                if (!element_attribute_is(element, "type", adapter_types[i].type))
                        continue;
                function->kind = adapter_types[i].kind;
                r = element_get_number(d, element, "index", UINT16_MAX, &index);
                /* A companion of a USB 2 controller shares its index and has only the slow devices. */
                if (r <= 0 || element_child(element, "master"))
                        return r < 0 ? r : 0;
                if (array_grow(d->adapters, d->n_adapters, 1) < 0)
                        return -ENOMEM;
                d->adapters[d->n_adapters++] = (struct adapter){
                        .type = adapter_types[i].type,
                        .index = index,
                        .scsi = streq(adapter_types[i].type, "scsi") ? scsi_numbers_of(element) : SCSI_UNKNOWN,
                        .function = function,
                };
        }

        return 0;
}

static int compare_adapters(const void *a, const void *b) {
        const struct adapter *x = a, *y = b;
        int r = strcmp(x->type, y->type);

        return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

/** domain_sort_adapters() - call it after the last adapter and before the first disk */
void domain_sort_adapters(struct domain *d) {
        if (d->n_adapters > 0)
                qsort(d->adapters, d->n_adapters, sizeof(*d->adapters), compare_adapters);
}

/* Return: NULL if there is no such adapter, or more than one. */
static struct adapter *find_adapter(const struct domain *d, const char *type, unsigned index) {
        const struct adapter key = { .type = type, .index = index };
        struct adapter *a;
        size_t at;

        if (d->n_adapters == 0)
                return NULL;
        a = bsearch(&key, d->adapters, d->n_adapters, sizeof(key), compare_adapters);
        if (!a)
                return NULL;

        at = (size_t) (a - d->adapters);
        if ((at > 0 && compare_adapters(a - 1, &key) == 0) ||
            (at + 1 < d->n_adapters && compare_adapters(a + 1, &key) == 0))
                return NULL;
        return a;
}

/* Make the suffix from the numbers of <address type='drive'>. NULL if the suffix is unknown. */
static int make_suffix(const struct domain *d, struct adapter *a, const unsigned numbers[static 3], char **ret) {
        unsigned bus = numbers[0], target = numbers[1], unit = numbers[2];
        int r = 0;

        *ret = NULL;
        if (streq(a->type, "sata"))
                r = d->is_bhyve && unit != a->n_disks ? 0 : format_text(ret, SUFFIX_ATA "%u.0", unit + 1);
        else if (d->is_bhyve)
                r = 0;
        else if (streq(a->type, "ide"))
                r = format_text(ret, SUFFIX_ATA "%u.%u", bus + 1, unit);
        else if (a->scsi == SCSI_TARGETS)
                r = format_text(ret, SUFFIX_SCSI "0:%u:%u:%u", bus, target, unit);
        else if (a->scsi == SCSI_UNITS)
                r = format_text(ret, SUFFIX_SCSI "0:%u:%u:0", bus, unit);
        a->n_disks++;
        return r;
}

static int read_drive(const struct domain *d, const xmlNode *address, const char *bus, struct adapter **ret_adapter,
                      char **ret_suffix) {
        static const char *const attributes[] = { "bus", "target", "unit" };
        unsigned index = 0, numbers[3] = {};
        int r;

        r = element_get_number(d, address, "controller", UINT16_MAX, &index);
        for (size_t i = 0; i < ELEMENTSOF(attributes) && r >= 0; i++)
                r = element_get_number(d, address, attributes[i], UINT16_MAX, &numbers[i]);
        if (r < 0)
                return r;

        *ret_adapter = find_adapter(d, bus, index);
        return *ret_adapter ? make_suffix(d, *ret_adapter, numbers, ret_suffix) : 0;
}

static int read_usb(const struct domain *d, const xmlNode *address, struct adapter **ret_adapter, char **ret_suffix) {
        _cleanup_xml_ xmlChar *port = xmlGetProp(address, BAD_CAST "port");
        unsigned index = 0;
        int r;

        r = element_get_number(d, address, "bus", UINT16_MAX, &index);
        if (r < 0)
                return r;

        *ret_adapter = find_adapter(d, "usb", index);
        if (port && *port != '\0' && !d->is_bhyve &&
            strspn((const char *) port, "0123456789.") == strlen((const char *) port) &&
            format_text(ret_suffix, SUFFIX_USB "0:%s:1.0-" SUFFIX_SCSI "0:0:0:0", (const char *) port) < 0)
                return -ENOMEM;
        return 0;
}

/**
 * domain_add_disk() - add a disk of a controller
 * @type: of the address
 */
int domain_add_disk(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type) {
        _cleanup_xml_ xmlChar *bus = element_child_attribute(element, "target", "bus");
        struct adapter *adapter = NULL;
        _cleanup_free_ char *suffix = NULL;
        struct device *disk;
        int r = 0;

        if (bus && streq(type, "drive"))
                r = read_drive(d, address, (char *) bus, &adapter, &suffix);
        else if (bus && streq(type, "usb"))
                r = read_usb(d, address, &adapter, &suffix);
        if (r < 0)
                return r;
        if (!adapter)
                return domain_add_without_path(d, element, "the controller is not a PCI device of this document");

        disk = machine_add_device(d->machine, NULL, adapter->function);
        if (!disk)
                return -ENOMEM;
        disk->node = NODE_DISK;
        disk->suffix = suffix;
        suffix = NULL;
        return domain_identify(d, element, disk);
}
