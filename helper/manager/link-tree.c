/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "link-tree.h"
#include "util.h"

/*
 * What replaces a link is made under this name. If the replacement comes to nothing, it is one more link that nobody claims: no
 * device's link has a comma in its name.
 */
#define TEMPORARY ".pcipath,new"

/**
 * link_tree_open() - open the directory that the links are below
 * @tree: initialised with LINK_TREE_NULL; to be closed with link_tree_close()
 * @directory: "/dev", or another
 *
 * Return: 0, or a negative errno.
 */
int link_tree_open(struct link_tree *tree, const char *directory) {
        struct stat st, dev;

        tree->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree->fd < 0 || fstat(tree->fd, &st) < 0)
                return negative_errno();

        tree->is_dev = stat("/dev", &dev) >= 0 && st.st_dev == dev.st_dev && st.st_ino == dev.st_ino;
        return 0;
}

void link_tree_close(struct link_tree *tree) {
        closep(&tree->fd);
        *tree = (struct link_tree)LINK_TREE_NULL;
}

/* Opens a directory in another, and makes it where it is not there. What is no directory but leads to one is not followed. */
static int open_one(int fd, const char *name, bool make) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int below;

        below = openat(fd, name, flags);
        if (below < 0 && errno == ENOENT && make) {
                if (mkdirat(fd, name, 0755) < 0 && errno != EEXIST)
                        return negative_errno();
                below = openat(fd, name, flags);
        }
        if (below < 0)
                return errno == ELOOP ? -ENOTDIR : negative_errno();

        return below;
}

/* Opens the directory that @name is in. Return: a file descriptor, or a negative errno. */
static int open_above(const struct link_tree *tree, const char *name, bool make, const char **ret_last) {
        char part[NAME_MAX + 1];
        int fd, below;

        fd = fcntl(tree->fd, F_DUPFD_CLOEXEC, 0);
        for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
                snprintf(part, sizeof(part), "%.*s", (int) (slash - name), name);
                below = open_one(fd, part, make);
                close(fd);
                fd = below;
        }

        *ret_last = name;
        return fd;
}

/**
 * link_tree_read() - add the links of one directory
 * @directory: "disk/by-uuid"
 *
 * Return: 0, also when there is no such directory, or a negative errno; -ENOTDIR when it is something else.
 */
int link_tree_read(const struct link_tree *tree, const char *directory, struct links *links) {
        char name[PATH_MAX], path[PATH_MAX];
        const char *unused;
        DIR *dir;
        int fd;

        snprintf(name, sizeof(name), "%s/", directory);
        fd = open_above(tree, name, false, &unused);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;

        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }

        snprintf(path, sizeof(path), "/dev/%s", directory);
        return links_read_directory(links, dir, path);
}

/* From the directory of the link up to what it shares with the node, and down to that: "../../vda", "../card0". */
static void print_device_spec(const struct link_tree *tree, const char *name, const char *node, char ret[static PATH_MAX]) {
        const char *below = node + strlen("/dev/"), *slash;
        size_t n = 0;

        if (!tree->is_dev) {
                snprintf(ret, PATH_MAX, "%s", node);
                return;
        }

        while ((slash = strchr(name, '/')) && strncmp(name, below, (size_t) (slash - name) + 1) == 0) {
                below += slash - name + 1;
                name = slash + 1;
        }
        for (; (slash = strchr(name, '/')) && n < PATH_MAX - 4; name = slash + 1)
                n += (size_t) sprintf(ret + n, "../");
        snprintf(ret + n, PATH_MAX - n, "%s", below);
}

/* In one step, so that there is a link at each moment. If that cannot be done, none is better than the wrong one. */
static int replace(int fd, const char *name, const char *spec) {
        int r;

        (void) unlinkat(fd, TEMPORARY, 0);
        if (symlinkat(spec, fd, TEMPORARY) >= 0 && renameat(fd, TEMPORARY, fd, name) >= 0)
                return 1;

        r = negative_errno();
        (void) unlinkat(fd, TEMPORARY, 0);
        (void) unlinkat(fd, name, 0);
        return r;
}

static int put(int fd, const char *name, const char *spec) {
        char old[PATH_MAX];
        ssize_t n;

        if (symlinkat(spec, fd, name) >= 0)
                return 1;
        if (errno != EEXIST)
                return negative_errno();

        n = readlinkat(fd, name, old, sizeof(old) - 1);
        if (n < 0)
                return errno == EINVAL ? -EEXIST : negative_errno();
        old[n] = '\0';
        return streq(old, spec) ? 0 : replace(fd, name, spec);
}

/**
 * link_tree_put() - make a link, or let it lead where it should
 * @name: "disk/by-uuid/0815"
 * @node: "/dev/vda"
 *
 * Return: 1, 0 when it did already, or a negative errno: -EEXIST when something is there that is no link, and -ENOTDIR when
 * something is in the way that is no directory; both are left as they are.
 */
int link_tree_put(const struct link_tree *tree, const char *name, const char *node) {
        _cleanup_close_ int fd = -1;
        char spec[PATH_MAX];
        const char *last;

        print_device_spec(tree, name, node, spec);
        fd = open_above(tree, name, true, &last);
        return fd < 0 ? fd : put(fd, last, spec);
}

/**
 * link_tree_remove() - remove a link
 *
 * Return: 1, 0 when there is none, or a negative errno as link_tree_put().
 */
int link_tree_remove(const struct link_tree *tree, const char *name) {
        _cleanup_close_ int fd = -1;
        struct stat st;
        const char *last;

        fd = open_above(tree, name, false, &last);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (fstatat(fd, last, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : negative_errno();
        if (!S_ISLNK(st.st_mode))
                return -EEXIST;

        return unlinkat(fd, last, 0) < 0 ? negative_errno() : 1;
}

/* Where a link leads that is called TEMPORARY now, asked of who knows. */
static int ask(int fd, const char *name, link_is_right_fn is_right) {
        _cleanup_free_ char *directory = NULL, *node = NULL;
        int r;

        if (asprintf(&directory, "/dev/%.*s", (int) (strrchr(name, '/') - name), name) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        r = links_read_node(fd, directory, TEMPORARY, &node);
        return r < 0 ? r : is_right(node, name);
}

/**
 * link_tree_remove_unless() - remove a link that somebody else may be replacing
 * @is_right: is asked of what has been taken away, when nobody can replace it any more
 *
 * A link that is right, or of which that cannot be known, is put back, unless there is another already.
 *
 * Return: 0 when there is none now or was none, 1 when it was right, or a negative errno.
 */
int link_tree_remove_unless(const struct link_tree *tree, const char *name, link_is_right_fn is_right) {
        _cleanup_close_ int fd = -1;
        const char *last;
        int r;

        fd = open_above(tree, name, false, &last);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        if (renameat(fd, last, fd, TEMPORARY) < 0)
                return errno == ENOENT ? 0 : negative_errno();

        r = ask(fd, name, is_right);
        if (r != 0 && renameat2(fd, TEMPORARY, fd, last, RENAME_NOREPLACE) >= 0)
                return r;
        return unlinkat(fd, TEMPORARY, 0) < 0 ? negative_errno() : r;
}
