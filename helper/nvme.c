/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "nvme.h"
#include "util.h"

#define CLASS_BLOCK "/sys/class/block/"

/**
 * nvme_path_get_head() - from a hidden path below a controller to its head
 * @ret: empty when the head is not there yet
 *
 * Return: 1, 0 when the device is no path, or a negative errno.
 */
int nvme_path_get_head(const char *syspath, char ret[static PATH_MAX]) {
        unsigned subsystem, controller, namespace;
        char link[sizeof(CLASS_BLOCK) + 64];
        const char *name = strrchr(syspath, '/');
        int n = 0;

        if (!name || sscanf(name, "/nvme%uc%un%u%n", &subsystem, &controller, &namespace, &n) != 3 || name[n] != '\0')
                return 0;

        snprintf(link, sizeof(link), CLASS_BLOCK "nvme%un%u", subsystem, namespace);
        if (realpath(link, ret))
                return 1;
        ret[0] = '\0';
        return errno == ENOENT ? 1 : negative_errno();
}

/**
 * nvme_head_find_paths() - from a head to the hidden disks that are its paths
 * @sysname: the name of any device, "nvme0n1"
 * @ret: names below /sys; to be freed with globfree() when 1 is returned
 *
 * Return: 1, 0 when it is no head or has no path, or -ENOMEM.
 */
int nvme_head_find_paths(const char *sysname, glob_t *ret) {
        char pattern[sizeof(CLASS_BLOCK) + 64];
        unsigned subsystem, namespace;
        int n = 0, r;

        if (sscanf(sysname, "nvme%un%u%n", &subsystem, &namespace, &n) != 2 || n == 0)
                return 0;

        snprintf(pattern, sizeof(pattern), CLASS_BLOCK "nvme%uc*n%u", subsystem, namespace);
        r = glob(pattern, 0, NULL, ret);
        return r == GLOB_NOMATCH ? 0 : r != 0 ? -ENOMEM : 1;
}
