/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "array.h"
#include "format-text.h"
#include "qemu-walk.h"

#define SYSTEM_BUS "/machine/unattached/sysbus"
#define OBJECTS_MAX 100000

#define HANDLER 0 /* the index of a bus's property in struct qom_object */

/** walk_set_not_list() - set the error for an answer that is not a list */
int walk_set_not_list(const struct walk *walk, const char *path) {
        return error_set(walk->error, -EBADMSG, "%s: QEMU's answer about %s is not a list",
                         walk->qmp.stream.path, path);
}

static bool is_host_bridge(const struct walk *walk, const char *type) {
        for (size_t i = 0; i < json_object_array_length(walk->host_bridges); i++) {
                const char *name = json_get_text(json_get(json_object_array_get_idx(walk->host_bridges, i), "name"));

                if (name && streq(name, type))
                        return true;
        }

        return false;
}

static int ask_bus(const struct walk *walk, struct qom_batch *batch, struct qbus *bus) {
        bus->object = qom_add(batch, bus->path);
        if (!bus->object)
                return -ENOMEM;
        bus->object->wants_listing = true;
        /* On i440fx, the handler also tells which devices the guest does not show. */
        if (bus->kind == QEMU_BUS_PCI && (walk->machine->wants_room || walk->is_i440fx))
                bus->object->properties[HANDLER] = "hotplug-handler";
        return 0;
}

/*
 * Find out whether a bus supports hotplug. Each bus names its hotplug handler: the device that has the bus, or ACPI,
 * which handles only buses that have a number from it (hw/acpi/pcihp.c).
 */
static void read_handler(const struct walk *walk, struct qbus *bus, const char *handler, json_object *listing) {
        const struct record *bridge = bus->device;
        bool is_own;

        if (!handler || *handler == '\0' || walk->has_uids)
                return;
        is_own = strncmp(bus->path, handler, strlen(handler)) == 0 && bus->path[strlen(handler)] == '/';
        if (!is_own && !qom_find(listing, "acpi-pcihp-bsel"))
                return;

        bus->pci->takes_plugs = !bridge || !(bridge->takes_no_plugs || bridge->type->takes_no_plugs);
        if (!bridge || bridge->type->slots == SLOTS_LINK || !is_own)
                return;

        /*
         * The handler is the bridge, so this is SHPC, which reserves slot 0. Linux does not use SHPC without OSHP or
         * _OSC.
         */
        bus->pci->first_slot = 1;
        if (walk->is_i440fx) {
                bus->refuses_shpc = true;
                bus->pci->takes_plugs = false;
        }
}

static int add_child(struct walk *walk, struct children *children, struct qbus *bus, json_object *item) {
        _cleanup_free_ char *type = qom_type_within(json_get_text(json_get(item, "type")), "link"), *path = NULL;
        const char *name = json_get_text(json_get(item, "name")), *target = json_get_text(json_get(item, "value"));
        struct child *child;
        unsigned index;
        char end;

        if (!type || !name || sscanf(name, "child[%u%c", &index, &end) != 2 || end != ']')
                return 0;
        if (bus->is_system && !is_host_bridge(walk, type))
                return 0;
        if (target && *target == '\0')
                return 0; /* removed meanwhile */
        if (walk->n_records + children->n >= OBJECTS_MAX)
                return error_set(walk->error, -EFBIG, "%s: more than %d objects", walk->qmp.stream.path,
                                 OBJECTS_MAX);

        path = target ? strdup(target) : NULL;
        if ((target && !path) || array_grow(children->items, children->n, 1) < 0)
                return -ENOMEM;
        child = &children->items[children->n++];
        *child = (struct child){
                .bus = bus,
                .index = index,
                .row = qemu_type_find(type),
                .type = type,
                .path = path,
        };
        (void) snprintf(child->name, sizeof(child->name), "child[%u]", index);
        walk->is_i440fx = walk->is_i440fx || streq(type, "i440FX-pcihost");
        type = path = NULL;
        return 0;
}

static int compare_children(const void *a, const void *b) {
        const struct child *x = a, *y = b;

        return (x->index > y->index) - (x->index < y->index);
}

static int read_buses(struct walk *walk, size_t begin, size_t end, struct children *children) {
        int r;

        for (size_t i = begin; i < end; i++) {
                struct qbus *bus = walk->buses[i];
                json_object *listing = bus->object->listing;
                size_t first = children->n;

                if (!listing)
                        continue; /* removed meanwhile */
                if (bus->kind == QEMU_BUS_PCI)
                        read_handler(walk, bus, json_get_text(bus->object->values[HANDLER]), listing);
                for (size_t j = 0; j < json_object_array_length(listing); j++) {
                        r = add_child(walk, children, bus, json_object_array_get_idx(listing, j));
                        if (r < 0)
                                return r;
                }
                /* Sort by creation. */
                if (children->n > first)
                        qsort(children->items + first, children->n - first, sizeof(*children->items), compare_children);
        }

        return 0;
}

static void clear_children(struct children *children) {
        for (size_t i = 0; i < children->n; i++) {
                free(children->items[i].type);
                free(children->items[i].path);
        }
        free(children->items);
}

static int ask_machine(const struct walk *walk, struct qmp_batch *commands) {
        if (qmp_add(commands, "qmp_capabilities", NULL) < 0 ||
            qmp_add(commands, "qom-list-types", (const char *const[]){ "implements", "pci-host-bridge", NULL }) < 0 ||
            (walk->machine->wants_labels && qmp_add(commands, "query-block", NULL) < 0))
                return -ENOMEM;
        return 0;
}

static int read_machine(struct walk *walk, const struct qmp_batch *commands) {
        walk->host_bridges = json_object_get(commands->replies[1]);
        if (!json_object_is_type(walk->host_bridges, json_type_array))
                return walk_set_not_list(walk, "its types");
        return walk->machine->wants_labels ? walk_read_files(walk, commands->replies[2]) : 0;
}

/* Read the buses from @begin to @end, and the devices on them. */
static int walk_level(struct walk *walk, size_t begin, size_t end) {
        __attribute__((__cleanup__(clear_children))) struct children children = {};
        _cleanup_batch_ struct qmp_batch commands = {};
        _cleanup_qom_ struct qom_batch objects = {};
        int r;

        r = begin == 0 ? ask_machine(walk, &commands) : 0;
        for (size_t i = begin; i < end && r >= 0; i++)
                r = ask_bus(walk, &objects, walk->buses[i]);
        if (r >= 0)
                r = qom_read(&walk->qmp, &commands, &objects, walk->error);
        if (r >= 0 && begin == 0)
                r = read_machine(walk, &commands);
        if (r >= 0)
                r = read_buses(walk, begin, end, &children);
        return r < 0 || children.n == 0 ? r : walk_children(walk, &children);
}

/**
 * walk_machine() - read all PCI buses, the functions on them, and the disks below functions
 */
int walk_machine(struct walk *walk) {
        size_t end;
        int r = 0;

        if (!walk_add_bus(walk, QEMU_BUS_NONE, SYSTEM_BUS, "System"))
                return -ENOMEM;
        walk->buses[0]->is_system = true;

        for (size_t begin = 0; begin < walk->n_buses && r >= 0; begin = end) {
                end = walk->n_buses;
                r = walk_level(walk, begin, end);
        }

        return r;
}

void walk_clear(struct walk *walk) {
        qmp_close(&walk->qmp);
        json_object_put(walk->host_bridges);
        json_object_put(walk->files);
        for (size_t i = 0; i < walk->n_buses; i++) {
                free(walk->buses[i]->path);
                free(walk->buses[i]->type);
                free(walk->buses[i]);
        }
        free(walk->buses);
        for (size_t i = 0; i < walk->n_records; i++) {
                free(walk->records[i]->path);
                free(walk->records[i]->port);
                free(walk->records[i]->sriov_pf);
                free(walk->records[i]);
        }
        free(walk->records);
        walk_clear_zpcis(walk);
}
