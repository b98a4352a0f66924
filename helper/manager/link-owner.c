/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each device wants links. The wanted links and those that exist are two lists in the order of names, which are walked
 * side by side.
 *
 * A link by PCI path belongs to one device or to none. Links by content differ: two disks can have the same UUID, by a
 * snapshot or by malice. Such a link stays with the disk that has it as long as that disk is there; a free link goes to
 * the first disk by PCI path.
 */

#include <stdio.h>
#include <sys/stat.h>

#include "format-text.h"
#include "id-links.h"
#include "manager.h"
#include "util.h"

/** content_directories[] - the directories of links by what is on a disk, or the disk says of itself; ends with NULL */
const char *const content_directories[] = {
        "/dev/disk/by-uuid",      "/dev/disk/by-label", "/dev/disk/by-partuuid",
        "/dev/disk/by-partlabel", "/dev/disk/by-id",    "/dev/disk/by-diskseq",
        NULL
};

struct candidate {
        const char *link; /* below /dev */
        struct device *device;
};

struct candidates {
        struct candidate *items;
        size_t n;
};

static const char *sort_key(const struct device *device) {
        return device->links.n > 0 ? device->links.items[0] : device->syspath;
}

static int compare_candidates(const void *a, const void *b) {
        const struct candidate *x = a, *y = b;

        return strcmp(x->link, y->link) ?: strcmp(sort_key(x->device), sort_key(y->device));
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const struct link *) a)->name, ((const struct link *) b)->name);
}

/* All wanted links, in order. Return: 0, or -ENOMEM. */
static int collect_candidates(const struct manager *m, struct candidates *ret) {
        struct candidates candidates = {};
        size_t n = 0;

        for (size_t i = 0; i < m->n_devices; i++)
                n += m->devices[i]->links.n + m->devices[i]->content.n;
        candidates.items = calloc(n + 1, sizeof(candidates.items[0]));
        if (!candidates.items)
                return -ENOMEM;

        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];

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
                manager_error(m, "%s%s: not a directory: no links are made there", m->directory,
                              directory + strlen("/dev"));
        else if (r < 0)
                manager_error(m, "%s%s: cannot read the directory: %s", m->directory, directory + strlen("/dev"),
                              strerror(-r));
        return 0;
}

/** manager_read_links() - read which links exist. Return: 0, or -ENOMEM. */
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
        return strstr(link, LINK_DIRECTORY("") "/") ||
               strncmp(link, ALIAS_DIRECTORY "/", strlen(ALIAS_DIRECTORY "/")) == 0;
}

/*
 * Other programs make links by id that this one does not know, and links to disks below no PCI function. A node that
 * cannot be examined could be such a disk.
 */
static bool is_foreign(struct manager *m, const char *link, const char *node) {
        struct stat st;

        if (!id_link_is_own(link))
                return true;
        if (is_by_path(link) || device_list_find_node(m, node))
                return false;
        if (stat(node, &st) >= 0)
                return S_ISBLK(st.st_mode);
        if (errno_is_absent(-errno))
                return false;

        manager_error(m, "%s: cannot examine %s, which the link leads to: %s", link, node, strerror(errno));
        return true;
}

/*
 * Find the device that gets a link which @n devices want.
 * @node: where the link leads, or NULL when there is none
 *
 * Return: the device node, or NULL when the link is not made.
 */
static const char *find_owner(struct manager *m, const struct candidate *candidates, size_t n, const char *node) {
        if (n > 1 && is_by_path(candidates->link)) {
                manager_note(m, "%s: not made: it would lead to %s as well as to %s", candidates->link,
                             candidates[0].device->name, candidates[1].device->name);
                return NULL;
        }

        for (size_t i = 0; i < n && node; i++)
                if (streq(candidates[i].device->name, node))
                        return node;
        if (node && is_foreign(m, candidates->link, node)) {
                manager_note(m, "%s: keeping the link to %s: %s wants it, too", candidates->link, node,
                             candidates->device->name);
                return node;
        }

        return candidates->device->name;
}

static void report_link(struct manager *m, const char *link, int r) {
        if (r == -EEXIST)
                manager_error(m, "%s/%s: not a symbolic link: left as it is", m->directory, link);
        else if (r == -ENOTDIR)
                manager_error(m, "%s/%.*s: not a directory: no links are made there", m->directory,
                              (int) (strrchr(link, '/') - link), link);
        else
                manager_error(m, "%s/%s: %s", m->directory, link, strerror(-r));
}

/* Return: does the link lead to the node now? A link that could not be replaced has been removed, if possible. */
static bool put(struct manager *m, const char *link, const char *node) {
        int r;

        if (m->dry_run) {
                report(&m->reporter, REPORT_ACTION, "link %s/%s %s", m->directory, link, node);
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
                report(&m->reporter, REPORT_ACTION, "remove %s/%s", m->directory, link);
                return true;
        }

        r = link_tree_remove(&m->tree, link);
        if (r < 0)
                report_link(m, link, r);
        return r >= 0;
}

static int add_made(struct links *made, const char *link, const char *node) {
        struct link item = { strdup(node), NULL };

        if (!item.node || format_text(&item.name, "/dev/%s", link) < 0) {
                free(item.node);
                return -ENOMEM;
        }
        made->items[made->n++] = item;
        return 0;
}

static struct device *find_candidate(const struct candidate *candidates, size_t n, const char *node) {
        for (size_t i = 0; i < n; i++)
                if (streq(candidates[i].device->name, node))
                        return candidates[i].device;

        return NULL;
}

/*
 * A link of a device that was scanned is examined itself: another process may have replaced it since the directory was
 * read.
 */
static bool is_right(const struct manager *m, const struct device *owner, const char *selected, const char *node) {
        return node && streq(selected, node) && (m->is_made_fresh || m->dry_run || !owner || !owner->is_scanned);
}

/*
 * One link.
 * @old: where it leads, or NULL
 * @made: to add where it leads then
 *
 * Return: 0, or -ENOMEM.
 */
static int update_link(struct manager *m, const char *link, const struct link *old, const struct candidate *candidates,
                       size_t n, struct links *made) {
        const char *node = old ? old->node : NULL, *selected = NULL;
        struct device *owner;

        if (n > 0)
                selected = find_owner(m, candidates, n, node);
        else if (is_foreign(m, link, node))
                selected = node;

        if (!selected)
                return !node || drop(m, link) ? 0 : add_made(made, link, node);

        owner = find_candidate(candidates, n, selected);
        if (!is_right(m, owner, selected, node) && !put(m, link, selected))
                return 0;
        if (owner && string_list_add(&owner->updated, link) < 0)
                return -ENOMEM;
        return add_made(made, link, selected);
}

/* All links: each that exists or that a device wants. Return: 0, or -ENOMEM. */
static int update_all(struct manager *m, const struct candidates *candidates, bool paths_only, struct links *made) {
        size_t i = 0, j = 0;
        int r = 0;

        while (r >= 0 && (i < candidates->n || j < m->made.n)) {
                const struct link *old = j < m->made.n ? &m->made.items[j] : NULL;
                const char *existing = old ? old->name + strlen("/dev/") : NULL;
                int order = !existing ? -1 : (i == candidates->n ? 1 : strcmp(candidates->items[i].link, existing));
                const char *link = order <= 0 ? candidates->items[i].link : existing;
                size_t n = 0;

                while (order <= 0 && i + n < candidates->n && streq(candidates->items[i + n].link, link))
                        n++;
                if (!paths_only || is_by_path(link))
                        r = update_link(m, link, order >= 0 ? old : NULL, &candidates->items[i], n, made);
                else if (order >= 0)
                        r = add_made(made, link, old->node);
                i += n;
                j += order >= 0;
        }

        return r;
}

/* A device whose node is gone keeps its list for those who are told of its removal, as it keeps the wanted links. */
static void keep_updated(struct manager *m, bool paths_only) {
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];

                if (paths_only || !device->is_there)
                        string_list_clear(&device->updated);
                else
                        device_set_links(device, &device->made, &device->updated);
        }
}

/**
 * manager_update_links() - make the links agree with what the devices want
 * @paths_only: not those by content, which has not been read yet
 *
 * Return: 0, or -ENOMEM.
 */
int manager_update_links(struct manager *m, bool paths_only) {
        struct candidates candidates = {};
        struct links made = {};
        int r;

        r = collect_candidates(m, &candidates);
        if (r < 0)
                return r;
        made.items = calloc(candidates.n + m->made.n + 1, sizeof(made.items[0]));
        r = made.items ? update_all(m, &candidates, paths_only, &made) : -ENOMEM;
        free(candidates.items);
        keep_updated(m, paths_only || r < 0);
        if (r < 0) {
                links_clear(&made);
                return r;
        }

        links_clear(&m->made);
        m->made = made;
        return 0;
}
