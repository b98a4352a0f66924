/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "encode.h"
#include "sysfs.h"
#include "util.h"

/* Called for each look at sysfs. snprintf() would take as many instructions as all else that a look does. */
static int join(const char *dir, const char *name, char buf[static PATH_MAX]) {
        if (strlen(dir) + strlen("/") + strlen(name) >= PATH_MAX)
                return -ENAMETOOLONG;

        strcpy(stpcpy(stpcpy(buf, dir), "/"), name);
        return 0;
}

/**
 * sysfs_exists() - does a file, directory or symlink exist? Symlinks are not followed.
 *
 * Return: 1, 0, or a negative errno when this is unknown. A caller that treats an error as a yes makes no name, rather
 * than a wrong one.
 */
int sysfs_exists(const char *dir, const char *name) {
        char path[PATH_MAX];
        int r;

        r = join(dir, name, path);
        if (r < 0)
                return r;
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : negative_errno();

        return 1;
}

/**
 * sysfs_is_printable() - can a name from sysfs be printed within one line, and in JSON?
 *
 * The kernel lets root give an interface any name without a space, '/' or ':' (net/core/dev.c, dev_valid_name()).
 */
bool sysfs_is_printable(const char *name) {
        return text_is_printable(name);
}

/**
 * sysfs_read_link_name() - read the last component of a symlink's target, such as "virtio-pci" for "driver"
 *
 * Return: 0, or a negative errno; -ENOENT when there is no such link.
 */
int sysfs_read_link_name(const char *dir, const char *name, char buf[static NAME_MAX + 1]) {
        char path[PATH_MAX], target[PATH_MAX];
        const char *last;
        ssize_t n;
        int r;

        r = join(dir, name, path);
        if (r < 0)
                return r;
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return negative_errno();
        target[n] = '\0';

        last = strrchr(target, '/');
        last = last ? last + 1 : target;
        if (strlen(last) > NAME_MAX)
                return -ENAMETOOLONG;

        strcpy(buf, last);
        return 0;
}

/**
 * sysfs_read_lines() - read the whole content of an attribute
 * @size: of @buf; longer content is truncated
 *
 * Return: 0, or a negative errno.
 */
int sysfs_read_lines(const char *dir, const char *name, size_t size, char buf[static size]) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];
        ssize_t n;
        int r;

        r = join(dir, name, path);
        if (r < 0)
                return r;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return negative_errno();
        n = read(fd, buf, size - 1);
        if (n < 0)
                return negative_errno();

        buf[n] = '\0';
        return 0;
}

/** sysfs_read_attribute() - like sysfs_read_lines(), but the first line only, without its newline */
int sysfs_read_attribute(const char *dir, const char *name, size_t size, char buf[static size]) {
        int r;

        r = sysfs_read_lines(dir, name, size, buf);
        if (r >= 0)
                buf[strcspn(buf, "\n")] = '\0';
        return r;
}

/**
 * sysfs_read_property() - read a property of a device's uevent file
 *
 * Return: 0, -ENOENT when there is no such property, -ENOBUFS when it does not fit into @buf, or another negative
 * errno.
 */
int sysfs_read_property(const char *syspath, const char *property, size_t size, char buf[static size]) {
        size_t n = strlen(property), n_value;
        char uevent[4096];
        int r;

        r = sysfs_read_lines(syspath, "uevent", sizeof(uevent), uevent);
        if (r < 0)
                return r;

        for (const char *line = uevent; *line != '\0'; line += n_value + (line[n_value] == '\n')) {
                n_value = strcspn(line, "\n");
                if (strncmp(line, property, n) != 0 || line[n] != '=')
                        continue;
                n_value -= n + 1;
                if (n_value >= size)
                        return -ENOBUFS;
                memcpy(buf, line + n + 1, n_value);
                buf[n_value] = '\0';
                return 0;
        }

        return -ENOENT;
}

/**
 * sysfs_for_each_sibling() - call @fn for the other entries of the directory that a device is in
 *
 * Entries whose path would be too long are skipped.
 *
 * Return: 0, the return value of @fn if that is not 0, or a negative errno.
 */
int sysfs_for_each_sibling(const char *syspath, sysfs_sibling_fn fn, void *userdata) {
        const char *name = strrchr(syspath, '/') + 1;
        _cleanup_closedir_ DIR *dir = NULL;
        char sibling[PATH_MAX];
        struct dirent *entry;
        int r;

        if (snprintf(sibling, sizeof(sibling), "%.*s", (int) (name - syspath), syspath) >= (int) sizeof(sibling))
                return -ENAMETOOLONG;
        dir = opendir(sibling);
        if (!dir)
                return negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                if (entry->d_name[0] == '.' || streq(entry->d_name, name) ||
                    snprintf(sibling, sizeof(sibling), "%.*s%s", (int) (name - syspath), syspath, entry->d_name) >=
                            (int) sizeof(sibling))
                        continue;
                r = fn(sibling, entry->d_name, userdata);
                if (r != 0)
                        return r;
        }

        return r;
}
