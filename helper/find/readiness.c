/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A device is ready when udevd has finished with it, or the kernel where there is no udevd. udevd has finished when its
 * database lists the device, the links in the database exist, and no rule has declared the device as not ready. For the
 * kernel, the node must exist and a disk must open.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <systemd/sd-device.h>

#include "ascii.h"
#include "devlinks.h"
#include "interface-name.h"
#include "device-names.h"
#include "nvme.h"
#include "readiness.h"
#include "rtnl.h"
#include "sysfs.h"
#include "util.h"

/*
 * udev's database is indexed by device number, which the kernel reuses for the next disk. Until udevd handles "remove",
 * the entry describes the old disk. A disk's sequence number reveals that (Linux 5.15; systemd 252 has a link for it).
 */
static bool is_entry_stale(sd_device *device) {
        const char *link, *diskseq, *entry = NULL;

        for (link = sd_device_get_devlink_first(device); link; link = sd_device_get_devlink_next(device))
                if (strncmp(link, "/dev/disk/by-diskseq/", 21) == 0)
                        entry = link + 21;

        return entry && sd_device_get_sysattr_value(device, "diskseq", &diskseq) >= 0 && !streq(entry, diskseq);
}

/**
 * child_device_is_at() - does a file in /dev lead to this device?
 *
 * stat() follows symlinks. access() is not used: a service that may not open a node (DevicePolicy=closed) would see no
 * node.
 *
 * Return: 1, 0 when there is no such file, -EEXIST when it is another device, or another negative errno.
 */
int child_device_is_at(const struct child_device *u, const char *path) {
        mode_t type = streq(u->subsystem, "block") ? S_IFBLK : S_IFCHR;
        unsigned major, minor;
        char text[32];
        struct stat st;
        int r;

        r = sysfs_read_attribute(u->syspath, "dev", sizeof(text), text);
        if (r >= 0)
                r = stat(path, &st) < 0 ? negative_errno() : 0;
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        return sscanf(text, "%u:%u", &major, &minor) == 2 && (st.st_mode & S_IFMT) == type &&
                               st.st_rdev == makedev(major, minor)
                       ? 1
                       : -EEXIST;
}

/* Return: the first link in udev's database that does not lead to the device, or NULL when all links do. */
static const char *find_missing_link(const struct child_device *u, sd_device *device) {
        const char *link;

        for (link = sd_device_get_devlink_first(device); link; link = sd_device_get_devlink_next(device))
                if (strstr(link, LINK_DIRECTORY("") "/") && child_device_is_at(u, link) <= 0)
                        return link;

        return NULL;
}

/*
 * Find the interface that has the name by PCI path of @device. Return: 1, 0 when there is no such name or no such
 * interface, or -ENODEV.
 */
static int find_interface_owner(sd_device *device, const struct pci_path *path,
                                char name[static INTERFACE_NAME_MAX + 1], bool *ret_is_own) {
        char flat[PCI_PATH_STRING_MAX];
        const char *syspath;
        unsigned owner;
        int ifindex, r;

        if (device_has_interface_name(device) <= 0)
                return 0;
        if (sd_device_get_syspath(device, &syspath) < 0 || sd_device_get_ifindex(device, &ifindex) < 0)
                return -ENODEV;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        r = interface_get_name(syspath, flat, name);
        if (r < 0)
                return errno_is_absent(r) ? -ENODEV : 0;
        if (rtnl_find_name(name, &owner) < 0)
                return 0;

        *ret_is_own = owner == (unsigned) ifindex;
        return 1;
}

/*
 * An interface with a name by PCI path is ready when the kernel has registered that name for it. It is not ready while
 * another interface has the name. If no interface has the name and udev's database does not list it either, the
 * package's rules are not in use.
 */
static bool has_interface_name(sd_device *device, const struct pci_path *path) {
        char name[INTERFACE_NAME_MAX + 1];
        const char *unused;
        bool is_own;
        int r;

        r = find_interface_owner(device, path, name, &is_own);
        if (r != 0)
                return r > 0 && is_own;
        return sd_device_get_property_value(device, "ID_NET_NAME_PCI_PATH", &unused) < 0;
}

/**
 * child_device_find_stolen_name() - find a name by PCI path of a device that leads to another device
 * @path: of the function above the device
 * @ret: to be freed; untouched unless 1 is returned
 *
 * Return: 1, 0 when there is none, or a negative errno.
 */
int child_device_find_stolen_name(const struct child_device *u, const struct pci_path *path, char **ret) {
        _cleanup_device_ sd_device *device = NULL;
        char interface[INTERFACE_NAME_MAX + 1];
        const char *name;
        bool is_own;
        int r;

        r = sd_device_new_from_syspath(&device, u->syspath);
        if (r < 0)
                return r;
        if (streq(u->subsystem, "net"))
                name = find_interface_owner(device, path, interface, &is_own) > 0 && !is_own ? interface : NULL;
        else {
                name = find_missing_link(u, device);
                name = name && child_device_is_at(u, name) == -EEXIST ? name : NULL;
        }
        if (!name)
                return 0;

        *ret = strdup(name);
        return *ret ? 1 : -ENOMEM;
}

/*
 * udevd finished with a multipath head when its first path appeared. For this path it has finished when the path's link
 * exists, too.
 */
static bool is_path_linked(const struct child_device *u, sd_device *device, const struct pci_path *path) {
        char link[sizeof(DISK_LINKS) + LINK_NAME_MAX];
        _cleanup_names_ struct names names = {};

        if (device_get_names(device, &names) < 0)
                return false;

        for (size_t i = 0; i < names.n; i++) {
                const struct name *name = &names.items[i];

                if (name->link[0] == '\0' || pci_path_compare(&name->path, path) != 0)
                        continue;
                snprintf(link, sizeof(link), DISK_LINKS "%s", name->link);
                if (child_device_is_at(u, link) <= 0)
                        return false;
        }

        return true;
}

/*
 * The node of an IOMMU group can have existed for another function. This function has joined when its link exists. If
 * the package's rules have not named the function, they make no link.
 */
static bool has_vfio_link(const struct child_device *u, const char *function_syspath, const struct pci_path *path) {
        _cleanup_device_ sd_device *function = NULL;
        char flat[PCI_PATH_STRING_MAX], link[sizeof("/dev/" VFIO_DIRECTORY "/") + sizeof(flat)];
        const char *unused;

        if (sd_device_new_from_syspath(&function, function_syspath) < 0)
                return false;
        if (sd_device_get_property_value(function, "ID_PCI_PATH", &unused) < 0)
                return true;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        snprintf(link, sizeof(link), "/dev/" VFIO_DIRECTORY "/%s", flat);
        return child_device_is_at(u, link) > 0;
}

/*
 * An interface has ID_RENAMING from the moment that udevd announces the new name until the event of the rename (systemd
 * 247, rename_netif()). A device has ID_PROCESSING while udevd handles an event of it: its programs may still run
 * (systemd 257, device_is_processed(); earlier versions say nothing).
 */
static bool is_processed(sd_device *device) {
        const char *unused;

        return sd_device_get_is_initialized(device) > 0 &&
               sd_device_get_property_value(device, "ID_RENAMING", &unused) < 0 &&
               sd_device_get_property_value(device, "ID_PROCESSING", &unused) < 0;
}

/* As systemd reads it: parse_boolean(). A value that is no boolean declares nothing. */
static bool is_declared_unready(sd_device *device) {
        static const char *const words[] = { "0", "no", "n", "false", "f", "off" };
        const char *value;

        if (sd_device_get_property_value(device, "SYSTEMD_READY", &value) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (ascii_strncasecmp(value, words[i], strlen(words[i]) + 1) == 0)
                        return true;

        return false;
}

/**
 * child_device_is_declared_unready() - has a udev rule set SYSTEMD_READY=0?
 *
 * Stock rules do so for a disk of a btrfs file system whose other disks are missing, a path of a multipath disk, and an
 * optical drive without a medium. systemd treats such a device as unplugged, so a mount waits (systemd.device(5)).
 */
bool child_device_is_declared_unready(const struct child_device *u) {
        _cleanup_device_ sd_device *device = NULL;

        return sd_device_new_from_syspath(&device, u->syspath) >= 0 && is_declared_unready(device);
}

static bool is_udev_finished(const struct child_device *u, const struct lookup *lookup, const struct pci_path *path) {
        _cleanup_device_ sd_device *device = NULL;
        sd_device *disk;

        if (sd_device_new_from_syspath(&device, u->syspath) < 0 || !is_processed(device) ||
            is_declared_unready(device) || is_entry_stale(device) || find_missing_link(u, device) ||
            (nvme_head_find(device, &disk) > 0 && !is_path_linked(u, device, path)))
                return false;
        if (streq(u->subsystem, "net") && !has_interface_name(device, path))
                return false;
        if (streq(u->subsystem, "vfio") && !has_vfio_link(u, lookup->resolution.syspath, path))
                return false;

        /* A partition's device number is reused together with its disk's. */
        return u->part == 0 || (sd_device_get_parent(device, &disk) >= 0 && sd_device_get_is_initialized(disk) > 0 &&
                                !is_entry_stale(disk));
}

/*
 * add_disk() creates the disk's directory and node before the disk can be opened, and sends the event afterwards. A
 * disk that exists but cannot be opened for another reason (no medium, no permission) will not change.
 */
static bool does_disk_open(const char *node) {
        _cleanup_close_ int fd = -1;

        fd = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        return fd >= 0 || !errno_is_absent(-errno);
}

/**
 * child_device_has_node() - does the node exist, and is it this device's?
 *
 * An interface has no node and needs none.
 *
 * Return: 1, 0, or a negative errno.
 */
int child_device_has_node(const struct child_device *u) {
        int r;

        if (streq(u->subsystem, "net"))
                return 1;
        r = child_device_is_at(u, u->name);
        return r == -EEXIST ? 0 : r;
}

static bool is_kernel_finished(const struct child_device *u) {
        return child_device_has_node(u) > 0 && (!streq(u->subsystem, "block") || does_disk_open(u->name));
}

/*
 * A function is in udev's database only if a rule recorded something about it. Otherwise udevd has finished with it
 * when its queue is empty.
 */
static bool is_function_finished(const struct lookup *lookup) {
        _cleanup_device_ sd_device *device = NULL;

        return udev_is_idle() ||
               (sd_device_new_from_syspath(&device, lookup->resolution.syspath) >= 0 && is_processed(device));
}

/**
 * lookup_is_ready() - are all devices ready that a lookup found?
 * @path: the path of the lookup
 * @source: whether udevd or the kernel must have finished
 */
bool lookup_is_ready(const struct lookup *lookup, const struct pci_path *path, enum uevent_source source) {
        if (!lookup->is_there)
                return false;
        if (source == UEVENT_UDEV && lookup->n_selected == 0 && !is_function_finished(lookup))
                return false;

        for (size_t i = 0; i < lookup->n_selected; i++) {
                const struct child_device *u = &lookup->children.items[i];

                if (!(source == UEVENT_UDEV ? is_udev_finished(u, lookup, path) : is_kernel_finished(u)))
                        return false;
        }

        return true;
}

/**
 * path_has_links() - are there still links of disks at or behind a path?
 *
 * udevd removes them when it handles "remove".
 *
 * Return: 1, 0, or a negative errno.
 */
int path_has_links(const struct pci_path *path) {
        _cleanup_closedir_ DIR *dir = NULL;
        char flat[PCI_PATH_STRING_MAX];
        struct dirent *entry;
        size_t n;
        int r;

        dir = opendir(DISK_LINKS);
        if (!dir)
                return errno_is_absent(-errno) ? 0 : negative_errno();

        n = pci_path_print(path, PCI_PATH_FLAT, flat);
        while ((r = read_entry(dir, &entry)) > 0)
                if (strncmp(entry->d_name, flat, n) == 0 && (entry->d_name[n] == '\0' || entry->d_name[n] == '-'))
                        return 1;

        return r;
}
