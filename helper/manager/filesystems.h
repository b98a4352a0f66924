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

/* NULL for what there is not. The bytes are those on the disk. */
struct filesystem {
        char *values[FILESYSTEM_VALUES];
};

int filesystem_open(const char *node);
int filesystem_probe(int fd, struct filesystem *ret);
bool filesystem_is_corrupt(int fd);
int filesystem_get_links(const struct filesystem *filesystem, struct string_list *links);
void filesystem_clear(struct filesystem *filesystem);

#define _cleanup_filesystem_ __attribute__((__cleanup__(filesystem_clear)))
