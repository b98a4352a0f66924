/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>

#include "links.h"
#include "util.h"

static void link_clear(struct link *link) {
        free(link->node);
        free(link->name);
}

void links_clear(struct links *links) {
        for (size_t i = 0; i < links->n; i++)
                link_clear(&links->items[i]);
        free(links->items);
        *links = (struct links){};
}

/* udev's links climb to /dev and go down from there: "../../vda" from two directories below. */
static int read_node(int dir_fd, const char *name, char **ret) {
        char target[PATH_MAX];
        const char *node = target;
        ssize_t n;

        n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
        if (n < 0)
                return negative_errno();
        target[n] = '\0';

        while (strncmp(node, "../", 3) == 0)
                node += 3;
        if (*node == '/')
                *ret = strdup(node);
        else if (asprintf(ret, "/dev/%s", node) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

static int links_add(struct links *links, int dir_fd, const char *dir, const char *name) {
        struct link link = {}, *items;
        int r;

        r = read_node(dir_fd, name, &link.node);
        if (r < 0)
                return r == -ENOENT || r == -EINVAL ? 0 : r; /* gone since readdir(), or no link any more */

        items = reallocarray(links->items, links->n + 1, sizeof(items[0]));
        if (items)
                links->items = items;
        if (!items || asprintf(&link.name, "%s/%s", dir, name) < 0) {
                free(link.node);
                return -ENOMEM;
        }

        links->items[links->n++] = link;
        return 0;
}

static int read_directory(struct links *links, const char *path) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        dir = opendir(path);
        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0)
                if (entry->d_type == DT_LNK) {
                        r = links_add(links, dirfd(dir), path, entry->d_name);
                        if (r < 0)
                                return r;
                }

        return errno_is_absent(r) ? 0 : r;
}

static int compare_links(const void *a, const void *b) {
        const struct link *x = a, *y = b;
        int r;

        r = strcmp(x->node, y->node);
        return r != 0 ? r : strverscmp(x->name, y->name);
}

/**
 * links_read() - read all directories of links that the naming contract has
 * @ret: to be cleared with links_clear(); untouched on failure
 *
 * Return: 0, also when there are none, or a negative errno.
 */
int links_read(struct links *ret) {
        static const char *const directories[] = {
                "/dev/disk/by-pci-path", "/dev/vfio/by-pci-path", "/dev/vfio/devices/by-pci-path",
                "/dev/dri/by-pci-path", "/dev/serial/by-pci-path", "/dev/input/by-pci-path",
                "/dev/v4l/by-pci-path", "/dev/snd/by-pci-path", "/dev/virtio-ports/by-pci-path",
        };
        struct links links = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                r = read_directory(&links, directories[i]);
                if (r < 0) {
                        links_clear(&links);
                        return r;
                }
        }

        if (links.n > 1)
                qsort(links.items, links.n, sizeof(links.items[0]), compare_links);
        *ret = links;
        return 0;
}

/* Is the name of the link that of the path, alone or with a suffix? */
static bool is_link_of(const struct link *link, const char *flat) {
        const char *name = strrchr(link->name, '/') + 1;
        size_t n = strlen(flat);

        return strncmp(name, flat, n) == 0 && (name[n] == '\0' || name[n] == '-');
}

/**
 * links_find() - the link to a node by one path, of which it can have several
 * @flat: the path in its flat form
 *
 * Return: the first in the order of names, or NULL.
 */
const char *links_find(const struct links *links, const char *node, const char *flat) {
        size_t from = 0, to = links->n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (strcmp(links->items[middle].node, node) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }

        for (; from < links->n && streq(links->items[from].node, node); from++)
                if (is_link_of(&links->items[from], flat))
                        return links->items[from].name;

        return NULL;
}
