/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "array.h"
#include "format-text.h"
#include "qemu-walk.h"

#define SYSTEM_BUS "/machine/unattached/sysbus"
#define PERIPHERAL "/machine/peripheral/"
#define OBJECTS_MAX 100000

/* A link child[N] in the listing of a bus, and the numbers of the commands about its device. */
struct child {
        struct qbus *bus;
        unsigned index;
        const struct qemu_type *row;
        char *type;
        int link, address, root, hotplugged, subsystem, list; /* -1: not sent */
        int properties[QEMU_PROPERTIES_MAX], labels[QEMU_LABELS_MAX];
};

struct children {
        struct child *items;
        size_t n;
};

static int out_of_shape(const struct walk *walk, const char *path) {
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

/* -- The first round trip of a level: the buses -- */

static int ask_bus(struct qmp_batch *batch, struct qbus *bus) {
        bus->list = qmp_add_list(batch, bus->path);
        bus->handler = bus->kind == QEMU_BUS_PCI ? qmp_add_get(batch, bus->path, "hotplug-handler") : -1;
        return bus->list;
}

static bool has_property(json_object *listing, const char *wanted) {
        for (size_t i = 0; i < json_object_array_length(listing); i++) {
                const char *name = json_get_text(json_get(json_object_array_get_idx(listing, i), "name"));

                if (name && streq(name, wanted))
                        return true;
        }

        return false;
}

/*
 * Find out whether a bus supports hotplug. Each bus names its hotplug handler: the device that has the bus, or ACPI,
 * which handles only buses that have a number from it (hw/acpi/pcihp.c).
 */
static void read_handler(const struct walk *walk, struct qbus *bus, const char *handler, json_object *listing) {
        const struct record *bridge = bus->device;
        bool is_own;

        if (!handler || *handler == '\0')
                return;
        is_own = strncmp(bus->path, handler, strlen(handler)) == 0 && bus->path[strlen(handler)] == '/';
        if (!is_own && !has_property(listing, "acpi-pcihp-bsel"))
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
        _cleanup_free_ char *type = qom_type_within(json_get_text(json_get(item, "type")), "link");
        const char *name = json_get_text(json_get(item, "name"));
        unsigned index;
        char end;

        if (!type || !name || sscanf(name, "child[%u%c", &index, &end) != 2 || end != ']')
                return 0;
        if (bus->is_system && !is_host_bridge(walk, type))
                return 0;
        if (walk->n_records + children->n >= OBJECTS_MAX)
                return error_set(walk->error, -EFBIG, "%s: more than %d objects", walk->qmp.stream.path,
                                 OBJECTS_MAX);

        if (array_grow(children->items, children->n, 1) < 0)
                return -ENOMEM;
        children->items[children->n++] = (struct child){
                .bus = bus,
                .index = index,
                .row = qemu_type_find(type),
                .type = type,
        };
        walk->is_i440fx = walk->is_i440fx || streq(type, "i440FX-pcihost");
        type = NULL;
        return 0;
}

static int compare_children(const void *a, const void *b) {
        const struct child *x = a, *y = b;

        return (x->index > y->index) - (x->index < y->index);
}

static int read_buses(struct walk *walk, size_t begin, size_t end, const struct qmp_batch *batch,
                      struct children *children) {
        int r;

        for (size_t i = begin; i < end; i++) {
                struct qbus *bus = walk->buses[i];
                json_object *listing = batch->replies[bus->list];
                size_t first = children->n;

                if (!listing)
                        continue; /* removed meanwhile */
                if (!json_object_is_type(listing, json_type_array))
                        return out_of_shape(walk, bus->path);
                if (bus->handler >= 0)
                        read_handler(walk, bus, json_get_text(batch->replies[bus->handler]), listing);
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

/* -- The second round trip of a level: the devices on these buses -- */

static void ask_labels(struct qmp_batch *batch, const char *path, struct child *c, bool wants_labels) {
        for (size_t i = 0; i < QEMU_LABELS_MAX; i++)
                c->labels[i] = wants_labels && c->row->labels && c->row->labels[i].key
                                       ? qmp_add_get(batch, path, c->row->labels[i].key)
                                       : -1;
}

static int ask_child(struct qmp_batch *batch, struct child *c, bool wants_labels) {
        char link[sizeof("child[4294967295]")];
        _cleanup_free_ char *path = NULL, *subsystem = NULL;
        bool is_function = c->bus->kind == QEMU_BUS_PCI;

        sprintf(link, "child[%u]", c->index);
        if (format_text(&path, "%s/%s", c->bus->path, link) < 0 || format_text(&subsystem, "%s/subsys", path) < 0)
                return -ENOMEM;

        c->link = qmp_add_get(batch, c->bus->path, link);
        c->address = is_function ? qmp_add_get(batch, path, "addr") : -1;
        c->root = streq(c->type, "spapr-pci-host-bridge") ? qmp_add_get(batch, path, "index") : -1;
        c->hotplugged = c->bus->refuses_shpc ? qmp_add_get(batch, path, "hotplugged") : -1;
        c->subsystem = c->row->suffix == QEMU_SUFFIX_NVME ? qmp_add_list(batch, subsystem) : -1;
        for (size_t i = 0; i < QEMU_PROPERTIES_MAX; i++)
                c->properties[i] = c->row->properties[i] ? qmp_add_get(batch, path, c->row->properties[i]) : -1;
        ask_labels(batch, path, c, wants_labels);
        c->list = !c->row->leaf || c->bus->is_system ? qmp_add_list(batch, path) : -1;
        return c->link;
}

static json_object *reply(const struct qmp_batch *batch, int number) {
        return number >= 0 ? batch->replies[number] : NULL;
}

static struct record *add_record(struct walk *walk, const struct child *c, const char *path) {
        struct record *record;

        if (array_grow(walk->records, walk->n_records, 1) < 0)
                return NULL;
        record = calloc(1, sizeof(*record));
        if (!record)
                return NULL;

        walk->records[walk->n_records++] = record;
        record->on = c->bus;
        record->type = c->row;
        record->path = strdup(path);
        /* A device on the virtio bus of a function is the inner device of that function. */
        record->device = c->bus->kind == QEMU_BUS_VIRTIO ? c->bus->function
                                                         : machine_add_device(walk->machine, c->bus->pci,
                                                                              c->bus->function);
        return record->path && record->device ? record : NULL;
}

static int set_identity(struct record *record, const struct child *c) {
        size_t n = strlen(PERIPHERAL);
        const char *id = strncmp(record->path, PERIPHERAL, n) == 0 ? record->path + n : NULL;

        if (id && !strchr(id, '/')) {
                record->device->id = strdup(id);
                if (!record->device->id)
                        return -ENOMEM;
        }

        record->device->kind = c->row->kind;
        record->device->type = strdup(c->type);
        return record->device->type ? 0 : -ENOMEM;
}

/* The reason why the guest does not show a device, from its properties. */
static const char *find_fault(const struct qmp_batch *batch, const struct child *c) {
        if (json_object_get_boolean(reply(batch, c->hotplugged)))
                return "plugged into a bridge whose hotplug controller (SHPC) Linux does not use";
        return NULL;
}

/* The property addr is slot and function as one number, or negative if the device is not realized yet. */
static bool read_address(json_object *value, struct pci_hop *ret) {
        int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;

        if (number < 0 || number > 0xff)
                return false;
        *ret = (struct pci_hop){
                .bus = PCI_HOP_NO_BUS,
                .slot = (uint8_t) (number >> 3),
                .function = (uint8_t) (number & 7),
                .vf = PCI_HOP_NO_VF,
        };
        return true;
}

static int read_device(struct walk *walk, const struct qmp_batch *batch, const struct child *c, const char *path) {
        json_object *values[QEMU_PROPERTIES_MAX], *labels[QEMU_LABELS_MAX], *listing = reply(batch, c->list);
        json_object *of_subsystem = reply(batch, c->subsystem);
        const char *subsystem;
        struct record *record;
        struct pci_hop hop;
        int r;

        if (c->address >= 0 && !read_address(reply(batch, c->address), &hop))
                return 0;
        record = add_record(walk, c, path);
        if (!record)
                return -ENOMEM;
        if (c->bus->kind != QEMU_BUS_VIRTIO) {
                if (set_identity(record, c) < 0)
                        return -ENOMEM;
                record->device->absent = find_fault(batch, c);
        }
        if (c->address >= 0)
                record->device->hop = hop;

        for (size_t i = 0; i < QEMU_PROPERTIES_MAX; i++)
                values[i] = reply(batch, c->properties[i]);
        for (size_t i = 0; i < QEMU_LABELS_MAX; i++)
                labels[i] = reply(batch, c->labels[i]);
        r = c->bus->kind != QEMU_BUS_VIRTIO ? record_set_suffix(record, values) : 0;
        if (r >= 0 && c->bus->kind != QEMU_BUS_VIRTIO)
                r = walk_set_labels(walk, record, labels);
        subsystem = c->row->suffix == QEMU_SUFFIX_NVME ? json_get_text(values[1]) : NULL;
        if (r >= 0 && subsystem && json_object_is_type(of_subsystem, json_type_array))
                r = walk_add_subsystem(walk, record, subsystem, of_subsystem);
        if (r >= 0 && json_object_is_type(listing, json_type_array))
                r = walk_add_buses_of(walk, record, listing);
        return r;
}

static int read_child(struct walk *walk, const struct qmp_batch *batch, const struct child *c) {
        const char *path = json_get_text(reply(batch, c->link));
        json_object *listing = reply(batch, c->list);

        if (!path || *path == '\0')
                return 0; /* removed meanwhile */
        if (!c->bus->is_system)
                return read_device(walk, batch, c, path);
        if (!json_object_is_type(listing, json_type_array))
                return out_of_shape(walk, path);
        return walk_add_roots(walk, path, c->type, reply(batch, c->root), listing);
}

static int walk_children(struct walk *walk, struct children *children) {
        _cleanup_batch_ struct qmp_batch batch = {};
        int r = 0;

        for (size_t i = 0; i < children->n && r >= 0; i++)
                r = ask_child(&batch, &children->items[i], walk->machine->wants_labels);
        if (r >= 0)
                r = qmp_run(&walk->qmp, &batch, walk->error);
        for (size_t i = 0; i < children->n && r >= 0; i++)
                r = read_child(walk, &batch, &children->items[i]);
        return r;
}

static void clear_children(struct children *children) {
        for (size_t i = 0; i < children->n; i++)
                free(children->items[i].type);
        free(children->items);
}

/* Read the buses from @begin to @end, and the devices on them. */
static int walk_level(struct walk *walk, struct qmp_batch *batch, size_t begin, size_t end) {
        __attribute__((__cleanup__(clear_children))) struct children children = {};
        int r = 0;

        for (size_t i = begin; i < end && r >= 0; i++)
                r = ask_bus(batch, walk->buses[i]);
        if (r >= 0)
                r = qmp_run(&walk->qmp, batch, walk->error);
        if (r >= 0 && begin == 0) {
                walk->host_bridges = json_object_get(batch->replies[1]);
                if (!json_object_is_type(walk->host_bridges, json_type_array))
                        return out_of_shape(walk, "its types");
                if (walk->machine->wants_labels)
                        r = walk_read_files(walk, batch->replies[2]);
        }
        if (r >= 0)
                r = read_buses(walk, begin, end, batch, &children);
        return r < 0 || children.n == 0 ? r : walk_children(walk, &children);
}

/**
 * walk_machine() - read all PCI buses, the functions on them, and the disks below functions
 */
int walk_machine(struct walk *walk) {
        size_t begin = 0, end;
        int r = 0;

        if (!walk_add_bus(walk, QEMU_BUS_NONE, SYSTEM_BUS, "System"))
                return -ENOMEM;
        walk->buses[0]->is_system = true;

        for (; begin < walk->n_buses && r >= 0; begin = end) {
                _cleanup_batch_ struct qmp_batch batch = {};

                end = walk->n_buses;
                if (begin == 0 && (qmp_add(&batch, "qmp_capabilities", NULL) < 0 ||
                                   qmp_add(&batch, "qom-list-types",
                                           (const char *const[]){ "implements", "pci-host-bridge", NULL }) < 0 ||
                                   (walk->machine->wants_labels && qmp_add(&batch, "query-block", NULL) < 0)))
                        return -ENOMEM;
                r = walk_level(walk, &batch, begin, end);
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
}
