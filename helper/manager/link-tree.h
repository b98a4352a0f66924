/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Symbolic links below /dev, or below another directory in its place. Only symbolic links are replaced or removed, and
 * a symbolic link to a directory is not followed.
 */

#include <stdbool.h>

#include "links.h"
#include "lock.h"

struct link_tree {
        int fd;
        const char *purpose; /* part of the names of temporary links */
        bool is_dev;         /* links are relative then, as udev's are */
        struct lock lock;
};

#define LINK_TREE_NULL \
        { .fd = -1, .lock = LOCK_NULL }

int link_tree_open(struct link_tree *tree, const char *directory, const char *purpose);
int link_tree_lock(struct link_tree *tree, bool wait);
void link_tree_close(struct link_tree *tree);

int link_tree_read(const struct link_tree *tree, const char *directory, struct links *links);
void link_tree_tidy(const struct link_tree *tree, const char *directory);
int link_tree_put(const struct link_tree *tree, const char *name, const char *node);
int link_tree_remove(const struct link_tree *tree, const char *name);

/* Return: 1 when a node should have the link, 0 when not, or a negative errno. */
typedef int (*link_is_right_fn)(const char *node, const char *name, void *userdata);

int link_tree_remove_unless(const struct link_tree *tree, const char *name, link_is_right_fn is_right, void *userdata);
