/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is on a disk or partition, as libblkid reads it. Nothing of it is the host's word: whoever writes to the disk
 * chooses it.
 */

#include <stdbool.h>

#include "string-list.h"

enum filesystem_value {
        FILESYSTEM_TYPE,
        FILESYSTEM_USAGE,
        FILESYSTEM_VERSION,
        FILESYSTEM_UUID,
        FILESYSTEM_LABEL,
        FILESYSTEM_TABLE_TYPE,
        FILESYSTEM_TABLE_UUID,
        FILESYSTEM_PART_SCHEME,
        FILESYSTEM_PART_NUMBER,
        FILESYSTEM_PART_TYPE,
        FILESYSTEM_PART_NAME,
        FILESYSTEM_PART_UUID,
        FILESYSTEM_VALUES,
};

/* A disk, partition or image that is open. The values are those on the disk, NULL for what there is not. */
struct filesystem {
        int fd;
        bool is_optical;
        struct blkid_struct_probe *probe; /* blkid_probe: the values are its */
        const char *values[FILESYSTEM_VALUES];
};

#define FILESYSTEM_NULL \
        { .fd = -1 }

int filesystem_open(struct filesystem *filesystem, const char *node);
int filesystem_probe(struct filesystem *filesystem);
bool filesystem_is_whole_disk(const struct filesystem *filesystem);
bool filesystem_is_corrupt(const struct filesystem *filesystem);
int filesystem_get_links(const struct filesystem *filesystem, struct string_list *links);
void filesystem_close(struct filesystem *filesystem);

#define _cleanup_filesystem_ __attribute__((__cleanup__(filesystem_close)))
