/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Below a function are directories: devices, folders of their classes, and others. A child device that programs can use
 * has a node ("dev" in its directory) or is an interface. Devices below another function, such as those on a bridge's
 * bus, belong to that function.
 */

#include <stdio.h>

#include "array.h"
#include "ascii.h"
#include "children.h"
#include "devlinks.h"
#include "format-text.h"
#include "nvme.h"
#include "pci-path.h"
#include "sysfs.h"
#include "util.h"
#include "vfio.h"

static void child_device_clear(struct child_device *u) {
        free(u->syspath);
        free(u->subsystem);
        free(u->name);
}

void child_devices_clear(struct child_devices *children) {
        for (size_t i = 0; i < children->n; i++)
                child_device_clear(&children->items[i]);
        free(children->items);
        *children = (struct child_devices){};
}

static int compare_children(const void *a, const void *b) {
        const struct child_device *x = a, *y = b;
        int r;

        r = strcmp(x->subsystem, y->subsystem);
        return r != 0 ? r : strverscmp(x->name, y->name);
}

/** child_devices_sort() - sort by subsystem and name */
void child_devices_sort(struct child_devices *children) {
        if (children->n > 1)
                qsort(children->items, children->n, sizeof(children->items[0]), compare_children);
}

static const char *last_component(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/*
 * block/partitions/core.c, add_partition(): a partition is in the directory of its disk. Its name is the disk's name
 * and a number, with a 'p' before the number when the disk's name ends in a digit.
 */
static unsigned part_number(const char *syspath) {
        const char *name = last_component(syspath), *disk = name - 1;
        size_t n;
        char *end;
        unsigned long part;

        if (name == syspath)
                return 0;
        while (disk > syspath && disk[-1] != '/')
                disk--;
        n = (size_t) (name - 1 - disk);
        if (n == 0 || strncmp(name, disk, n) != 0)
                return 0;

        name += n;
        if (ascii_isdigit(disk[n - 1]) && *name++ != 'p')
                return 0;
        if (!ascii_isdigit(*name))
                return 0;
        part = strtoul(name, &end, 10);
        return *end == '\0' && part <= UINT16_MAX ? (unsigned) part : 0;
}

/* The node of a disk has the disk's name, with '!' for '/' (drivers/base/core.c, device_get_devnode()). */
static int name_disk(const char *syspath, char **ret) {
        if (format_text(ret, "/dev/%s", last_component(syspath)) < 0)
                return -ENOMEM;

        for (char *p = strchr(*ret, '!'); p; p = strchr(p, '!'))
                *p = '/';
        return 0;
}

/* Other nodes can have any name. Return: 0, also without a name when the device has no node, or a negative errno. */
static int name_node(const char *syspath, char **ret) {
        char name[PATH_MAX];
        int r;

        r = sysfs_read_property(syspath, "DEVNAME", sizeof(name), name);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        return format_text(ret, "/dev/%s", name);
}

static int child_device_fill(struct child_device *u, const char *syspath, const char *subsystem) {
        int r;

        r = sub_function_find(syspath, u->sub_function);
        if (r < 0 && r != -EBADMSG)
                return errno_is_absent(r) ? 0 : r;
        u->syspath = strdup(syspath);
        u->subsystem = strdup(subsystem);
        if (!u->syspath || !u->subsystem)
                return -ENOMEM;

        if (streq(subsystem, "net")) {
                u->name = strdup(last_component(syspath));
                return u->name ? 0 : -ENOMEM;
        }
        if (!streq(subsystem, "block"))
                return name_node(syspath, &u->name);

        u->part = part_number(syspath);
        return name_disk(syspath, &u->name);
}

static int child_devices_append(struct child_devices *children, const char *syspath, const char *subsystem) {
        struct child_device u = {};
        int r;

        r = child_device_fill(&u, syspath, subsystem);
        if (r >= 0 && u.name && sysfs_is_printable(syspath) && sysfs_is_printable(u.name)) {
                r = array_grow(children->items, children->n, 1);
                if (r >= 0) {
                        children->items[children->n++] = u;
                        return 0;
                }
        }

        child_device_clear(&u);
        return r;
}

/* A head and its partitions are not below a function. */
static int add_nvme_head(struct child_devices *children, const char *head) {
        _cleanup_closedir_ DIR *dir = NULL;
        char syspath[PATH_MAX];
        struct dirent *entry;
        int r;

        r = child_devices_append(children, head, "block");
        if (r < 0)
                return r;

        dir = opendir(head);
        if (!dir)
                return errno_is_absent(-errno) ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                if (snprintf(syspath, sizeof(syspath), "%s/%s", head, entry->d_name) >= (int) sizeof(syspath) ||
                    part_number(syspath) == 0)
                        continue;
                r = child_devices_append(children, syspath, "block");
                if (r < 0)
                        return r;
        }

        return errno_is_absent(r) ? 0 : r;
}

/**
 * child_devices_add() - add a device that has a node or is an interface
 * @subsystem: of the device at @syspath
 *
 * Return: 0, also when the device has disappeared, or a negative errno.
 */
int child_devices_add(struct child_devices *children, const char *syspath, const char *subsystem) {
        char head[PATH_MAX];
        int r;

        if (!streq(subsystem, "block"))
                return child_devices_append(children, syspath, subsystem);

        r = nvme_path_get_head(syspath, head);
        if (r > 0)
                return *head ? add_nvme_head(children, head) : 0;
        return r < 0 ? r : child_devices_append(children, syspath, subsystem);
}

/**
 * child_devices_add_vfio() - add the node of a function's IOMMU group if the function has a vfio driver
 *
 * Return: 0, also when there is none, or a negative errno.
 */
int child_devices_add_vfio(struct child_devices *children, const char *function_syspath) {
        char group[NAME_MAX + 1], link[sizeof(VFIO_CLASS) + 1 + NAME_MAX], syspath[PATH_MAX];
        int r;

        if (!vfio_is_bound(function_syspath))
                return 0;
        r = vfio_find_group(function_syspath, group);
        if (r <= 0)
                return r;

        snprintf(link, sizeof(link), VFIO_CLASS "/%s", group);
        return realpath(link, syspath) ? child_devices_append(children, syspath, "vfio") : 0;
}

/* Directories of the kernel that are beside devices and contain none. They are skipped to save time. */
static bool is_no_device(const char *name) {
        static const char *const names[] = {
                ".", "..", "holders", "integrity", "mq", "msi_irqs", "pci_bus", "power", "queue", "queues",
                "slaves", "statistics", "trace"
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(name, names[i]))
                        return true;

        return false;
}

/* Another function, or a host bridge that leads to other functions. */
static bool is_pci(const char *name) {
        struct pci_hop hop;
        struct pci_root root;

        return pci_hop_parse_sysname(name, &hop) == 0 || pci_root_parse_sysname(name, &root) == 0;
}

struct walk {
        struct child_devices *found;          /* or NULL */
        struct string_list *driverless; /* or NULL */
        char syspath[PATH_MAX];
};

static int walk_directory(struct walk *w);

static int walk_entry(struct walk *w, DIR *dir, const struct dirent *entry) {
        size_t n = strlen(w->syspath);
        int r;

        r = entry_has_type(dir, entry, DT_DIR);
        if (r <= 0 || is_no_device(entry->d_name) || is_pci(entry->d_name))
                return r < 0 && !errno_is_absent(r) ? r : 0;
        if (snprintf(w->syspath + n, sizeof(w->syspath) - n, "/%s", entry->d_name) >= (int) (sizeof(w->syspath) - n))
                return -ENAMETOOLONG;

        r = walk_directory(w);
        if (r >= 0)
                w->syspath[n] = '\0'; /* after a failure it is the path that could not be read */
        return r;
}

/*
 * A device with a node has a number, an interface an index. A hidden path of an NVMe disk has neither, but a namespace
 * id.
 */
static bool is_sign_of_use(const char *name) {
        return streq(name, "dev") || streq(name, "ifindex") || streq(name, "nsid");
}

static int add_found(struct walk *w) {
        char subsystem[NAME_MAX + 1];
        int r;

        r = sysfs_read_link_name(w->syspath, "subsystem", subsystem);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        return child_devices_add(w->found, w->syspath, subsystem);
}

static int walk_directory(struct walk *w) {
        bool is_child_device = false, has_modalias = false, has_driver = false;
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        dir = opendir(w->syspath);
        if (!dir)
                return errno_is_absent(-errno) ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                is_child_device = is_child_device || is_sign_of_use(entry->d_name);
                has_modalias = has_modalias || streq(entry->d_name, "modalias");
                has_driver = has_driver || streq(entry->d_name, "driver");
                r = walk_entry(w, dir, entry);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        if (w->found && is_child_device)
                r = add_found(w);
        if (r >= 0 && w->driverless && has_modalias && !has_driver)
                r = string_list_add(w->driverless, w->syspath);
        return r;
}

/* Return: 0, or a negative errno; then w->syspath is the path that could not be read. */
static int walk(struct walk *w, const char *syspath) {
        int r;

        if (snprintf(w->syspath, sizeof(w->syspath), "%s", syspath) >= (int) sizeof(w->syspath))
                return -ENAMETOOLONG;

        r = walk_directory(w);
        return r >= 0 && w->found ? child_devices_add_vfio(w->found, syspath) : r;
}

/**
 * children_find() - find the child devices and the devices without a driver of the function at @syspath
 * @children: child devices are added here, unsorted; or NULL
 * @driverless: syspaths of devices with a modalias and no driver are added here; or NULL
 *
 * Return: 0, or a negative errno.
 */
int children_find(const char *syspath, struct child_devices *children, struct string_list *driverless) {
        struct walk w = { .found = children, .driverless = driverless };

        return walk(&w, syspath);
}

/**
 * child_devices_find() - find the child devices of the function at @syspath, sorted by subsystem and name
 * @ret: to be cleared with child_devices_clear(); untouched on failure
 * @ret_unreadable: on failure, the syspath that could not be read
 *
 * Return: 0, or a negative errno.
 */
int child_devices_find(const char *syspath, struct child_devices *ret, char ret_unreadable[static PATH_MAX]) {
        struct child_devices found = {};
        struct walk w = { .found = &found };
        int r;

        r = walk(&w, syspath);
        if (r < 0) {
                strcpy(ret_unreadable, w.syspath);
                child_devices_clear(&found);
                return r;
        }

        child_devices_sort(&found);
        *ret = found;
        return 0;
}

/**
 * child_device_get_interface_name() - make the name by PCI path of an interface
 * @path: of the function above the device
 *
 * Return: 1, 0 when the device has no such name, or a negative errno.
 */
int child_device_get_interface_name(const struct child_device *u, const struct pci_path *path,
                                    char name[static INTERFACE_NAME_MAX + 1]) {
        _cleanup_device_ sd_device *device = NULL;
        char flat[PCI_PATH_STRING_MAX];
        int r;

        if (!streq(u->subsystem, "net"))
                return 0;
        r = sd_device_new_from_syspath(&device, u->syspath);
        if (r >= 0)
                r = device_has_interface_name(device);
        if (r <= 0)
                return errno_is_absent(r) ? 0 : r;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        return interface_get_name(u->syspath, flat, name) >= 0;
}
