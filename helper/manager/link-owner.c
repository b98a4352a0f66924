/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each device says which links are its own. Those that there are, and those that should be, are two lists in the order
 * of names, which are walked side by side.
 *
 * A name by PCI path is one device's, or else nobody's. What is on a disk is no such name: two disks can have the same UUID,
 * by a snapshot or by malice. Then the link stays where it is as long as the disk that has it is there; a link that is free goes
 * to the first by PCI path.
 */

#include <stdio.h>
#include <sys/stat.h>

#include "manager.h"
#include "util.h"

static const char *const content_directories[] = {
        "/dev/disk/by-uuid", "/dev/disk/by-label", "/dev/disk/by-partuuid", "/dev/disk/by-partlabel", NULL
};

struct candidate {
        const char *link; /* below /dev */
        const struct device *device;
};

struct candidates {
        struct candidate *items;
        size_t n;
};

static const char *suffix_of(const struct device *device) {
        return device->links.n > 0 ? device->links.items[0] : device->syspath;
}

static int compare_candidates(const void *a, const void *b) {
        const struct candidate *x = a, *y = b;

        return strcmp(x->link, y->link) ?: strcmp(suffix_of(x->device), suffix_of(y->device));
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const struct link *) a)->name, ((const struct link *) b)->name);
}

/* All of them in order. Return: 0, or -ENOMEM. */
static int collect_candidates(const struct manager *m, struct candidates *ret) {
        struct candidates candidates = {};
        size_t n = 0;

        for (size_t i = 0; i < m->n_devices; i++)
                n += m->devices[i]->links.n + m->devices[i]->content.n;
        candidates.items = calloc(n + 1, sizeof(candidates.items[0]));
        if (!candidates.items)
                return -ENOMEM;

        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *device = m->devices[i];

                if (!device->is_there || streq(device->subsystem, "net"))
                        continue;
                for (size_t j = 0; j < device->links.n; j++)
                        candidates.items[candidates.n++] = (struct candidate){ device->links.items[j], device };
                for (size_t j = 0; j < device->content.n; j++)
                        candidates.items[candidates.n++] = (struct candidate){ device->content.items[j], device };
        }
        qsort(candidates.items, candidates.n, sizeof(candidates.items[0]), compare_candidates);

        *ret = candidates;
        return 0;
}

static int read_directory(struct manager *m, const char *directory) {
        int r;

        r = link_tree_read(&m->tree, directory + strlen("/dev/"), &m->made);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOTDIR)
                manager_error(m, "%s%s is no directory: it is left alone, and no link is made there", m->directory,
                                 directory + strlen("/dev"));
        else if (r < 0)
                manager_error(m, "cannot read %s%s: %s", m->directory, directory + strlen("/dev"), strerror(-r));
        return 0;
}

/** manager_read_links() - find out which links there are. Return: 0, or -ENOMEM. */
int manager_read_links(struct manager *m) {
        int r = 0;

        links_clear(&m->made);
        for (size_t i = 0; link_directories[i] && r >= 0; i++)
                r = read_directory(m, link_directories[i]);
        for (size_t i = 0; content_directories[i] && r >= 0; i++)
                r = read_directory(m, content_directories[i]);

        if (m->made.n > 1)
                qsort(m->made.items, m->made.n, sizeof(m->made.items[0]), compare_names);
        return r;
}

static bool is_by_path(const char *link) {
        return strstr(link, "/by-pci-path/");
}

/* A disk that is below no PCI function has its links from somebody else. What cannot be looked at may be one. */
static bool is_foreign(struct manager *m, const char *link, const char *node) {
        struct stat st;

        if (is_by_path(link) || device_list_find_node(m, node))
                return false;
        if (stat(node, &st) >= 0)
                return S_ISBLK(st.st_mode);
        if (errno_is_absent(-errno))
                return false;

        manager_error(m, "%s: %s has it and cannot be looked at: %s", link, node, strerror(errno));
        return true;
}

/* Whose is a link to be that @n devices claim? @node: whose it is, or NULL. Return: the node, or NULL for nobody's. */
static const char *choose(struct manager *m, const struct candidate *candidates, size_t n, const char *node) {
        if (n > 1 && is_by_path(candidates->link)) {
                manager_note(m, "%s: it would be %s as well as %s, not made", candidates->link, candidates[0].device->name,
                                 candidates[1].device->name);
                return NULL;
        }

        for (size_t i = 0; i < n && node; i++)
                if (streq(candidates[i].device->name, node))
                        return node;
        if (node && is_foreign(m, candidates->link, node)) {
                manager_note(m, "%s: %s has it, it stays so though %s claims it", candidates->link, node, candidates->device->name);
                return node;
        }

        return candidates->device->name;
}

static void report_link(struct manager *m, const char *link, int r) {
        if (r == -EEXIST)
                manager_error(m, "%s/%s: something is there that is no symbolic link, it is left alone", m->directory, link);
        else if (r == -ENOTDIR)
                manager_error(m, "%s/%.*s is no directory: it is left alone, and no link is made there", m->directory,
                                 (int) (strrchr(link, '/') - link), link);
        else
                manager_error(m, "%s/%s: %s", m->directory, link, strerror(-r));
}

/* Return: is the link there now? What could not be replaced has been removed, if that could be done. */
static bool put(struct manager *m, const char *link, const char *node) {
        int r;

        if (m->dry_run) {
                printf("link %s/%s %s\n", m->directory, link, node);
                return true;
        }

        r = link_tree_put(&m->tree, link, node);
        if (r < 0)
                report_link(m, link, r);
        return r >= 0;
}

/* Return: is the link gone now? */
static bool drop(struct manager *m, const char *link) {
        int r;

        if (m->dry_run) {
                printf("remove %s/%s\n", m->directory, link);
                return true;
        }

        r = link_tree_remove(&m->tree, link);
        if (r < 0)
                report_link(m, link, r);
        return r >= 0;
}

static int add_made(struct links *made, const char *link, const char *node) {
        struct link item = { strdup(node), NULL };

        if (asprintf(&item.name, "/dev/%s", link) < 0)
                item.name = NULL;
        if (!item.name || !item.node) {
                free(item.name);
                free(item.node);
                return -ENOMEM;
        }
        made->items[made->n++] = item;
        return 0;
}

/*
 * One link: @old is it as it is, or NULL; @candidates are those who want it. What it is then is added to @made.
 * Return: 0, or -ENOMEM.
 */
static int update_link(struct manager *m, const char *link, const struct link *old, const struct candidate *candidates, size_t n,
                  struct links *made) {
        const char *node = old ? old->node : NULL, *selected = NULL;

        if (n > 0)
                selected = choose(m, candidates, n, node);
        else if (is_foreign(m, link, node))
                selected = node;

        if (!selected) {
                if (!node || drop(m, link))
                        return 0;
                selected = node; /* it is still there */
        } else if ((!node || !streq(selected, node)) && !put(m, link, selected))
                return 0;

        return add_made(made, link, selected);
}

/**
 * manager_update_links() - let the links be as the devices say
 * @paths_only: not those by what is on disks, which has not been read yet
 *
 * Return: 0, or -ENOMEM.
 */
int manager_update_links(struct manager *m, bool paths_only) {
        struct candidates candidates = {};
        struct links made = {};
        size_t i = 0, j = 0;
        int r;

        r = collect_candidates(m, &candidates);
        if (r < 0)
                return r;
        made.items = calloc(candidates.n + m->made.n + 1, sizeof(made.items[0]));
        if (!made.items)
                r = -ENOMEM;

        while (r >= 0 && (i < candidates.n || j < m->made.n)) {
                const struct link *old = j < m->made.n ? &m->made.items[j] : NULL;
                const char *there = old ? old->name + strlen("/dev/") : NULL;
                int order = !there ? -1 : i == candidates.n ? 1 : strcmp(candidates.items[i].link, there);
                const char *link = order <= 0 ? candidates.items[i].link : there;
                size_t n = 0;

                while (order <= 0 && i + n < candidates.n && streq(candidates.items[i + n].link, link))
                        n++;
                if (!paths_only || is_by_path(link))
                        r = update_link(m, link, order >= 0 ? old : NULL, &candidates.items[i], n, &made);
                else if (order >= 0)
                        r = add_made(&made, link, old->node);
                i += n;
                j += order >= 0;
        }

        free(candidates.items);
        if (r < 0) {
                links_clear(&made);
                return r;
        }
        links_clear(&m->made);
        m->made = made;
        return 0;
}
