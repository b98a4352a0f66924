/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One process at a time does something below a directory.
 */

#include <stdbool.h>
#include <sys/types.h>

struct lock {
        int fd; /* or -1 when it is not held */
        char path[64];
};

#define LOCK_NULL \
        { .fd = -1 }

int directory_make(int at_fd, const char *name, mode_t mode);
int lock_open_directory(struct lock *lock, const char *purpose, const char *path, bool wait);
int lock_acquire(struct lock *lock, const char *purpose, int directory_fd, bool wait);
void lock_release(struct lock *lock);
