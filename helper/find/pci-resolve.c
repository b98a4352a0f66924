/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The opposite of pci-function.c. It reads directories only: while a program waits for a path, each event resolves the
 * path again. So the cost depends on the number of hops, not on the size of the machine.
 *
 *     root bus     /sys/class/pci_bus/DDDD:BB leads to .../pciDDDD:BB/pci_bus/DDDD:BB
 *     hop          the only directory *:SS.F of the previous function that is not a virtual function
 *     nested hop   *:SS.F in the directory pci*:BB of the previous function
 *     vN           the target of the link virtfnN
 */

#include <stdio.h>
#include <unistd.h>

#include "pci-function.h"
#include "pci-resolve.h"
#include "sysfs.h"
#include "util.h"

#define VMBUS_DEVICES "/sys/bus/vmbus/devices"

static int append(char path[static PATH_MAX], const char *name) {
        size_t n = strlen(path);

        return snprintf(path + n, PATH_MAX - n, "/%s", name) < (int) (PATH_MAX - n) ? 0 : -ENAMETOOLONG;
}

/* Cut the last component off. Return: the component. */
static const char *cut_last(char path[static PATH_MAX]) {
        char *slash = strrchr(path, '/');

        if (!slash)
                return "";
        *slash = '\0';
        return slash + 1;
}

/*
 * An unplugged device keeps its directory for a moment after its last event. device_del() of drivers/base/core.c
 * removes the link to the subsystem before it sends "remove", and the directory afterwards.
 */
static int is_device(const char *syspath) {
        return sysfs_exists(syspath, "subsystem");
}

static int is_function_name(const struct dirent *entry) {
        struct pci_hop unused;

        return entry->d_type != DT_LNK && pci_hop_parse_sysname(entry->d_name, &unused) >= 0;
}

static int is_host_bridge_name(const struct dirent *entry) {
        struct pci_root unused;

        return entry->d_type != DT_LNK && pci_root_parse_sysname(entry->d_name, &unused) >= 0;
}

static void free_list(struct dirent **list, int n) {
        while (n-- > 0)
                free(list[n]);
        free(list);
}

/**
 * pci_list_functions() - list the names of the functions directly below a host bridge or a bridge, sorted
 * @ret: to be freed, each entry and the list; set when the return value is not negative
 *
 * Return: the number of functions, or a negative errno.
 */
int pci_list_functions(const char *syspath, struct dirent ***ret) {
        int n;

        n = scandir(syspath, ret, is_function_name, alphasort);
        return n < 0 ? negative_errno() : n;
}

/* Turn the syspath of a bus's class device, .../pciDDDD:BB/pci_bus/DDDD:BB, into that of its host bridge. */
static bool cut_to_host_bridge(char syspath[static PATH_MAX], const char *bus) {
        const char *name;
        struct pci_root unused;

        cut_last(syspath); /* bus */
        cut_last(syspath); /* pci_bus */
        name = strrchr(syspath, '/');
        return name && pci_root_parse_sysname(name + 1, &unused) == 0 && streq(name + 4, bus);
}

/*
 * Rules 1 to 3 of the naming contract: below a PCI function or a VMBus device, the number of a root bus is not stable.
 */
static bool is_own_root(const char *host_bridge) {
        char above[PATH_MAX], subsystem[NAME_MAX + 1];

        strcpy(above, host_bridge);
        cut_last(above);
        return sysfs_read_link_name(above, "subsystem", subsystem) < 0 ||
               (!streq(subsystem, "pci") && !streq(subsystem, "vmbus"));
}

static int find_root_bus(const char *bus, char ret[static PATH_MAX]) {
        char link[PATH_MAX];

        /* The location on x86 and most other architectures. */
        if (snprintf(ret, PATH_MAX, "/sys/devices/pci%s", bus) < PATH_MAX && access(ret, F_OK) == 0)
                return 1;

        if (snprintf(link, sizeof(link), "/sys/class/pci_bus/%s", bus) >= (int) sizeof(link))
                return 0;
        if (!realpath(link, ret))
                return errno == ENOENT ? 0 : negative_errno();

        return cut_to_host_bridge(ret, bus) && is_own_root(ret);
}

/** pci_is_root_bus() - is DDDD:BB the bus of a host bridge at which PCI paths begin? */
bool pci_is_root_bus(const char *bus) {
        char unused[PATH_MAX];

        return find_root_bus(bus, unused) > 0;
}

/*
 * Append the only directory whose name matches @filter. Return: 1, 0 when there is not exactly one, or a negative
 * errno.
 */
static int resolve_into_only(char syspath[static PATH_MAX], int (*filter)(const struct dirent *)) {
        struct dirent **list;
        int n, r = 0;

        n = scandir(syspath, &list, filter, alphasort);
        if (n < 0)
                return errno == ENOENT ? 0 : negative_errno();
        if (n == 1) {
                r = append(syspath, list[0]->d_name);
                r = r < 0 ? r : 1;
        }

        free_list(list, n);
        return r;
}

static int find_vmbus_root(const struct pci_root *root, char ret[static PATH_MAX]) {
        _cleanup_closedir_ DIR *dir = NULL;
        char syspath[PATH_MAX], device_id[64];
        struct pci_root found;
        struct dirent *entry;
        int r;

        dir = opendir(VMBUS_DEVICES);
        if (!dir)
                return errno == ENOENT ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                strcpy(syspath, VMBUS_DEVICES);
                if (append(syspath, entry->d_name) < 0 ||
                    sysfs_read_attribute(syspath, "device_id", sizeof(device_id), device_id) < 0 ||
                    pci_root_parse_guid(device_id, &found) < 0 ||
                    memcmp(found.guid, root->guid, sizeof(found.guid)) != 0)
                        continue;

                if (!realpath(syspath, ret))
                        return errno == ENOENT ? 0 : negative_errno();
                return resolve_into_only(ret, is_host_bridge_name);
        }

        return r;
}

static int find_root(const struct pci_root *root, char ret[static PATH_MAX]) {
        char bus[sizeof("ffffffff:ff")];

        if (root->type == PCI_ROOT_VMBUS)
                return find_vmbus_root(root, ret);

        snprintf(bus, sizeof(bus), "%04x:%02x", root->domain, root->bus);
        return find_root_bus(bus, ret);
}

/* Append the host bridge with the bus number @bus below a function (rule 2). */
static int resolve_nested(char syspath[static PATH_MAX], int bus) {
        struct dirent **list;
        int n, r = 0;

        n = scandir(syspath, &list, is_host_bridge_name, alphasort);
        if (n < 0)
                return errno == ENOENT ? 0 : negative_errno();

        for (int i = 0; i < n && r == 0; i++) {
                struct pci_root root;

                if (pci_root_parse_sysname(list[i]->d_name, &root) == 0 && root.bus == bus) {
                        r = append(syspath, list[i]->d_name);
                        r = r < 0 ? r : 1;
                }
        }

        free_list(list, n);
        return r;
}

/*
 * Does its slot identify the function at @syspath? Not if the function is virtual, or is appearing or disappearing.
 *
 * Return: 1, 0, or a negative errno when it cannot be read.
 */
static int is_named_by_slot(const char *syspath) {
        int r;

        r = is_device(syspath);
        if (r <= 0)
                return r;
        r = pci_function_is_virtual(syspath);
        return r == -ENODEV ? 0 : (r < 0 ? r : r == 0);
}

/* Append the function with the slot and function number of @hop that is not a virtual function (rule 4). */
static int resolve_function(char syspath[static PATH_MAX], const struct pci_hop *hop) {
        size_t length = strlen(syspath);
        struct dirent **list;
        int n, r = 0;

        n = pci_list_functions(syspath, &list);
        if (n < 0)
                return errno_is_absent(n) ? 0 : n;

        for (int i = 0; i < n && r == 0; i++) {
                struct pci_hop found;

                if (pci_hop_parse_sysname(list[i]->d_name, &found) < 0 || found.slot != hop->slot ||
                    found.function != hop->function)
                        continue;

                r = append(syspath, list[i]->d_name);
                if (r == 0)
                        r = is_named_by_slot(syspath);
                if (r == 0)
                        syspath[length] = '\0';
        }

        free_list(list, n);
        return r;
}

/* Replace the syspath of a physical function by that of its virtual function @vf. */
static int resolve_vf(char syspath[static PATH_MAX], int vf) {
        char link[sizeof("virtfn") + 10], spec[PATH_MAX];

        snprintf(link, sizeof(link), "virtfn%d", vf);
        if (append(syspath, link) < 0)
                return -ENAMETOOLONG;
        if (!realpath(syspath, spec))
                return errno == ENOENT ? 0 : negative_errno();

        strcpy(syspath, spec);
        return is_device(syspath);
}

static int resolve_hop(char syspath[static PATH_MAX], const struct pci_hop *hop) {
        int r;

        if (hop->bus != PCI_HOP_NO_BUS) {
                r = resolve_nested(syspath, hop->bus);
                if (r <= 0)
                        return r;
        }

        r = resolve_function(syspath, hop);
        if (r > 0 && hop->vf != PCI_HOP_NO_VF)
                r = resolve_vf(syspath, hop->vf);
        return r;
}

/**
 * pci_path_resolve() - find the function at a PCI path
 * @ret: how far the path was resolved; on failure, its syspath is the path that could not be read
 *
 * Return: 1 when the function exists, 0 when it does not, or a negative errno.
 */
int pci_path_resolve(const struct pci_path *path, struct pci_resolution *ret) {
        char syspath[PATH_MAX] = "";
        int r;

        *ret = (struct pci_resolution){};
        r = find_root(&path->root, syspath);
        if (r <= 0)
                return r;

        ret->has_root = true;
        strcpy(ret->syspath, syspath);
        for (; ret->n_hops < path->n_hops; ret->n_hops++) {
                r = resolve_hop(syspath, &path->hops[ret->n_hops]);
                if (r > 0 && path->n_hops == 1) {
                        r = pci_domain_is_known(syspath);
                        ret->is_unknown = r == 0;
                }
                if (r != 0)
                        strcpy(ret->syspath, syspath);
                if (r <= 0)
                        return r;
        }

        return 1;
}
