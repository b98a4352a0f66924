/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The devices that have been found. A device that was removed and added again between two scans is another one: sysfs
 * takes inode numbers in a circle (fs/kernfs/dir.c, __kernfs_new_node(), Linux 5.5 and later).
 */

#include <sys/stat.h>

#include "array.h"
#include "deadline.h"
#include "manager.h"
#include "search.h"
#include "util.h"

/** device_free() - free a device, or nothing for NULL */
void device_free(struct device *device) {
        if (!device)
                return;
        free(device->syspath);
        free(device->subsystem);
        free(device->name);
        free(device->function);
        free(device->path);
        string_list_clear(&device->links);
        string_list_clear(&device->content);
        string_list_clear(&device->made);
        string_list_clear(&device->updated);
        free(device);
}

struct wanted {
        const struct manager *manager;
        const char *syspath;
};

static int compare_syspath(size_t i, const void *wanted) {
        const struct wanted *w = wanted;

        return strcmp(w->syspath, w->manager->devices[i]->syspath);
}

/* The index of the device with this syspath, or the index to insert it at. */
static size_t find_index(const struct manager *m, const char *syspath) {
        return search_first(m->n_devices, compare_syspath, &(struct wanted){ m, syspath });
}

/** device_list_find_node() - the device with this node. Return: NULL when there is none. */
struct device *device_list_find_node(const struct manager *m, const char *name) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (streq(m->devices[i]->name, name))
                        return m->devices[i];

        return NULL;
}

/* The device is kept until the end of the scan, for those who are told of its removal. */
static int remove_device(struct manager *m, size_t i) {
        if (array_grow(m->gone, m->n_gone, 1) < 0)
                return -ENOMEM;

        m->gone[m->n_gone++] = m->devices[i];
        memmove(&m->devices[i], &m->devices[i + 1], (--m->n_devices - i) * sizeof(m->devices[0]));
        return 0;
}

static int add_device(struct manager *m, size_t i, const struct child_device *u, ino_t inode) {
        struct device *device;

        if (array_grow(m->devices, m->n_devices, 1) < 0)
                return -ENOMEM;

        device = calloc(1, sizeof(*device));
        if (!device)
                return -ENOMEM;
        *device = (struct device){
                .syspath = strdup(u->syspath),
                .subsystem = strdup(u->subsystem),
                .name = strdup(u->name),
                .inode = inode,
                .watch = -1,
                .retry = DEADLINE_NEVER,
        };
        if (!device->syspath || !device->subsystem || !device->name) {
                device_free(device);
                return -ENOMEM;
        }

        memmove(&m->devices[i + 1], &m->devices[i], (m->n_devices++ - i) * sizeof(m->devices[0]));
        m->devices[i] = device;
        m->n_found++;
        return 0;
}

static bool is_same(const struct device *device, const struct child_device *u, ino_t inode) {
        return streq(device->syspath, u->syspath) && device->inode == inode && streq(device->name, u->name);
}

/**
 * device_list_add() - add a device that a scan has found, unless it is known
 * @function: syspath of the PCI function that it is below
 *
 * Return: 1, 0 when the device is gone again, or a negative errno.
 */
int device_list_add(struct manager *m, const struct child_device *u, const char *function, struct device **ret) {
        size_t i = find_index(m, u->syspath);
        struct device *device;
        char *copy;
        struct stat st;
        int r;

        if (stat(u->syspath, &st) < 0)
                return errno_is_absent(-errno) ? 0 : negative_errno();
        if (i == m->n_devices || !is_same(m->devices[i], u, st.st_ino)) {
                if (i < m->n_devices && streq(m->devices[i]->syspath, u->syspath)) {
                        r = remove_device(m, i);
                        if (r < 0)
                                return r;
                }
                r = add_device(m, i, u, st.st_ino);
                if (r < 0)
                        return r;
        }

        device = m->devices[i];
        copy = strdup(function);
        if (!copy)
                return -ENOMEM;
        free(device->function);
        device->function = copy;
        device->is_seen = true;
        *ret = device;
        return 1;
}

/**
 * device_list_drop_unseen() - remove the devices that have not been taken since the last call
 * @function: the PCI function that was scanned, or NULL for all
 *
 * Return: 0, or -ENOMEM.
 */
int device_list_drop_unseen(struct manager *m, const char *function) {
        for (size_t i = m->n_devices; i-- > 0;) {
                struct device *device = m->devices[i];
                int r;

                if (!device->is_seen && (!function || streq(device->function, function))) {
                        r = remove_device(m, i);
                        if (r < 0)
                                return r;
                }
                device->is_seen = false;
        }

        return 0;
}
