/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Links below /dev, or below another directory in its place: read, made, replaced, removed. Nothing but a symbolic link is
 * ever replaced or removed, and no symbolic link is ever followed to a directory.
 */

#include <stdbool.h>

#include "links.h"

struct link_tree {
        int fd;
        bool is_dev; /* so that links can be relative, as udev's are */
};

#define LINK_TREE_NULL { .fd = -1 }

int link_tree_open(struct link_tree *tree, const char *directory);
void link_tree_close(struct link_tree *tree);

int link_tree_read(const struct link_tree *tree, const char *directory, struct links *links);
int link_tree_put(const struct link_tree *tree, const char *name, const char *node);
int link_tree_remove(const struct link_tree *tree, const char *name);

/* Return: 1 when a node should have the link, 0 when not, or a negative errno. */
typedef int (*link_is_right_fn)(const char *node, const char *name);

int link_tree_remove_unless(const struct link_tree *tree, const char *name, link_is_right_fn is_right);
