/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disk controllers, and the disks and USB devices that refer to a controller in their address. The guest's numbers
 * follow from libvirt's numbers for QEMU. bhyve assigns the ports of a SATA controller to its disks in order and
 * ignores their units (src/bhyve/bhyve_command.c). So a disk of bhyve has a name only where order and unit agree.
 */

#include "array.h"
#include "format-text.h"
#include "libvirt-qemu.h"
#include "qemu-types.h"

static const char *const adapter_types[] = { "scsi", "sata", "ide", "usb", "nvme" };

/* src/qemu/qemu_command.c, qemuBuildDeviceAddressDriveProps() */
static enum scsi_numbers scsi_numbers_of(const xmlNode *element) {
        static const struct {
                const char *model;
                enum scsi_numbers numbers;
        } models[] = {
                { "virtio-scsi",             SCSI_TARGETS },
                { "virtio-transitional",     SCSI_TARGETS },
                { "virtio-non-transitional", SCSI_TARGETS },
                { "vmpvscsi",                SCSI_TARGETS },
                /* These have one LUN for each target: the unit is the target. */
                { "lsilogic",                SCSI_UNITS },
                { "am53c974",                SCSI_UNITS },
                { "dc390",                   SCSI_UNITS },
        };

        for (size_t i = 0; i < ELEMENTSOF(models); i++)
                if (element_attribute_is(element, "model", models[i].model))
                        return models[i].numbers;

        return SCSI_UNKNOWN;
}

/** domain_add_adapter() - add a controller of a type that disks refer to by type and index; ignore other types */
int domain_add_adapter(struct domain *d, const xmlNode *element, struct device *function) {
        unsigned index;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(adapter_types); i++) {
                if (!element_attribute_is(element, "type", adapter_types[i]))
                        continue;
                r = element_get_number(element, "index", UINT16_MAX, function, &index);
                /* A companion of a USB 2 controller shares its index and has only the slow devices. */
                if (r <= 0 || element_child(element, "master"))
                        return r < 0 ? r : 0;
                if (array_grow(d->adapters, d->n_adapters, 1) < 0)
                        return -ENOMEM;
                d->adapters[d->n_adapters++] = (struct adapter){
                        .type = adapter_types[i],
                        .index = index,
                        .scsi = streq(adapter_types[i], "scsi") ? scsi_numbers_of(element) : SCSI_UNKNOWN,
                        .is_lsilogic = element_attribute_is(element, "model", "lsilogic"),
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

/** domain_find_adapter() - find a disk controller. Return: NULL if there is none, or more than one. */
struct adapter *domain_find_adapter(const struct domain *d, const char *type, unsigned index) {
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
static int make_suffix(const struct domain *d, struct adapter *a, const struct drive *drive, char **ret) {
        int r = 0;

        if (streq(a->type, "sata"))
                r = d->is_bhyve && drive->unit != a->n_disks ? 0 : format_text(ret, SUFFIX_ATA "%u.0", drive->unit + 1);
        else if (d->is_bhyve)
                r = 0;
        else if (streq(a->type, "ide"))
                r = format_text(ret, SUFFIX_ATA "%u.%u", drive->bus + 1, drive->unit);
        else if (streq(a->type, "nvme"))
                r = format_text(ret, SUFFIX_NVME "%u", drive->unit + 1);
        else if (a->scsi == SCSI_TARGETS)
                r = format_text(ret, SUFFIX_SCSI "0:%u:%u:%u", drive->bus, drive->target, drive->unit);
        else if (a->scsi == SCSI_UNITS)
                r = format_text(ret, SUFFIX_SCSI "0:%u:%u:0", drive->bus, drive->unit);
        a->n_disks++;
        return r;
}

static int read_drive(const struct domain *d, const xmlNode *address, const char *bus, struct device *disk) {
        struct adapter *adapter;
        struct drive drive;
        int r;

        r = element_get_drive(address, disk, &drive);
        if (r < 0)
                return r;
        adapter = domain_find_adapter(d, bus, drive.controller);
        if (!adapter)
                return 0;
        disk->function = adapter->function;
        return make_suffix(d, adapter, &drive, &disk->suffix);
}

static int read_usb(const struct domain *d, const xmlNode *address, bool is_disk, struct device *device) {
        _cleanup_xml_ xmlChar *port = xmlGetProp(address, BAD_CAST "port");
        struct adapter *adapter;
        unsigned index = 0;
        int r;

        r = element_get_number(address, "bus", UINT16_MAX, device, &index);
        if (r < 0)
                return r;

        adapter = domain_find_adapter(d, "usb", index);
        if (!adapter)
                return 0;
        device->function = adapter->function;
        if (is_disk && port && *port != '\0' && !d->is_bhyve &&
            strspn((const char *) port, "0123456789.") == strlen((const char *) port) &&
            format_text(&device->suffix, SUFFIX_USB "0:%s:1.0-" SUFFIX_SCSI "0:0:0:0", (const char *) port) < 0)
                return -ENOMEM;
        return 0;
}

/**
 * domain_add_below() - add a disk of a controller, a SCSI device of the host, or a USB device
 * @type: of the address
 *
 * Return: 0, -EBADMSG if the address is wrong, or -ENOMEM.
 */
int domain_add_below(struct domain *d, const xmlNode *element, const xmlNode *address, const char *type) {
        struct device *device = machine_add_device(d->machine, NULL, NULL);
        bool is_disk = element_is(element, "disk") || streq(type, "drive");
        _cleanup_xml_ xmlChar *bus = NULL;
        int r;

        if (!device)
                return -ENOMEM;
        r = domain_identify(d, element, device);
        if (r < 0)
                return r;
        if (!is_disk)
                device->kind = qemu_type_find("usb-host")->kind;

        if (element_is(element, "hostdev"))
                bus = xmlGetProp(element, BAD_CAST "type");
        else
                bus = element_child_attribute(element, "target", "bus");
        if (bus && streq(type, "drive"))
                r = read_drive(d, address, (char *) bus, device);
        else if (streq(type, "usb"))
                r = read_usb(d, address, is_disk, device);
        if (!device->function)
                device->absent = device->absent ?: "the controller is not a PCI device of this document";
        else if (is_disk)
                device->node = NODE_DISK;
        return r < 0 ? r : domain_override(d, device);
}
