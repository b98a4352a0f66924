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

struct claim {
        const char *link; /* below /dev */
        const struct device *device;
};

struct claims {
        struct claim *items;
        size_t n;
};

static const char *suffix_of(const struct device *device) {
        return device->links.n > 0 ? device->links.items[0] : device->syspath;
}

static int compare_claims(const void *a, const void *b) {
        const struct claim *x = a, *y = b;

        return strcmp(x->link, y->link) ?: strcmp(suffix_of(x->device), suffix_of(y->device));
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const struct link *) a)->name, ((const struct link *) b)->name);
}

/* All of them in order. Return: 0, or -ENOMEM. */
static int collect_claims(const struct manager *m, struct claims *ret) {
        struct claims claims = {};
        size_t n = 0;

        for (size_t i = 0; i < m->n_devices; i++)
                n += m->devices[i]->links.n + m->devices[i]->content.n;
        claims.items = calloc(n + 1, sizeof(claims.items[0]));
        if (!claims.items)
                return -ENOMEM;

        for (size_t i = 0; i < m->n_devices; i++) {
                const struct device *device = m->devices[i];

                if (!device->is_there || streq(device->subsystem, "net"))
                        continue;
                for (size_t j = 0; j < device->links.n; j++)
                        claims.items[claims.n++] = (struct claim){ device->links.items[j], device };
                for (size_t j = 0; j < device->content.n; j++)
                        claims.items[claims.n++] = (struct claim){ device->content.items[j], device };
        }
        qsort(claims.items, claims.n, sizeof(claims.items[0]), compare_claims);

        *ret = claims;
        return 0;
}

static int read_directory(struct manager *m, const char *directory) {
        int r;

        r = link_tree_read(&m->tree, directory + strlen("/dev/"), &m->made);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOTDIR)
                manager_complain(m, "%s%s is no directory: it is left alone, and no link is made there", m->directory,
                                 directory + strlen("/dev"));
        else if (r < 0)
                manager_complain(m, "cannot read %s%s: %s", m->directory, directory + strlen("/dev"), strerror(-r));
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

        if (is_by_path(link) || roster_find_node(m, node))
                return false;
        if (stat(node, &st) >= 0)
                return S_ISBLK(st.st_mode);
        if (errno_is_absent(-errno))
                return false;

        manager_complain(m, "%s: %s has it and cannot be looked at: %s", link, node, strerror(errno));
        return true;
}

/* Whose is a link to be that @n devices claim? @node: whose it is, or NULL. Return: the node, or NULL for nobody's. */
static const char *choose(struct manager *m, const struct claim *claims, size_t n, const char *node) {
        if (n > 1 && is_by_path(claims->link)) {
                manager_note(m, "%s: it would be %s as well as %s, not made", claims->link, claims[0].device->name,
                                 claims[1].device->name);
                return NULL;
        }

        for (size_t i = 0; i < n && node; i++)
                if (streq(claims[i].device->name, node))
                        return node;
        if (node && is_foreign(m, claims->link, node)) {
                manager_note(m, "%s: %s has it, it stays so though %s claims it", claims->link, node, claims->device->name);
                return node;
        }

        return claims->device->name;
}

static void complain_of_link(struct manager *m, const char *link, int r) {
        if (r == -EEXIST)
                manager_complain(m, "%s/%s: something is there that is no symbolic link, it is left alone", m->directory, link);
        else if (r == -ENOTDIR)
                manager_complain(m, "%s/%.*s is no directory: it is left alone, and no link is made there", m->directory,
                                 (int) (strrchr(link, '/') - link), link);
        else
                manager_complain(m, "%s/%s: %s", m->directory, link, strerror(-r));
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
                complain_of_link(m, link, r);
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
                complain_of_link(m, link, r);
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
 * One link: @old is it as it is, or NULL; @claims are those who want it. What it is then is added to @made.
 * Return: 0, or -ENOMEM.
 */
static int settle(struct manager *m, const char *link, const struct link *old, const struct claim *claims, size_t n,
                  struct links *made) {
        const char *node = old ? old->node : NULL, *selected = NULL;

        if (n > 0)
                selected = choose(m, claims, n, node);
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
 * manager_settle_links() - let the links be as the devices say
 * @paths_only: not those by what is on disks, which has not been read yet
 *
 * Return: 0, or -ENOMEM.
 */
int manager_settle_links(struct manager *m, bool paths_only) {
        struct claims claims = {};
        struct links made = {};
        size_t i = 0, j = 0;
        int r;

        r = collect_claims(m, &claims);
        if (r < 0)
                return r;
        made.items = calloc(claims.n + m->made.n + 1, sizeof(made.items[0]));
        if (!made.items)
                r = -ENOMEM;

        while (r >= 0 && (i < claims.n || j < m->made.n)) {
                const struct link *old = j < m->made.n ? &m->made.items[j] : NULL;
                const char *there = old ? old->name + strlen("/dev/") : NULL;
                int order = !there ? -1 : i == claims.n ? 1 : strcmp(claims.items[i].link, there);
                const char *link = order <= 0 ? claims.items[i].link : there;
                size_t n = 0;

                while (order <= 0 && i + n < claims.n && streq(claims.items[i + n].link, link))
                        n++;
                if (!paths_only || is_by_path(link))
                        r = settle(m, link, order >= 0 ? old : NULL, &claims.items[i], n, &made);
                else if (order >= 0)
                        r = add_made(&made, link, old->node);
                i += n;
                j += order >= 0;
        }

        free(claims.items);
        if (r < 0) {
                links_clear(&made);
                return r;
        }
        links_clear(&m->made);
        m->made = made;
        return 0;
}
