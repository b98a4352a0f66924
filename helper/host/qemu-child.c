/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The second round trip of a level: the devices on its buses.
 */

#include <assert.h>

#include "array.h"
#include "format-text.h"
#include "qemu-walk.h"

#define PERIPHERAL "/machine/peripheral/"
#define LINK 0 /* the index in struct qom_object of a bus's link to a device, if the bus did not list values */

/* The properties of a device, by their index in struct qom_object. */
enum {
        ADDRESS,
        INDEX,
        HOTPLUGGED,
        PARENT_BUS,
        PROPERTIES,
        LABELS = PROPERTIES + QEMU_PROPERTIES_MAX,
        END = LABELS + QEMU_LABELS_MAX,
};
static_assert(END == QOM_PROPERTIES_MAX, "each property has a place");

static void want_properties(const struct walk *walk, const struct child *c, struct qom_object *object) {
        const char **wanted = object->properties;

        object->wants_listing = !c->row->leaf || c->bus->is_system;
        wanted[ADDRESS] = c->bus->kind == QEMU_BUS_PCI ? "addr" : NULL;
        wanted[INDEX] = streq(c->type, "spapr-pci-host-bridge") ? "index" : NULL;
        wanted[HOTPLUGGED] = c->bus->refuses_shpc ? "hotplugged" : NULL;
        wanted[PARENT_BUS] = walk->qmp.has_list_get ? "parent_bus" : NULL;
        if (c->row->suffix != QEMU_SUFFIX_PORT || walk->machine->wants_room)
                memcpy(wanted + PROPERTIES, c->row->properties, sizeof(c->row->properties));
        for (size_t i = 0; i < QEMU_LABELS_MAX; i++)
                wanted[LABELS + i] = walk->machine->wants_labels && c->row->labels ? c->row->labels[i].key : NULL;
}

static int ask_child(const struct walk *walk, struct qom_batch *batch, struct child *c) {
        _cleanup_free_ char *through_bus = NULL, *subsystem = NULL;
        struct qom_object *object, *link, *listed;
        const char *path = c->path;

        if (!path) {
                if (format_text(&through_bus, "%s/%s", c->bus->path, c->name) < 0)
                        return -ENOMEM;
                path = through_bus;
                c->link = link = qom_add(batch, c->bus->path);
                if (!link)
                        return -ENOMEM;
                link->properties[LINK] = c->name;
        }

        c->object = object = qom_add(batch, path);
        if (!object)
                return -ENOMEM;
        want_properties(walk, c, object);

        if (c->row->suffix != QEMU_SUFFIX_NVME)
                return 0;
        if (format_text(&subsystem, "%s/subsys", path) < 0)
                return -ENOMEM;
        c->subsystem = listed = qom_add(batch, subsystem);
        if (!listed)
                return -ENOMEM;
        listed->wants_listing = true;
        return 0;
}

static struct record *add_record(struct walk *walk, const struct child *c) {
        struct record *record;

        if (array_grow(walk->records, walk->n_records, 1) < 0)
                return NULL;
        record = calloc(1, sizeof(*record));
        if (!record)
                return NULL;

        walk->records[walk->n_records++] = record;
        record->on = c->bus;
        record->type = c->row;
        record->path = strdup(c->path);
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
static const char *find_fault(const struct child *c) {
        if (json_object_get_boolean(c->object->values[HOTPLUGGED]))
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

/* Set what the device itself has, which its inner device on a virtio bus does not. */
static int set_properties(struct walk *walk, struct record *record, const struct child *c) {
        int r;

        r = set_identity(record, c);
        if (r < 0)
                return r;
        record->device->absent = find_fault(c);
        r = record_set_suffix(record, c->object->values + PROPERTIES);
        return r < 0 ? r : walk_set_labels(walk, record, c->object->values + LABELS);
}

static int read_device(struct walk *walk, const struct child *c) {
        json_object *listing = c->object->listing;
        const char *subsystem;
        struct record *record;
        struct pci_hop hop;
        int r = 0;

        if (c->bus->kind == QEMU_BUS_ZPCI)
                return walk_add_zpci(walk, c->object->values + PROPERTIES);
        if (c->bus->kind == QEMU_BUS_PCI && !read_address(c->object->values[ADDRESS], &hop))
                return 0;
        record = add_record(walk, c);
        if (!record)
                return -ENOMEM;
        if (c->bus->kind == QEMU_BUS_PCI)
                record->device->hop = hop;
        if (c->bus->kind != QEMU_BUS_VIRTIO)
                r = set_properties(walk, record, c);

        subsystem = c->subsystem ? json_get_text(c->object->values[PROPERTIES + 1]) : NULL;
        if (r >= 0 && subsystem && c->subsystem->listing)
                r = walk_add_subsystem(walk, record, subsystem, c->subsystem->listing);
        if (r >= 0 && listing && !c->row->leaf)
                r = walk_add_buses_of(walk, record, listing);
        return r;
}

static bool has_other_children(json_object *listing, const char *path) {
        size_t n = strlen(path);

        for (size_t i = 0; i < json_object_array_length(listing); i++) {
                json_object *item = json_object_array_get_idx(listing, i);
                const char *type = json_get_text(json_get(item, "type")), *value;

                if (!type || strncmp(type, "child<", strlen("child<")) != 0)
                        continue;
                value = json_get_text(json_get(item, "value"));
                if (value && (strncmp(value, path, n) != 0 || value[n] != '/'))
                        return true;
        }

        return false;
}

/*
 * The answer to qom-list-get does not repeat the paths. But a device names its bus, and the paths of its children begin
 * with its own path.
 */
static int check_child(const struct walk *walk, const struct child *c) {
        const char *bus = json_get_text(c->object->values[PARENT_BUS]);
        json_object *listing = c->object->listing;

        if (!c->object->properties[PARENT_BUS])
                return 0;
        if (bus && streq(bus, c->bus->path) && !(listing && has_other_children(listing, c->path)))
                return 0;
        return error_set(walk->error, -EBADMSG, "%s: QEMU's answer about %s is about another object: try again",
                         walk->qmp.stream.path, c->path);
}

static int read_child(struct walk *walk, struct child *c) {
        const char *path = c->link ? json_get_text(c->link->values[LINK]) : NULL;
        int r;

        if (path) {
                c->path = strdup(path);
                if (!c->path)
                        return -ENOMEM;
        }
        if (!c->path || *c->path == '\0' || c->object->is_gone)
                return 0; /* removed meanwhile */
        r = check_child(walk, c);
        if (r < 0)
                return r;
        if (!c->bus->is_system)
                return read_device(walk, c);
        if (!c->object->listing)
                return walk_set_not_list(walk, c->path);
        return walk_add_roots(walk, c->path, c->type, c->object->values[INDEX], c->object->listing);
}

/** walk_children() - read the devices on the buses of a level */
int walk_children(struct walk *walk, struct children *children) {
        _cleanup_batch_ struct qmp_batch commands = {};
        _cleanup_qom_ struct qom_batch objects = {};
        int r = 0;

        for (size_t i = 0; i < children->n && r >= 0; i++)
                r = ask_child(walk, &objects, &children->items[i]);
        if (r >= 0)
                r = qom_read(&walk->qmp, &commands, &objects, walk->error);
        for (size_t i = 0; i < children->n && r >= 0; i++)
                r = read_child(walk, &children->items[i]);
        return r;
}
