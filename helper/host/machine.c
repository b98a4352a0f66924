/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "array.h"
#include "format-text.h"
#include "machine.h"
#include "util.h"

/**
 * machine_add_bus() - add a bus behind @bridge, or a root bus if @bridge is NULL
 *
 * Return: a bus with all slots and no name, or NULL if out of memory.
 */
struct bus *machine_add_bus(struct machine *machine, struct device *bridge) {
        struct bus *bus;

        if (array_grow(machine->buses, machine->n_buses, 1) < 0)
                return NULL;
        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return NULL;

        bus->bridge = bridge;
        bus->last_slot = 0x1f;
        machine->buses[machine->n_buses++] = bus;
        return bus;
}

/**
 * machine_add_device() - add a function on @bus, or a device below @function
 *
 * Return: an empty device, or NULL if out of memory.
 */
struct device *machine_add_device(struct machine *machine, struct bus *bus, struct device *function) {
        struct device *device;

        if (array_grow(machine->devices, machine->n_devices, 1) < 0)
                return NULL;
        device = calloc(1, sizeof(*device));
        if (!device)
                return NULL;

        device->bus = bus;
        device->function = function;
        device->kind = "device";
        device->hop = (struct pci_hop){ .bus = PCI_HOP_NO_BUS, .vf = PCI_HOP_NO_VF };
        machine->devices[machine->n_devices++] = device;
        return device;
}

/** machine_give_root() - move a function to a root bus of its own, as slot 0. Return: 0, or -ENOMEM. */
int machine_give_root(struct machine *machine, struct device *function, uint32_t domain) {
        function->bus = machine_add_bus(machine, NULL);
        if (!function->bus)
                return -ENOMEM;
        function->bus->root.domain = domain;
        function->hop.slot = function->hop.function = 0;
        return 0;
}

/** device_set_absent() - set the reason why the guest does not show a device. Return: 0, or -ENOMEM. */
int device_set_absent(struct device *device, const char *format, ...) {
        char *text;
        va_list ap;
        int r;

        va_start(ap, format);
        r = format_text_va(&text, format, ap);
        va_end(ap);
        if (r < 0)
                return r;

        free(device->absent_text);
        device->absent = device->absent_text = text;
        return 0;
}

/** bus_find_fault() - the reason why the guest does not show the devices on a bus, or NULL */
const char *bus_find_fault(const struct bus *bus) {
        for (size_t hops = 0; bus->bridge; hops++) {
                if (hops == PCI_PATH_HOPS_MAX)
                        return "behind more than 255 bridges";
                if (bus->bridge->absent)
                        return "behind a bridge that the guest does not show";
                bus = bus->bridge->bus;
        }

        return bus->nameless;
}

/* Get the hops from the root to @bus. bus_find_fault() has checked their number. */
static void bus_get_hops(const struct bus *bus, struct pci_path *path) {
        const struct bus *b;
        size_t n = 0;

        for (b = bus; b->bridge; b = b->bridge->bus)
                n++;

        path->n_hops = n;
        for (b = bus; b->bridge; b = b->bridge->bus)
                path->hops[--n] = b->bridge->hop;
        path->root = b->root;
}

/**
 * bus_get_path() - get the path of function 0 of @slot, used or free
 *
 * Return: 0, or -ENOENT if the guest does not show the bus.
 */
int bus_get_path(const struct bus *bus, uint8_t slot, struct pci_path *ret) {
        if (bus_find_fault(bus))
                return -ENOENT;

        bus_get_hops(bus, ret);
        if (ret->n_hops == PCI_PATH_HOPS_MAX)
                return -ENOENT;
        ret->hops[ret->n_hops++] = (struct pci_hop){ .bus = PCI_HOP_NO_BUS, .vf = PCI_HOP_NO_VF, .slot = slot };
        return 0;
}

/**
 * device_get_path() - get the path of a function, or of the function above a device
 *
 * Return: NULL if the guest does not show the device.
 */
const struct pci_path *device_get_path(const struct device *device) {
        if (device->absent)
                return NULL;
        return device->function ? device_get_path(device->function) : device->path;
}

/**
 * device_why_absent() - get the reason why the guest does not show a device, or may not show it
 *
 * Return: NULL if the guest shows the device.
 */
const char *device_why_absent(const struct device *device) {
        return device->absent ?: (device->function ?: device)->until;
}

void machine_clear(struct machine *machine) {
        for (size_t i = 0; i < machine->n_devices; i++) {
                struct device *d = machine->devices[i];

                free(d->id);
                free(d->other_id);
                for (size_t j = 0; j < N_LABELS; j++)
                        free(d->labels[j]);
                free(d->type);
                free(d->suffix);
                free(d->absent_text);
                free(d->path);
                free(d);
        }
        for (size_t i = 0; i < machine->n_buses; i++) {
                free(machine->buses[i]->name);
                free(machine->buses[i]);
        }

        free(machine->devices);
        free(machine->buses);
        free(machine->ids.items);
        free(machine->labels.items);
        free(machine->reason);
        free(machine->unread);
        if (machine->put_document)
                machine->put_document(machine->document);
        *machine = (struct machine){};
}

/**
 * device_name_in_guest() - make the link of a disk or the alternative name of an interface
 *
 * Return: @buf, or NULL if the device has no name.
 */
const char *device_name_in_guest(const struct device *device, char buf[static NAME_IN_GUEST_MAX]) {
        const struct pci_path *path = device_get_path(device);
        char flat[PCI_PATH_STRING_MAX];
        int n, most;

        if (!path || device->node == NODE_NONE || (device->node == NODE_DISK && !device->suffix))
                return NULL;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (device->node == NODE_INTERFACE) {
                n = snprintf(buf, NAME_IN_GUEST_MAX, INTERFACE_PREFIX "%s%s", flat, device->suffix ?: "");
                most = INTERFACE_NAME_MAX;
        } else {
                n = snprintf(buf, NAME_IN_GUEST_MAX, DISK_LINKS "%s%s%s", flat, *device->suffix != '\0' ? "-" : "",
                             device->suffix);
                most = NAME_IN_GUEST_MAX - 1;
        }

        return n <= most ? buf : NULL;
}
