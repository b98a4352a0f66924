/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An IOMMU group is the smallest unit that can be assigned to a guest: one function, or all functions behind a
 * conventional bridge. The kernel makes a node for it, /dev/vfio/N, when the first of its functions gets a vfio driver
 * (drivers/vfio/vfio_main.c, vfio_group_find_or_alloc()). It removes the node with the last one. The node's device is
 * not below a function; /sys/kernel/iommu_groups/N lists the group's functions.
 *
 * Without an IOMMU a function can still have a group of its own, whose node is called noiommu-N.
 */

#include <dirent.h>
#include <stdio.h>

#include "sysfs.h"
#include "util.h"
#include "vfio.h"

#define NOIOMMU "noiommu-"

/**
 * vfio_find_group() - find the name of the device that has the node of a function's IOMMU group
 * @ret: "12"
 *
 * Return: 1, 0 when there is no such device, or a negative errno.
 */
int vfio_find_group(const char *function_syspath, char ret[static NAME_MAX + 1]) {
        char number[NAME_MAX + 1], name[sizeof(NOIOMMU) + NAME_MAX];
        int r;

        r = sysfs_read_link_name(function_syspath, "iommu_group", number);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        snprintf(name, sizeof(name), "%s", number);
        if (!sysfs_exists(VFIO_CLASS, name))
                snprintf(name, sizeof(name), NOIOMMU "%s", number);
        if (!sysfs_exists(VFIO_CLASS, name) || strlen(name) > NAME_MAX)
                return 0;

        strcpy(ret, name);
        return 1;
}

/*
 * vfio-pci, or a variant driver for one kind of device: mlx5_vfio_pci, virtio_vfio_pci, ... All have vfio in their
 * names.
 */
bool vfio_is_bound(const char *function_syspath) {
        char driver[NAME_MAX + 1];

        return sysfs_read_link_name(function_syspath, "driver", driver) >= 0 && strstr(driver, "vfio");
}

/**
 * vfio_for_each_function() - call @fn for the PCI functions of a group that have a vfio driver, sorted by address
 * @group: the name of the device that has the node
 * @fn: called with the syspath of a function; a negative errno stops the loop
 *
 * Return: 0, or a negative errno.
 */
int vfio_for_each_function(const char *group, vfio_function_fn fn, void *userdata) {
        const char *number = strncmp(group, NOIOMMU, strlen(NOIOMMU)) == 0 ? group + strlen(NOIOMMU) : group;
        char path[PATH_MAX], syspath[PATH_MAX], subsystem[NAME_MAX + 1];
        struct dirent **entries;
        int n, r = 0;

        if (snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", number) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        n = scandir(path, &entries, NULL, alphasort);
        if (n < 0)
                return errno_is_absent(-errno) ? 0 : negative_errno();

        for (int i = 0; i < n; i++) {
                if (r >= 0 && entries[i]->d_name[0] != '.' &&
                    snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices/%s", number, entries[i]->d_name) <
                            (int) sizeof(path) &&
                    realpath(path, syspath) && vfio_is_bound(syspath) &&
                    sysfs_read_link_name(syspath, "subsystem", subsystem) >= 0 && streq(subsystem, "pci"))
                        r = fn(syspath, userdata);
                free(entries[i]);
        }
        free(entries);
        return r;
}
