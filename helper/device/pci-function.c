/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the PCI path of a function from sysfs. In the kernel's device tree the parent of a PCI function is the bridge
 * that leads to it, or the host bridge of its root bus:
 *
 *     /sys/devices/pci0000:00                      host bridge: the root, unless its parent is a PCI function
 *                 /0000:00:02.0                    function: hop 02.0
 *                 /0000:01:00.0                    function: hop 00.0
 *                 /virtio1/block/vda               not PCI, not read here
 *
 * The walk removes one name after the other from the end of the function's syspath. It writes the hops from the end of
 * an array towards its start. From sysfs it reads only the subsystem of each ancestor, because this runs for every
 * device of a boot.
 *
 * Four cases are not plain bridges. A host bridge can be the child of a function (Intel VMD): the walk continues
 * there. A host bridge can be below a VMBus device (Hyper-V): its domain is not stable. Nor is the domain on s390
 * if the host does not ensure unique uids: no path. A virtual function takes the path of its physical function.
 */

#include <limits.h>
#include <stdio.h>

#include "pci-function.h"
#include "sysfs.h"
#include "syspath.h"
#include "util.h"

struct path_walk {
        struct pci_root root;
        size_t n_hops;
        struct pci_hop hops[PCI_PATH_HOPS_MAX]; /* the last n_hops are valid */
};

static struct pci_hop *top_hop(struct path_walk *w) {
        return &w->hops[PCI_PATH_HOPS_MAX - w->n_hops];
}

/**
 * device_get_pci_function() - find the nearest PCI function at or above a device
 * @ret: untouched unless 1 is returned
 *
 * ancestor_move_up() skips an ancestor that has disappeared. A disk whose function was just unplugged would appear to
 * be below the bridge. The names in the syspath reveal the skipped function.
 *
 * Return: 1, 0 when no PCI function is above the device, or a negative errno; -ENODEV when the function has
 * disappeared.
 */
int device_get_pci_function(sd_device *device, struct ancestor *ret) {
        struct ancestor function;
        const char *syspath;
        size_t n = 0;
        int r;

        r = sd_device_get_syspath(device, &syspath);
        if (r >= 0)
                r = ancestor_begin(syspath, &function);
        if (r < 0)
                return r;
        while (r >= 0 && !streq(function.subsystem, "pci"))
                r = ancestor_move_up(&function);
        if (r < 0 && !errno_is_absent(r))
                return r;

        if (r >= 0)
                n = strlen(function.syspath);
        if (syspath_find_function(syspath, strlen(syspath)) > n)
                return -ENODEV;
        if (n == 0)
                return 0;

        *ret = function;
        return 1;
}

/*
 * Return: 1 when the device at @syspath belongs to @subsystem, 0 when it belongs to another or none, or a negative
 * errno.
 */
static int syspath_in_subsystem(const char *syspath, const char *subsystem) {
        char name[NAME_MAX + 1];
        int r;

        r = sysfs_read_link_name(syspath, "subsystem", name);
        return r == -ENOENT ? 0 : (r < 0 ? r : streq(name, subsystem));
}

/* The last name of @syspath is the name of the device. */
static const char *get_name(const char *syspath) {
        return strrchr(syspath, '/') + 1;
}

/* "virtfn" and a decimal number; -1 for any other name. */
static int32_t parse_virtfn(const char *name) {
        char *end;
        unsigned long n;

        if (strncmp(name, "virtfn", 6) != 0 || name[6] < '0' || name[6] > '9')
                return -1;

        n = strtoul(name + 6, &end, 10);
        return *end == '\0' && n <= UINT16_MAX ? (int32_t) n : -1;
}

/* Find the N of the virtfnN of the physical function at @syspath that leads to @vf. -EBADMSG when none does. */
static int find_virtfn(const char *syspath, const char *vf, int32_t *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        char name[NAME_MAX + 1];
        int r;

        dir = opendir(syspath);
        if (!dir)
                return negative_errno();

        for (;;) {
                struct dirent *entry;
                int32_t n;

                r = read_entry(dir, &entry);
                if (r <= 0)
                        return r < 0 ? r : -EBADMSG;

                n = parse_virtfn(entry->d_name);
                if (n < 0)
                        continue;

                r = sysfs_read_link_name(syspath, entry->d_name, name);
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                if (streq(name, vf)) {
                        *ret = n;
                        return 0;
                }
        }
}

/**
 * pci_function_is_virtual() - is the function at @syspath a virtual function, which its slot does not identify?
 *
 * All functions but virtual ones have "remove" (drivers/pci/pci-sysfs.c, pci_dev_hp_attrs_are_visible()), so most
 * functions cost one system call.
 *
 * A virtual function exists before and after its link "physfn" does (drivers/pci/iov.c, pci_iov_add_virtfn() and
 * pci_iov_remove_virtfn()). In these moments it would get the name of another function. Only virtual functions have
 * "sriov_vf_msix_count" (Linux 5.13).
 *
 * Return: 1, 0, -ENODEV while the function appears or disappears, or another negative errno.
 */
int pci_function_is_virtual(const char *syspath) {
        int r;

        if (sysfs_exists(syspath, "remove") > 0)
                return 0;
        r = sysfs_exists(syspath, "physfn");
        if (r != 0)
                return r;
        r = sysfs_exists(syspath, "sriov_vf_msix_count");
        if (r < 0)
                return r;

        return r > 0 || sysfs_exists(syspath, "uevent") == 0 ? -ENODEV : 0;
}

/**
 * pci_domain_is_known() - does the host know the domain of the function at @syspath, which is on a root bus?
 *
 * On s390 all functions are on root buses, and the domain is the uid that the host gives the function. But a host need
 * not ensure that the uids are unique: then Linux numbers the domains as it finds them (arch/s390/pci/pci_bus.c,
 * zpci_alloc_domain()). Only functions on s390 have the attribute.
 *
 * Return: 1, 0, or a negative errno.
 */
int pci_domain_is_known(const char *syspath) {
        char value[3];
        int r;

        r = sysfs_read_attribute(syspath, "uid_is_unique", sizeof(value), value);
        return r == -ENOENT ? 1 : (r < 0 ? r : streq(value, "1"));
}

/**
 * function_get_physfn() - find the physical function of the virtual function at @syspath
 * @ret: a new reference; untouched unless 1 is returned
 * @ret_vf: the N of virtfnN
 *
 * Source: Documentation/ABI/testing/sysfs-bus-pci of the kernel, "physfn" and "virtfnN".
 *
 * Return: 1, 0 when the function is not virtual, or a negative errno.
 */
static int function_get_physfn(const char *syspath, sd_device **ret, int32_t *ret_vf) {
        _cleanup_device_ sd_device *physfn = NULL;
        const char *physfn_syspath;
        char link[PATH_MAX];
        int32_t vf;
        int r;

        r = pci_function_is_virtual(syspath);
        if (r <= 0)
                return r;
        if (snprintf(link, sizeof(link), "%s/physfn", syspath) >= (int) sizeof(link))
                return -ENAMETOOLONG;

        r = sd_device_new_from_syspath(&physfn, link);
        if (r < 0)
                return r;
        r = sd_device_get_syspath(physfn, &physfn_syspath);
        if (r < 0)
                return r;
        r = find_virtfn(physfn_syspath, get_name(syspath), &vf);
        if (r < 0)
                return r;

        *ret = physfn;
        physfn = NULL;
        *ret_vf = vf;
        return 1;
}

/* Cut the last name off @syspath. Return: 1, or 0 when the rest is not a device. */
static int cut_name(char *syspath) {
        *strrchr(syspath, '/') = '\0';
        return !streq(syspath, "/sys/devices");
}

static int add_function_hop(struct path_walk *w, const char *sysname) {
        struct pci_hop hop;

        if (pci_hop_parse_sysname(sysname, &hop) < 0)
                return -EBADMSG;
        if (w->n_hops == PCI_PATH_HOPS_MAX)
                return -E2BIG;

        w->n_hops++;
        *top_hop(w) = hop;
        return 0;
}

/* Read the GUID of a VMBus device. Since kernel 4.14 the device's name is the GUID; device_id has always been. */
static int read_vmbus_guid(const char *syspath, struct pci_root *ret) {
        _cleanup_device_ sd_device *device = NULL;
        const char *device_id;
        int r;

        r = sd_device_new_from_syspath(&device, syspath);
        if (r < 0)
                return r;
        r = sd_device_get_sysattr_value(device, "device_id", &device_id);
        if (r < 0)
                return r;

        return pci_root_parse_guid(device_id, ret) < 0 ? -EBADMSG : 0;
}

/*
 * @syspath is a host bridge. Return: 1 when @syspath was cut to the function above, where the walk continues, 0 when
 * the host bridge is the root, or a negative errno.
 */
static int add_host_bridge(struct path_walk *w, char *syspath) {
        char subsystem[NAME_MAX + 1];
        int r;

        if (pci_root_parse_sysname(get_name(syspath), &w->root) < 0)
                return -EBADMSG;
        if (!cut_name(syspath))
                return 0;

        /*
         * Here a missing subsystem is an error. If the function above has disappeared, the domain of its host bridge is
         * not stable.
         */
        r = sysfs_read_link_name(syspath, "subsystem", subsystem);
        if (r < 0)
                return r;
        if (streq(subsystem, "pci")) {
                top_hop(w)->bus = w->root.bus;
                return 1;
        }

        return streq(subsystem, "vmbus") ? read_vmbus_guid(syspath, &w->root) : 0;
}

static int walk_to_root(struct path_walk *w, char *syspath) {
        int r;

        for (;;) {
                r = add_function_hop(w, get_name(syspath));
                if (r < 0)
                        return r;
                if (!cut_name(syspath))
                        return -EBADMSG; /* there is no host bridge */

                r = syspath_in_subsystem(syspath, "pci");
                if (r < 0)
                        return r;
                if (r == 0) {
                        r = add_host_bridge(w, syspath);
                        if (r <= 0)
                                return r;
                }
        }
}

/**
 * pci_function_get_path() - find the PCI path of a PCI function
 * @syspath: of a device of the subsystem "pci"
 * @ret: untouched on failure
 *
 * Return: 0, -E2BIG when the path has more than 255 hops, -EBADMSG when the tree above the function has an unknown
 * format (no host bridge, a name that is not a PCI address, a virtual function that its physical function does not
 * list) or a domain that the host does not know, or the errno of a device that cannot be read.
 */
int pci_function_get_path(const char *syspath, struct pci_path *ret) {
        _cleanup_device_ sd_device *physfn = NULL;
        struct path_walk walk = {};
        int32_t vf = PCI_HOP_NO_VF;
        char cut[PATH_MAX];
        int r;

        r = function_get_physfn(syspath, &physfn, &vf);
        if (r > 0)
                r = sd_device_get_syspath(physfn, &syspath);
        if (r < 0)
                return r;
        if (strlen(syspath) >= sizeof(cut))
                return -ENAMETOOLONG;

        r = walk_to_root(&walk, strcpy(cut, syspath));
        if (r >= 0 && walk.n_hops == 1)
                r = pci_domain_is_known(syspath) ?: -EBADMSG;
        if (r < 0)
                return r;

        ret->root = walk.root;
        ret->n_hops = walk.n_hops;
        memcpy(ret->hops, top_hop(&walk), walk.n_hops * sizeof(walk.hops[0]));
        ret->hops[ret->n_hops - 1].vf = vf;
        return 0;
}
