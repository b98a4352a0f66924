/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A link is replaced by renaming a temporary link, so that at each moment there is a link. Others do the same in the
 * same directories: udevd's temporary links are called ".#NAME" and random digits (systemd 252, node_symlink()). Names
 * that begin with a dot are therefore left alone, except temporary links of a run with the same purpose that was
 * killed; whoever holds the lock removes those.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "format-text.h"
#include "link-tree.h"
#include "util.h"

#define TEMPORARY_PREFIX ".pcipath-"
#define TEMPORARY_MAX 48 /* bytes of the name, with its end */
#define ATTEMPTS_MAX 16

/**
 * link_tree_open() - open the directory that the links are below
 * @tree: initialised with LINK_TREE_NULL; to be closed with link_tree_close()
 * @directory: "/dev", or another
 * @purpose: what the process does; two runs with different purposes can be at work at the same time
 *
 * Return: 0, or a negative errno.
 */
int link_tree_open(struct link_tree *tree, const char *directory, const char *purpose) {
        struct stat st, dev;

        tree->purpose = purpose;
        tree->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree->fd < 0 || fstat(tree->fd, &st) < 0)
                return negative_errno();

        tree->is_dev = stat("/dev", &dev) >= 0 && st.st_dev == dev.st_dev && st.st_ino == dev.st_ino;
        return 0;
}

/** link_tree_lock() - become the only process with this purpose. Return: as lock_acquire(). */
int link_tree_lock(struct link_tree *tree, bool wait) {
        return lock_acquire(&tree->lock, tree->purpose, tree->fd, wait);
}

void link_tree_close(struct link_tree *tree) {
        lock_release(&tree->lock);
        closep(&tree->fd);
        *tree = (struct link_tree) LINK_TREE_NULL;
}

/* Opens a directory in another, and makes it if it does not exist. A symbolic link is not followed. */
static int open_one(int fd, const char *name, bool make) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int below, r;

        below = openat(fd, name, flags);
        if (below < 0 && errno == ENOENT && make) {
                r = directory_make(fd, name, 0755);
                if (r < 0)
                        return r;
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

/* @directory: "disk/by-uuid". Return: 0, or a negative errno. */
static int open_directory(const struct link_tree *tree, const char *directory, DIR **ret) {
        char name[PATH_MAX];
        const char *unused;
        int fd;

        snprintf(name, sizeof(name), "%s/", directory);
        fd = open_above(tree, name, false, &unused);
        if (fd < 0)
                return fd;

        *ret = fdopendir(fd);
        if (*ret)
                return 0;
        close(fd);
        return -ENOMEM;
}

/**
 * link_tree_read() - add the links of one directory
 * @directory: "disk/by-uuid"
 *
 * Return: 0, also when there is no such directory, or a negative errno; -ENOTDIR when it is something else.
 */
int link_tree_read(const struct link_tree *tree, const char *directory, struct links *links) {
        char path[PATH_MAX];
        DIR *dir;
        int r;

        r = open_directory(tree, directory, &dir);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        snprintf(path, sizeof(path), "/dev/%s", directory);
        return links_read_directory(links, dir, path);
}

static bool is_temporary(const struct link_tree *tree, const char *name) {
        size_t n = strlen(TEMPORARY_PREFIX), n_purpose = strlen(tree->purpose);

        return strncmp(name, TEMPORARY_PREFIX, n) == 0 && strncmp(name + n, tree->purpose, n_purpose) == 0 &&
               name[n + n_purpose] == '-';
}

/**
 * link_tree_tidy() - remove the temporary links of a run that was killed
 *
 * Nothing is removed without the lock: the temporary links could be in use. What cannot be removed stays until the next
 * run.
 */
void link_tree_tidy(const struct link_tree *tree, const char *directory) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;

        if (tree->lock.fd < 0 || open_directory(tree, directory, &dir) < 0)
                return;
        while (read_entry(dir, &entry) > 0)
                if (is_temporary(tree, entry->d_name) && entry_has_type(dir, entry, DT_LNK) > 0)
                        (void) unlinkat(dirfd(dir), entry->d_name, 0);
}

/* Each process starts with other random bytes (getauxval(3), AT_RANDOM), and counts on from there. */
static void name_temporary(const struct link_tree *tree, char ret[static TEMPORARY_MAX]) {
        static uint64_t number;

        if (number == 0)
                memcpy(&number, (const void *) getauxval(AT_RANDOM), sizeof(number));
        snprintf(ret, TEMPORARY_MAX, TEMPORARY_PREFIX "%.8s-%016" PRIx64, tree->purpose, number++);
}

/* From the directory of the link up to what it shares with the node, and down to that: "../../vda", "../card0". */
static void print_device_spec(const struct link_tree *tree, const char *name, const char *node,
                              char ret[static PATH_MAX]) {
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

/* Return: 0, or a negative errno. */
static int make_temporary(const struct link_tree *tree, int fd, const char *spec, char ret[static TEMPORARY_MAX]) {
        for (int i = 0; i < ATTEMPTS_MAX; i++) {
                name_temporary(tree, ret);
                if (symlinkat(spec, fd, ret) >= 0)
                        return 0;
                if (errno != EEXIST)
                        return negative_errno();
        }

        return -EEXIST;
}

/* If the link cannot be replaced it is removed: no link is better than a wrong one. */
static int replace(const struct link_tree *tree, int fd, const char *name, const char *spec) {
        char temporary[TEMPORARY_MAX];
        int r;

        r = make_temporary(tree, fd, spec, temporary);
        if (r >= 0) {
                if (renameat(fd, temporary, fd, name) >= 0)
                        return 1;
                r = negative_errno();
                (void) unlinkat(fd, temporary, 0);
        }

        (void) unlinkat(fd, name, 0);
        return r;
}

static int put(const struct link_tree *tree, int fd, const char *name, const char *spec) {
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
        return streq(old, spec) ? 0 : replace(tree, fd, name, spec);
}

/**
 * link_tree_put() - make a link, or replace one that leads elsewhere
 * @name: "disk/by-uuid/0815"
 * @node: "/dev/vda"
 *
 * Return: 1, 0 when the link was right already, or a negative errno: -EEXIST when another kind of file has this name,
 * and -ENOTDIR when another kind of file has the name of a directory; both files are left as they are.
 */
int link_tree_put(const struct link_tree *tree, const char *name, const char *node) {
        char spec[PATH_MAX];
        int r = -ENOENT;

        print_device_spec(tree, name, node, spec);
        /* udevd removes a link, and a directory after its last link (systemd 252, rmdir_parents()). */
        for (int i = 0; i < ATTEMPTS_MAX && r == -ENOENT; i++) {
                _cleanup_close_ int fd = -1;
                const char *last;

                fd = open_above(tree, name, true, &last);
                r = fd < 0 ? fd : put(tree, fd, last, spec);
        }

        return r;
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

        if (unlinkat(fd, last, 0) < 0)
                return errno == ENOENT ? 0 : negative_errno();
        return 1;
}

/* Renames a link to a temporary name, never to one that exists. Return: 0, or a negative errno. */
static int take_away(const struct link_tree *tree, int fd, const char *name, char ret[static TEMPORARY_MAX]) {
        for (int i = 0; i < ATTEMPTS_MAX; i++) {
                name_temporary(tree, ret);
                if (renameat2(fd, name, fd, ret, RENAME_NOREPLACE) >= 0)
                        return 0;
                if (errno != EEXIST)
                        return negative_errno();
        }

        return -EEXIST;
}

/* @temporary: the name that the link has now. */
static int ask(int fd, const char *name, const char *temporary, link_is_right_fn is_right, void *userdata) {
        _cleanup_free_ char *directory = NULL, *node = NULL;
        int r;

        if (format_text(&directory, "/dev/%.*s", (int) (strrchr(name, '/') - name), name) < 0)
                return -ENOMEM;
        r = links_read_node(fd, directory, temporary, &node);
        return r < 0 ? r : is_right(node, name, userdata);
}

/**
 * link_tree_remove_unless() - remove a link that another process may be replacing
 * @is_right: is called when the link has a temporary name, so that nobody can replace it
 *
 * A link is put back when it is right or when @is_right fails, unless a new one has been made meanwhile.
 *
 * Return: 0 when the link is gone, 1 when it was right, or a negative errno.
 */
int link_tree_remove_unless(const struct link_tree *tree, const char *name, link_is_right_fn is_right, void *userdata) {
        _cleanup_close_ int fd = -1;
        char temporary[TEMPORARY_MAX];
        const char *last;
        int r;

        fd = open_above(tree, name, false, &last);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        r = take_away(tree, fd, last, temporary);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        r = ask(fd, name, temporary, is_right, userdata);
        if (r != 0 && renameat2(fd, temporary, fd, last, RENAME_NOREPLACE) >= 0)
                return r;
        return unlinkat(fd, temporary, 0) < 0 ? negative_errno() : r;
}
