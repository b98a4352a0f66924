/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Between a lookup and an open, the device can be unplugged and its node can become that of another device. So the
 * lookup is repeated while the node is open, and its result compared with the open file. The sequence number of a disk
 * is never used again. Without one the device number is compared: the kernel does not give the number of an open disk
 * to another disk.
 */

#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "diskseq.h"
#include "open.h"
#include "sysfs.h"
#include "util.h"

/* Return: 1 if the open file has the device number that sysfs has, 0 if not, or a negative errno. */
static int has_number(const struct child_device *u, const struct stat *st) {
        unsigned major, minor;
        char text[32];
        int r;

        r = sysfs_read_attribute(u->syspath, "dev", sizeof(text), text);
        if (r < 0)
                return r;
        return sscanf(text, "%u:%u", &major, &minor) == 2 && st->st_rdev == makedev(major, minor);
}

/* Return: 1, 0 if the file is another device, or a negative errno. */
static int is_device(int fd, const struct child_device *u) {
        mode_t type = streq(u->subsystem, "block") ? S_IFBLK : S_IFCHR;
        uint64_t expected, found;
        struct stat st;
        int r, k;

        if (fstat(fd, &st) < 0)
                return negative_errno();
        if ((st.st_mode & S_IFMT) != type)
                return 0;
        r = has_number(u, &st);
        if (r <= 0 || type != S_IFBLK)
                return r;

        r = diskseq_read(u->syspath, &expected);
        k = diskseq_get(fd, &found);
        if (r == -ENOENT && k == -ENOTTY)
                return 1; /* Linux before 5.15 */
        return r < 0 || k < 0 ? (r < 0 ? r : k) : expected == found;
}

/**
 * lookup_open() - open the device that a lookup has found
 * @lookup: has one selected device, which has a node
 * @spec: the spec of the lookup
 * @flags: O_RDONLY or O_RDWR
 *
 * Neither waits for a device that blocks the open, nor makes a terminal the controlling one.
 *
 * Return: a file descriptor, or a negative errno; -ESTALE if the device was replaced or removed meanwhile.
 */
int lookup_open(const struct lookup *lookup, const struct device_spec *spec, int flags) {
        _cleanup_close_ int fd = -1;
        struct lookup again;
        int r;

        fd = open(lookup->children.items[0].name, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return errno_is_absent(-errno) ? -ESTALE : negative_errno();

        r = lookup_device(spec, &again);
        if (r > 0)
                r = again.n_selected == 1 ? is_device(fd, &again.children.items[0]) : 0;
        lookup_clear(&again);
        if (r <= 0)
                return r == 0 || errno_is_absent(r) ? -ESTALE : r;

        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
                return negative_errno();
        r = fd;
        fd = -1;
        return r;
}
