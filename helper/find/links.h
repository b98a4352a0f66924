/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the existing links and interface names by PCI path, whichever program made them. */

#include <dirent.h>
#include <stddef.h>

#include "node-link.h"

struct link {
        char *node; /* "/dev/vda", "eth0" */
        char *name; /* "/dev/disk/by-pci-path/02.0", "pci-02.0" */
};

/* Sorted by node, then by name. */
struct links {
        struct link *items;
        size_t n;
};

int links_read(struct links *ret);
int links_read_node(int dir_fd, const char *dir, const char *name, char **ret);
int links_read_directory(struct links *links, DIR *opened, const char *path);
const char *links_find(const struct links *links, const char *node, const char *flat);
void links_clear(struct links *links);
