/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "util.h"

#define LINKS "/dev/disk/by-pci-path/"
#define INTERFACE_NAME_LENGTH_MAX 127 /* of an alternative name */

_Static_assert(sizeof(LINKS) + NAME_MAX == NAME_IN_GUEST_MAX, "a link's name is as long as a file's can be");

/* Room for one pointer more; grows by halves, so that many cost little. */
static int grow(void ***items, size_t n) {
        void **more;

        if (n % 64 != 0)
                return 0;
        more = reallocarray(*items, n + 64, sizeof(**items));
        if (!more)
                return -ENOMEM;
        *items = more;
        return 0;
}

/**
 * machine_add_bus() - a bus behind @bridge, or a root bus if there is none
 *
 * Return: the bus with all slots and no name, or NULL when memory is out.
 */
struct bus *machine_add_bus(struct machine *machine, struct device *bridge) {
        struct bus *bus;

        if (grow((void ***) &machine->buses, machine->n_buses) < 0)
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
 * machine_add_device() - a function on @bus, or something below @function
 *
 * Return: the device with nothing known of it, or NULL when memory is out.
 */
struct device *machine_add_device(struct machine *machine, struct bus *bus, struct device *function) {
        struct device *device;

        if (grow((void ***) &machine->devices, machine->n_devices) < 0)
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

/* Why is there nothing to see of what is on this bus, whatever it is? */
static const char *bus_find_fault(const struct bus *bus) {
        for (size_t hops = 0; bus->bridge; hops++) {
                if (hops == PCI_PATH_HOPS_MAX)
                        return "more than 255 bridges above it";
                if (bus->bridge->absent)
                        return "behind a bridge that the guest does not show";
                bus = bus->bridge->bus;
        }

        return bus->nameless;
}

/* What PCI lets no guest find: it looks for function 0 of a slot first, and behind a PCIe port at slot 0 only. */
static const char *function_find_fault(const struct device *f) {
        if (f->bus->slots == SLOTS_LINK && f->hop.slot != 0)
                return "behind a PCIe port, but not in slot 0";
        if ((f->bus->shown & 1U << f->hop.slot) == 0)
                return "its slot has no function 0";
        return NULL;
}

/* The hops from the root down to @bus, which bus_find_fault() found to be not too many. */
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
 * bus_get_path() - the path that function 0 of @slot has, or would have
 *
 * Return: 0, or -ENOENT when the guest shows nothing there.
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

static int function_set_path(struct device *f) {
        struct pci_path path;

        if (f->absent)
                return 0;
        f->absent = bus_find_fault(f->bus);
        if (f->absent)
                return 0;

        if (bus_get_path(f->bus, f->hop.slot, &path) < 0) {
                f->absent = "more than 255 bridges above it";
                return 0;
        }
        path.hops[path.n_hops - 1] = f->hop;

        f->path = malloc(sizeof(path));
        if (!f->path)
                return -ENOMEM;
        *f->path = path;
        return 0;
}

/**
 * device_get_path() - the path of a function, or of the one that a device is below
 *
 * Return: NULL when the guest shows no such device.
 */
const struct pci_path *device_get_path(const struct device *device) {
        if (device->absent)
                return NULL;
        return device->function ? device_get_path(device->function) : device->path;
}

/**
 * device_why_absent() - why the guest does not show it, or may not
 *
 * Return: NULL when it does.
 */
const char *device_why_absent(const struct device *device) {
        return device->absent ?: (device->function ?: device)->until;
}

static int compare_devices(const void *a, const void *b) {
        const struct device *x = *(struct device *const *) a, *y = *(struct device *const *) b;
        const struct pci_path *of_x = device_get_path(x), *of_y = device_get_path(y);
        int r;

        r = of_x && of_y ? pci_path_compare(of_x, of_y) : !of_x - !of_y;
        if (r == 0)
                r = !!x->function - !!y->function;
        if (r == 0)
                r = strverscmp(x->suffix ?: "", y->suffix ?: "");
        return r != 0 ? r : strverscmp(x->id ?: "", y->id ?: "");
}

/* Two functions, or two disks of one, at the same place: what a document says wrongly. Neither is named. */
static void mark_same_places(struct machine *machine) {
        struct device *function = NULL, *disk = NULL;

        for (size_t i = 0; i < machine->n_devices && device_get_path(machine->devices[i]); i++) {
                struct device *d = machine->devices[i], **before = d->function ? &disk : &function;

                if (d->function && !d->suffix)
                        continue;
                if (*before && (d->function ? d->function == disk->function && streq(d->suffix, disk->suffix) :
                                pci_path_compare(d->path, function->path) == 0))
                        (*before)->twin = d->twin = true;
                *before = d;
        }

        for (size_t i = 0; i < machine->n_devices; i++)
                if (machine->devices[i]->twin)
                        machine->devices[i]->absent = "another device has the same place";
}

static void mark_below_absent(struct machine *machine) {
        for (size_t i = 0; i < machine->n_devices; i++) {
                struct device *d = machine->devices[i];

                if (d->bus && !d->absent)
                        d->absent = bus_find_fault(d->bus);
        }
        for (size_t i = 0; i < machine->n_devices; i++) {
                struct device *d = machine->devices[i];

                if (d->function && !d->absent && d->function->absent)
                        d->absent = "below a function that the guest does not show";
        }
}

static bool is_named_root(const struct bus *bus, const char *same) {
        return !bus->bridge && (!bus->nameless || bus->nameless == same);
}

/* Two roots that the guest would call the same: what a document says wrongly. */
static void mark_same_roots(struct machine *machine) {
        static const char *const same = "below one of two root buses with the same number";

        for (size_t i = 0; i < machine->n_buses; i++)
                for (size_t j = i + 1; j < machine->n_buses; j++) {
                        struct bus *a = machine->buses[i], *b = machine->buses[j];

                        if (is_named_root(a, same) && is_named_root(b, same) && a->root.domain == b->root.domain &&
                            a->root.bus == b->root.bus)
                                a->nameless = b->nameless = same;
                }
}

/* A name that means two buses is no name. */
static void forget_ambiguous_buses(struct machine *machine) {
        for (size_t i = 0; i < machine->n_buses; i++)
                for (size_t j = 0; j < machine->n_buses; j++) {
                        struct bus *a = machine->buses[i], *b = machine->buses[j];

                        if (i != j && a->name && b->name && streq(a->name, b->name))
                                a->takes_plugs = false;
                }
}

/**
 * machine_complete() - name everything, once all is added
 *
 * Return: 0, or -ENOMEM.
 */
int machine_complete(struct machine *machine) {
        int r;

        for (size_t i = 0; i < machine->n_devices; i++) {
                const struct device *d = machine->devices[i];

                if (!d->bus || d->hop.vf != PCI_HOP_NO_VF)
                        continue;
                d->bus->used |= 1U << d->hop.slot;
                if (d->hop.function == 0)
                        d->bus->shown |= 1U << d->hop.slot;
        }

        mark_same_roots(machine);
        for (size_t i = 0; i < machine->n_devices; i++)
                if (machine->devices[i]->bus && !machine->devices[i]->absent)
                        machine->devices[i]->absent = function_find_fault(machine->devices[i]);
        for (size_t i = 0; i < machine->n_devices; i++) {
                r = machine->devices[i]->bus ? function_set_path(machine->devices[i]) : 0;
                if (r < 0)
                        return r;
        }

        forget_ambiguous_buses(machine);
        if (machine->n_devices > 0)
                qsort(machine->devices, machine->n_devices, sizeof(*machine->devices), compare_devices);
        mark_same_places(machine);
        mark_below_absent(machine);
        return 0;
}

void machine_clear(struct machine *machine) {
        for (size_t i = 0; i < machine->n_devices; i++) {
                struct device *d = machine->devices[i];

                free(d->id);
                free(d->other_id);
                free(d->type);
                free(d->suffix);
                free(d->path);
                free(d);
        }
        for (size_t i = 0; i < machine->n_buses; i++) {
                free(machine->buses[i]->name);
                free(machine->buses[i]);
        }

        free(machine->devices);
        free(machine->buses);
        *machine = (struct machine){};
}

/**
 * machine_find() - the device of an id, or the next one after @after: an NVMe namespace has one for each controller
 *
 * Return: NULL when there is none.
 */
struct device *machine_find(const struct machine *machine, const char *id, const struct device *after) {
        for (size_t i = 0; i < machine->n_devices; i++) {
                struct device *d = machine->devices[i];

                if (after) {
                        if (d == after)
                                after = NULL;
                        continue;
                }
                if ((d->id && streq(d->id, id)) || (d->other_id && streq(d->other_id, id)))
                        return d;
        }

        return NULL;
}

/**
 * device_name_in_guest() - the link to a disk, or the alternative name of an interface
 *
 * Return: @buf, or NULL when there is none.
 */
const char *device_name_in_guest(const struct device *device, char buf[static NAME_IN_GUEST_MAX]) {
        const struct pci_path *path = device_get_path(device);
        char flat[PCI_PATH_STRING_MAX];
        int n, most;

        if (!path || device->node == NODE_NONE || (device->node == NODE_DISK && !device->suffix))
                return NULL;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (device->node == NODE_INTERFACE) {
                n = snprintf(buf, NAME_IN_GUEST_MAX, "pci-%s", flat);
                most = INTERFACE_NAME_LENGTH_MAX;
        } else {
                n = snprintf(buf, NAME_IN_GUEST_MAX, LINKS "%s%s%s", flat, *device->suffix != '\0' ? "-" : "",
                             device->suffix);
                most = NAME_IN_GUEST_MAX - 1;
        }

        return n <= most ? buf : NULL;
}
