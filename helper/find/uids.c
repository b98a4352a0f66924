/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "array.h"
#include "sysfs.h"
#include "uids.h"
#include "util.h"

#define DEVICES "/sys/devices"

void uid_map_clear(struct uid_map *map) {
        free(map->rows);
        *map = (struct uid_map){};
}

/* A _UID can also be a string, which PciRoot() cannot contain. */
static int read_uid(const char *host_bridge, uint32_t *ret) {
        char syspath[PATH_MAX], text[32], *end;
        unsigned long uid;
        int r;

        snprintf(syspath, sizeof(syspath), DEVICES "/%s", host_bridge);
        r = sysfs_read_attribute(syspath, "firmware_node/uid", sizeof(text), text);
        if (r < 0)
                return r;

        errno = 0;
        uid = strtoul(text, &end, 0);
        if (errno != 0 || end == text || *end != '\0' || uid > UINT32_MAX)
                return -EBADMSG;

        *ret = (uint32_t) uid;
        return 0;
}

static int add_row(struct uid_map *map, uint32_t uid, const struct pci_root *root) {
        if (array_grow(map->rows, map->n, 1) < 0)
                return -ENOMEM;

        map->rows[map->n++] = (struct uid_map_row){ .uid = uid, .root = *root };
        return 0;
}

/**
 * uid_map_read() - read the ACPI _UIDs of this machine's root buses
 * @ret: to be cleared with uid_map_clear(); empty on a machine without ACPI; untouched on failure
 *
 * Return: 0, or a negative errno.
 */
int uid_map_read(struct uid_map *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct uid_map map = {};
        struct dirent *entry;
        int r;

        dir = opendir(DEVICES);
        if (!dir)
                return negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                struct pci_root root;
                uint32_t uid;

                if (pci_root_parse_sysname(entry->d_name, &root) < 0 || read_uid(entry->d_name, &uid) < 0)
                        continue;
                r = add_row(&map, uid, &root);
                if (r < 0)
                        break;
        }
        if (r < 0) {
                uid_map_clear(&map);
                return r;
        }

        *ret = map;
        return 0;
}
