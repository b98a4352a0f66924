/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The sequence number of a disk. The kernel counts the disks and their media, and uses no number twice until the next
 * boot (Linux 5.15). A partition has the number of its disk.
 */

#include <stdint.h>

int diskseq_read(const char *syspath, uint64_t *ret);
int diskseq_get(int fd, uint64_t *ret);
