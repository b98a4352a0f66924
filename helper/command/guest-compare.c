/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Compares what the host expects with what the guest has. The guest knows no id, so a device is first looked for at its
 * place, unless its serial number or MAC address shows that another device is there. A device that is not at its place
 * is then found by that number.
 *
 * A machine has functions that the host was not asked for and does not list: host bridges, ISA bridges, the disk
 * controllers of a chipset, virtual functions that the guest has enabled. They are no difference.
 */

#include "ascii.h"
#include "guest-compare.h"
#include "search.h"
#include "util.h"

struct place {
        const struct guest_devices *devices;
        const struct pci_path *path;
};

static int compare_place(size_t i, const void *wanted) {
        const struct place *place = wanted;

        return pci_path_compare(place->path, &place->devices->items[i].function->path);
}

/* The devices at @path are those from the returned index on, at most. */
static size_t find_place(const struct guest_devices *devices, const struct pci_path *path) {
        return search_first(devices->n, compare_place, &(struct place){ devices, path });
}

static bool is_at(const struct guest_devices *devices, size_t i, const struct pci_path *path) {
        return i < devices->n && pci_path_compare(path, &devices->items[i].function->path) == 0;
}

/* -- Labels -- */

static const char *row_label(const struct list_row *row) {
        return row->texts[row->name == LIST_NAME_INTERFACE ? LIST_MAC : LIST_SERIAL];
}

/* Virtio, NVMe and ATA have room for 20 bytes of a serial number, SCSI for 36. */
static bool labels_agree(const struct list_row *row, const struct guest_device *device) {
        const char *expected = row_label(row), *found = device->label;
        size_t n = strlen(found);

        if (row->name == LIST_NAME_INTERFACE)
                return ascii_strncasecmp(expected, found, n + 1) == 0;
        return strncmp(expected, found, n) == 0 && (expected[n] == '\0' || n == 20 || n == 36);
}

/* Return: is the number of both known? */
static bool have_labels(const struct list_row *row, const struct guest_device *device) {
        return row->name != LIST_NAME_NONE && row->name == device->name && row_label(row) && device->label;
}

/* -- By place -- */

static bool can_be_function(const struct list_row *row, const struct guest_device *device) {
        int expected = pci_kind_find_class(row->texts[LIST_KIND] ?: ""), found = device->function_kind.base_class;

        return expected < 0 || found == PCI_CLASS_OLD || found == PCI_CLASS_OTHER || expected == found;
}

/* @device is at the path of @row. A nameless row is the function itself, or a device that the host cannot name. */
static bool is_same(const struct list_row *row, const struct guest_device *device) {
        if (row->name != device->name)
                return false;
        if (row->name == LIST_NAME_NONE)
                return can_be_function(row, device);
        /* The host does not know the names of ports. */
        if (!streq(row->suffix, device->suffix) && !(row->name == LIST_NAME_INTERFACE && *row->suffix == '\0'))
                return false;
        return !have_labels(row, device) || labels_agree(row, device);
}

static bool match_place(const struct list_row *row, struct guest_devices *devices) {
        for (size_t i = find_place(devices, row->path); is_at(devices, i, row->path); i++)
                if (is_same(row, &devices->items[i])) {
                        devices->items[i].row = devices->items[i].row ?: row;
                        return true;
                }
        return false;
}

/* -- By label -- */

static bool is_single_row(const struct saved_list *list, const struct list_row *row) {
        for (size_t i = 0; i < list->n; i++) {
                const struct list_row *other = &list->rows[i];

                if (other != row && other->name == row->name && row_label(other) &&
                    streq(row_label(other), row_label(row)))
                        return false;
        }
        return true;
}

/* Return: the device that has the number of the row, NULL if there is none or if it is ambiguous. */
static struct guest_device *find_label(const struct saved_list *list, const struct list_row *row,
                                       struct guest_devices *devices) {
        struct guest_device *found = NULL;

        if (row->name == LIST_NAME_NONE || !row_label(row))
                return NULL;
        for (size_t i = 0; i < devices->n; i++) {
                struct guest_device *device = &devices->items[i];

                if (!have_labels(row, device) || !labels_agree(row, device))
                        continue;
                if (found)
                        return NULL;
                found = device;
        }
        return found && !found->row && is_single_row(list, row) ? found : NULL;
}

/* -- What is new -- */

static bool is_virtual(const struct pci_path *path) {
        for (size_t i = 0; i < path->n_hops; i++)
                if (path->hops[i].vf != PCI_HOP_NO_VF)
                        return true;
        return false;
}

/* The functions that machines have without being asked. */
static bool is_built_in(const struct guest_device *device) {
        const struct pci_kind *kind = &device->function_kind;

        return kind->base_class == PCI_CLASS_BRIDGE || streq(kind->name, "SMBus controller") ||
               streq(kind->name, "IDE controller") || streq(kind->name, "SATA controller");
}

/*
 * Would the host list the disks below this row? It does below the controllers that it emulates, but does not know those
 * of a controller that is passed through or that another process implements.
 */
static bool row_lists_children(const struct list_row *row) {
        const char *kind = row->texts[LIST_KIND], *type = row->texts[LIST_TYPE];

        if (row->name != LIST_NAME_NONE)
                return true;
        return kind && !(type && strncmp(type, "vhost-", strlen("vhost-")) == 0) &&
               (streq(kind, "SCSI controller") || streq(kind, "SATA controller") || streq(kind, "IDE controller") ||
                streq(kind, "NVMe controller") || streq(kind, "USB controller"));
}

/* What the list says about one path. */
struct knowledge {
        bool is_listed, lists_children;
};

static struct knowledge find_knowledge(const struct saved_list *list, const struct pci_path *path) {
        struct knowledge known = { .lists_children = true };

        for (size_t i = 0; i < list->n; i++) {
                const struct list_row *row = &list->rows[i];

                if (!row->path || pci_path_compare(row->path, path) != 0)
                        continue;
                known.is_listed = true;
                known.lists_children = known.lists_children && row_lists_children(row);
        }
        return known;
}

/* The host lists one interface of a function, which can have several ports. */
static bool is_another_port(const struct guest_devices *devices, size_t i) {
        const struct pci_path *path = &devices->items[i].function->path;

        if (devices->items[i].name != LIST_NAME_INTERFACE)
                return false;
        for (size_t j = find_place(devices, path); is_at(devices, j, path); j++)
                if (devices->items[j].name == LIST_NAME_INTERFACE && devices->items[j].row)
                        return true;
        return false;
}

/* A function is new if no row has its path, or if the rows that do can only mean something else. */
static bool is_new(const struct saved_list *list, const struct guest_devices *devices, size_t i) {
        const struct guest_device *device = &devices->items[i];
        const struct pci_path *path = &device->function->path;
        struct knowledge known;

        if (device->row || is_virtual(path))
                return false;
        known = find_knowledge(list, path);
        if (device->child)
                return known.lists_children && !is_another_port(devices, i);

        /* One line is enough: its disks or interfaces have one. */
        if (is_at(devices, i + 1, path) || is_built_in(device))
                return false;
        if (!known.is_listed)
                return true;
        for (size_t j = 0; j < list->n; j++) {
                const struct list_row *row = &list->rows[j];

                if (row->path && pci_path_compare(row->path, path) == 0 &&
                    (row->name != LIST_NAME_NONE || can_be_function(row, device)))
                        return false;
        }
        return true;
}

/**
 * guest_compare() - call a function for each device that moved, went or came
 *
 * Return: 0, or a negative value from @callback.
 */
int guest_compare(const struct saved_list *list, struct guest_devices *devices, guest_difference_fn callback,
                  void *userdata) {
        _cleanup_free_ bool *is_found = calloc(list->n + 1, sizeof(bool));
        int r = 0;

        if (!is_found)
                return -ENOMEM;
        for (size_t i = 0; i < list->n; i++)
                is_found[i] = !list->rows[i].path || match_place(&list->rows[i], devices);

        for (size_t i = 0; i < list->n && r >= 0; i++) {
                const struct list_row *row = &list->rows[i];
                struct guest_device *moved;

                if (is_found[i])
                        continue;
                moved = find_label(list, row, devices);
                if (moved)
                        moved->row = row;
                if (moved || !row->texts[LIST_ABSENT]) /* the host says why the others may be missing */
                        r = callback(userdata, row, moved);
        }

        for (size_t i = 0; i < devices->n && r >= 0; i++)
                if (is_new(list, devices, i))
                        r = callback(userdata, NULL, &devices->items[i]);
        return r;
}
