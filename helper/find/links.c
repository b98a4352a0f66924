/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>

#include "array.h"
#include "ascii.h"
#include "format-text.h"
#include "interface-name.h"
#include "links.h"
#include "rtnl.h"
#include "search.h"
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

/**
 * links_read_node() - find the node that a link leads to
 * @dir: the path of the directory; udev's links are relative, "../../vda" in /dev/disk/by-pci-path, "../12" in
 * /dev/vfio/by-pci-path
 * @ret: to be freed; "/dev/vda"
 *
 * Return: 0, or a negative errno.
 */
int links_read_node(int dir_fd, const char *dir, const char *name, char **ret) {
        size_t n_dir = strlen(dir);
        char spec[PATH_MAX];
        const char *node = spec;
        ssize_t n;

        n = readlinkat(dir_fd, name, spec, sizeof(spec) - 1);
        if (n < 0)
                return negative_errno();
        spec[n] = '\0';

        for (; strncmp(node, "../", 3) == 0; node += 3)
                while (n_dir > 0 && dir[--n_dir] != '/')
                        ;
        if (*node == '/')
                return format_text(ret, "%s", node);
        return format_text(ret, "%.*s/%s", (int) n_dir, dir, node);
}

/* Takes ownership of both strings. */
static int links_add(struct links *links, char *node, char *name) {
        struct link link = { node, name };

        if (!node || !name || array_grow(links->items, links->n, 1) < 0) {
                link_clear(&link);
                return -ENOMEM;
        }

        links->items[links->n++] = link;
        return 0;
}

static int add_entry(struct links *links, int dir_fd, const char *dir, const char *entry) {
        char *node, *name = NULL;
        int r;

        r = links_read_node(dir_fd, dir, entry, &node);
        if (r < 0)
                /* Removed since readdir(), or replaced by another type of file. */
                return r == -ENOENT || r == -EINVAL ? 0 : r;
        (void) format_text(&name, "%s/%s", dir, entry);
        return links_add(links, node, name);
}

static int add_interface_name(const char *ifname, const char *name, void *userdata) {
        if (strncmp(name, INTERFACE_PREFIX, strlen(INTERFACE_PREFIX)) != 0)
                return 0;
        return links_add(userdata, strdup(ifname), strdup(name));
}

/* Starts again when an interface appeared or disappeared during the dump. */
static int read_interfaces(struct links *links) {
        size_t n = links->n;
        int r;

        do {
                while (links->n > n)
                        link_clear(&links->items[--links->n]);
                r = rtnl_for_each_name(add_interface_name, links);
        } while (r == -EINTR);

        return r;
}

/**
 * links_read_directory() - add the links in an open directory
 * @opened: closed on return
 * @path: the path of the directory
 *
 * Names that begin with a dot are temporary links that udevd and others are about to rename.
 *
 * Return: 0, or a negative errno.
 */
int links_read_directory(struct links *links, DIR *opened, const char *path) {
        _cleanup_closedir_ DIR *dir = opened;
        struct dirent *entry;
        int r;

        while ((r = read_entry(dir, &entry)) > 0) {
                if (entry->d_name[0] == '.')
                        continue;
                r = entry_has_type(dir, entry, DT_LNK);
                if (r > 0)
                        r = add_entry(links, dirfd(dir), path, entry->d_name);
                if (r < 0)
                        return r;
        }

        return errno_is_absent(r) ? 0 : r;
}

static int read_directory(struct links *links, const char *path) {
        DIR *dir;

        dir = opendir(path);
        if (!dir)
                return errno == ENOENT || errno == ENOTDIR ? 0 : negative_errno();
        return links_read_directory(links, dir, path);
}

static int compare_links(const void *a, const void *b) {
        const struct link *x = a, *y = b;
        int r;

        r = strcmp(x->node, y->node);
        return r != 0 ? r : strverscmp(x->name, y->name);
}

/**
 * links_read() - read all directories of links, and the names of interfaces
 * @ret: to be cleared with links_clear(); untouched on failure
 *
 * Return: 0, also when there are none, or a negative errno.
 */
int links_read(struct links *ret) {
        struct links links = {};
        int r = 0;

        for (size_t i = 0; link_directories[i] && r >= 0; i++)
                r = read_directory(&links, link_directories[i]);
        if (r >= 0)
                r = read_interfaces(&links);
        if (r < 0) {
                links_clear(&links);
                return r;
        }

        if (links.n > 1)
                qsort(links.items, links.n, sizeof(links.items[0]), compare_links);
        *ret = links;
        return 0;
}

/* A hop begins with two digits and a separator, as in "00.0" or "e0_01.0". */
static bool is_hop(const char *text) {
        return ascii_isxdigit(text[0]) && ascii_isxdigit(text[1]) && (text[2] == '.' || text[2] == '_');
}

/* Is the last component of the name the PCI path, alone or with a suffix that is not a hop? */
static bool link_is_of(const struct link *link, const char *flat) {
        const char *slash = strrchr(link->name, '/'), *rest = slash ? slash + 1 : link->name + strlen(INTERFACE_PREFIX);
        size_t n = strlen(flat);

        if (strncmp(rest, flat, n) != 0)
                return false;
        rest += n;
        return *rest == '\0' || rest[0] != '-' || !is_hop(rest + 1);
}

struct wanted_node {
        const struct links *links;
        const char *node;
};

static int compare_node(size_t i, const void *wanted) {
        const struct wanted_node *w = wanted;

        return strcmp(w->node, w->links->items[i].node);
}

/**
 * links_find() - find the link to a node, or the name of an interface
 * @flat: the PCI path of the function: the node of an NVMe multipath head or an IOMMU group has a link for each of
 * several functions
 *
 * Return: NULL when there is none.
 */
const char *links_find(const struct links *links, const char *node, const char *flat) {
        size_t first = search_first(links->n, compare_node, &(struct wanted_node){ links, node });

        for (size_t i = first; i < links->n && streq(links->items[i].node, node); i++)
                if (link_is_of(&links->items[i], flat))
                        return links->items[i].name;

        return NULL;
}
