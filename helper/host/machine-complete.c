/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets the paths of a machine after all devices are added, and marks the devices that the guest cannot find.
 */

#include "machine.h"
#include "util.h"

/* A guest probes function 0 of a slot before the others, and behind a PCIe port it probes slot 0 only. */
static const char *function_find_fault(const struct device *f) {
        if (f->bus->slots == SLOTS_LINK && f->hop.slot != 0)
                return "behind a PCIe port, but not in slot 0";
        if ((f->bus->shown & 1U << f->hop.slot) == 0)
                return "the slot has no function 0";
        return NULL;
}

static int function_set_path(struct device *f) {
        struct pci_path path;

        if (f->absent)
                return 0;
        f->absent = bus_find_fault(f->bus);
        if (f->absent)
                return 0;

        if (bus_get_path(f->bus, f->hop.slot, &path) < 0) {
                f->absent = "behind more than 255 bridges";
                return 0;
        }
        path.hops[path.n_hops - 1] = f->hop;

        f->path = malloc(sizeof(path));
        if (!f->path)
                return -ENOMEM;
        *f->path = path;
        return 0;
}

/*
 * The driver of a virtio card with failover=on makes two interfaces: the card's, and a standby interface, whose port
 * has the name "sby" (Linux 4.18, drivers/net/virtio_net.c).
 */
static int add_standby_interfaces(struct machine *machine) {
        for (size_t i = 0, n = machine->n_devices; i < n; i++) {
                struct device *standby, *card = machine->devices[i];

                if (!card->has_standby)
                        continue;
                standby = machine_add_device(machine, NULL, card);
                if (!standby)
                        return -ENOMEM;
                standby->node = NODE_INTERFACE;
                standby->kind = "standby interface";
                standby->type = strdup(card->type);
                standby->suffix = strdup(INTERFACE_STANDBY);
                if (!standby->type || !standby->suffix)
                        return -ENOMEM;
        }

        return 0;
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

static void sort_devices(struct machine *machine) {
        if (machine->n_devices > 0)
                qsort(machine->devices, machine->n_devices, sizeof(*machine->devices), compare_devices);
}

/* A wrong document may have two functions, or two disks of a function, with the same address. Neither gets a path. */
static void mark_same_slots(struct machine *machine) {
        struct device *function = NULL, *disk = NULL;

        for (size_t i = 0; i < machine->n_devices && device_get_path(machine->devices[i]); i++) {
                struct device *d = machine->devices[i], **before = d->function ? &disk : &function;

                if (d->function && !d->suffix)
                        continue;
                if (*before && (d->function ? d->function == disk->function && streq(d->suffix, disk->suffix)
                                            : pci_path_compare(d->path, function->path) == 0))
                        (*before)->twin = d->twin = true;
                *before = d;
        }

        for (size_t i = 0; i < machine->n_devices; i++)
                if (machine->devices[i]->twin)
                        machine->devices[i]->absent = "another device has the same address";
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

typedef int (*compare_fn)(const void *a, const void *b);

/* Return: a sorted array of the buses, which the caller frees, or NULL if out of memory. */
static struct bus **sort_buses(const struct machine *machine, compare_fn compare) {
        struct bus **buses = calloc(machine->n_buses + 1, sizeof(*buses));

        if (!buses || machine->n_buses == 0)
                return buses;
        memcpy(buses, machine->buses, machine->n_buses * sizeof(*buses));
        qsort(buses, machine->n_buses, sizeof(*buses), compare);
        return buses;
}

static bool is_named_root(const struct bus *bus) {
        return !bus->bridge && !bus->nameless;
}

/* Root buses with a name come first, sorted by number. */
static int compare_roots(const void *a, const void *b) {
        const struct bus *x = *(struct bus *const *) a, *y = *(struct bus *const *) b;

        if (is_named_root(x) != is_named_root(y))
                return is_named_root(y) - is_named_root(x);
        if (x->root.domain != y->root.domain)
                return x->root.domain < y->root.domain ? -1 : 1;
        return x->root.bus - y->root.bus;
}

/* A wrong document may have two root buses with the same number. Neither gets a name. */
static int mark_same_roots(struct machine *machine) {
        _cleanup_free_ struct bus **roots = sort_buses(machine, compare_roots);
        size_t end;

        if (!roots)
                return -ENOMEM;
        for (size_t i = 0; i < machine->n_buses && is_named_root(roots[i]); i = end) {
                for (end = i + 1; end < machine->n_buses && compare_roots(&roots[i], &roots[end]) == 0;)
                        end++;
                for (size_t j = i; end - i > 1 && j < end; j++)
                        roots[j]->nameless = "below one of two root buses with the same number";
        }

        return 0;
}

static int compare_names(const void *a, const void *b) {
        const struct bus *x = *(struct bus *const *) a, *y = *(struct bus *const *) b;

        return x->name && y->name ? strcmp(x->name, y->name) : !x->name - !y->name;
}

/* A device cannot be plugged by the name of a bus if two buses have this name. */
static int forget_ambiguous_buses(struct machine *machine) {
        _cleanup_free_ struct bus **buses = sort_buses(machine, compare_names);

        if (!buses)
                return -ENOMEM;
        for (size_t i = 1; i < machine->n_buses && buses[i]->name; i++)
                if (streq(buses[i - 1]->name, buses[i]->name))
                        buses[i - 1]->takes_plugs = buses[i]->takes_plugs = false;
        return 0;
}

static void mark_used_slots(struct machine *machine) {
        for (size_t i = 0; i < machine->n_devices; i++) {
                const struct device *d = machine->devices[i];

                if (!d->bus || d->hop.vf != PCI_HOP_NO_VF)
                        continue;
                d->bus->used |= 1U << d->hop.slot;
                if (d->hop.function == 0)
                        d->bus->shown |= 1U << d->hop.slot;
        }
}

static int set_paths(struct machine *machine) {
        int r = 0;

        for (size_t i = 0; i < machine->n_devices; i++)
                if (machine->devices[i]->bus && !machine->devices[i]->absent)
                        machine->devices[i]->absent = function_find_fault(machine->devices[i]);
        for (size_t i = 0; i < machine->n_devices && r >= 0; i++)
                if (machine->devices[i]->bus)
                        r = function_set_path(machine->devices[i]);
        return r;
}

/**
 * machine_complete() - set all paths, after the last device is added
 *
 * Return: 0, or -ENOMEM.
 */
int machine_complete(struct machine *machine) {
        int r;

        if (machine->is_list) {
                sort_devices(machine);
                return machine_index(machine);
        }

        mark_used_slots(machine);
        r = add_standby_interfaces(machine);
        if (r >= 0)
                r = mark_same_roots(machine);
        if (r >= 0)
                r = set_paths(machine);
        if (r >= 0)
                r = forget_ambiguous_buses(machine);
        if (r < 0)
                return r;

        sort_devices(machine);
        mark_same_slots(machine);
        mark_below_absent(machine);
        return machine_index(machine);
}
