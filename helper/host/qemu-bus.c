/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the buses among the children of a QEMU device.
 */

#include "array.h"
#include "format-text.h"
#include "qemu-machines.h"
#include "qemu-walk.h"

/** qom_type_within() - copy the type in the brackets of "link<mch>" or "child<PCIE>"; NULL for other texts */
char *qom_type_within(const char *text, const char *wrapper) {
        size_t n = strlen(wrapper), length = text ? strlen(text) : 0;

        if (length < n + 2 || strncmp(text, wrapper, n) != 0 || text[n] != '<' || text[length - 1] != '>')
                return NULL;
        return strndup(text + n + 1, length - n - 2);
}

/** walk_add_bus() - add a bus to list in the next level; NULL if out of memory */
struct qbus *walk_add_bus(struct walk *walk, enum qemu_bus kind, const char *path, const char *type) {
        struct qbus *bus;

        if (array_grow(walk->buses, walk->n_buses, 1) < 0)
                return NULL;

        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return NULL;
        walk->buses[walk->n_buses++] = bus;
        bus->kind = kind;
        bus->path = strdup(path);
        bus->type = strdup(type);
        if (!bus->path || !bus->type)
                return NULL;
        bus->name = strrchr(bus->path, '/') ? strrchr(bus->path, '/') + 1 : bus->path;
        return bus;
}

/* @index: of a host bridge of pseries */
static void set_root(struct walk *walk, const char *host_bridge, json_object *index, struct qbus *bus) {
        const struct qemu_machine *known = qemu_machine_find_by_host_bridge(host_bridge);

        if (streq(host_bridge, "pxb-host") || streq(host_bridge, "pxb-cxl-host")) {
                bus->is_expanders = true;
                return;
        }

        if (known) {
                walk->machine->no_hotplug = known->no_hotplug;
                walk->machine->no_room = known->no_room;
                walk->has_uids = known->root_number == ROOT_BY_UID;
        }
        if (known && known->root_number == ROOT_BY_INDEX && json_object_is_type(index, json_type_int))
                /*
                 * arch/powerpc/kernel/pci-common.c, get_phb_number(): the last digits of the unit id, which are the
                 * index.
                 */
                bus->pci->root.domain = (uint32_t) json_object_get_int64(index) & 0xffff;
        else if (!known || known->root_number != ROOT_ZERO || walk->has_root)
                bus->pci->nameless = "below a host bridge whose number in the guest is not known";
        else
                walk->has_root = true;
}

static int make_pci_bus(struct walk *walk, const struct record *bridge, struct qbus *bus) {
        bus->pci = machine_add_bus(walk->machine, bridge ? bridge->device : NULL);
        if (!bus->pci)
                return -ENOMEM;
        bus->pci->name = strdup(bus->name);
        if (!bus->pci->name)
                return -ENOMEM;

        bus->pci->slots = bridge ? bridge->type->slots : SLOTS_BUS;
        if (bus->pci->slots == SLOTS_LINK)
                bus->pci->last_slot = 0;
        return 0;
}

/*
 * Find the next bus in the listing of the children of @path, either a PCI bus or one of another kind.
 * @at: index to start from; moved past the bus
 *
 * Return: 1; 0 if there is none; -ENOMEM.
 */
static int add_next_bus(struct walk *walk, const char *path, json_object *listing, bool pci, bool other, size_t *at,
                        struct qbus **ret) {
        while (*at < json_object_array_length(listing)) {
                json_object *item = json_object_array_get_idx(listing, (*at)++);
                _cleanup_free_ char *type = qom_type_within(json_get_text(json_get(item, "type")), "child");
                _cleanup_free_ char *below = NULL;
                const char *name = json_get_text(json_get(item, "name"));
                enum qemu_bus kind = type ? qemu_bus_find(type) : QEMU_BUS_NONE;

                if (!name || kind == QEMU_BUS_NONE || !(kind == QEMU_BUS_PCI ? pci : other))
                        continue;
                if (format_text(&below, "%s/%s", path, name) < 0)
                        return -ENOMEM;
                *ret = walk_add_bus(walk, kind, below, type);
                return *ret ? 1 : -ENOMEM;
        }

        return 0;
}

/**
 * walk_add_roots() - add the PCI bus among the children of a host bridge, and the bus of its zpci devices
 * @index: of a host bridge of pseries
 */
int walk_add_roots(struct walk *walk, const char *path, const char *host_bridge, json_object *index,
                   json_object *listing) {
        struct qbus *bus;
        size_t at = 0;
        int r;

        while ((r = add_next_bus(walk, path, listing, true, true, &at, &bus)) > 0) {
                if (bus->kind != QEMU_BUS_PCI)
                        continue;
                if (make_pci_bus(walk, NULL, bus) < 0)
                        return -ENOMEM;
                set_root(walk, host_bridge, index, bus);
        }

        return r;
}

/* The number at the end of "ahci.3". */
static unsigned trailing_number(const char *name) {
        const char *dot = strrchr(name, '.');

        return dot ? (unsigned) strtoul(dot + 1, NULL, 10) : 0;
}

/* QEMU numbers the buses of controllers without an id consecutively: the smallest number is the first port. */
static void number_ports(struct walk *walk, size_t first) {
        unsigned least = UINT32_MAX;

        for (size_t i = first; i < walk->n_buses; i++)
                if (walk->buses[i]->kind == QEMU_BUS_IDE && trailing_number(walk->buses[i]->name) < least)
                        least = trailing_number(walk->buses[i]->name);
        for (size_t i = first; i < walk->n_buses; i++)
                walk->buses[i]->port = trailing_number(walk->buses[i]->name) - least + 1;
}

/** walk_add_buses_of() - add the buses among the children of a device */
int walk_add_buses_of(struct walk *walk, const struct record *record, json_object *listing) {
        bool is_function = record->device->bus;
        size_t first = walk->n_buses, at = 0;
        struct qbus *bus;
        int r;

        while ((r = add_next_bus(walk, record->path, listing, is_function, true, &at, &bus)) > 0) {
                bus->device = record;
                if (bus->kind != QEMU_BUS_PCI)
                        bus->function = record->device->function ?: record->device;
                else if (make_pci_bus(walk, record, bus) < 0)
                        return -ENOMEM;
        }

        number_ports(walk, first);
        return r;
}

/**
 * walk_add_subsystem() - add the namespace bus of a subsystem, as a bus of a controller
 *
 * Since QEMU 10 a controller without a configured subsystem gets its own, which no other controller shares.
 */
int walk_add_subsystem(struct walk *walk, const struct record *controller, const char *subsystem,
                       json_object *listing) {
        struct qbus *bus;
        size_t at = 0;
        int r;

        while ((r = add_next_bus(walk, subsystem, listing, false, true, &at, &bus)) > 0) {
                bus->function = controller->device;
                bus->device = controller;
                bus->is_subsystems = !is_qemus_own(subsystem);
        }

        return r;
}
