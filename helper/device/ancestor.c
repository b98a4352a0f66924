/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ancestor.h"
#include "sysfs.h"
#include "util.h"

/*
 * Is the directory a device? A device of no subsystem has "uevent". Other directories, such as "block", have neither.
 * Return: 1, 0, or a negative errno.
 */
static int read_subsystem(struct ancestor *a) {
        int r;

        r = sysfs_read_link_name(a->syspath, "subsystem", a->subsystem);
        if (r >= 0)
                return 1;
        a->subsystem[0] = '\0';
        return r == -ENOENT ? sysfs_exists(a->syspath, "uevent") : r;
}

/**
 * ancestor_begin() - begin at the device at @syspath
 *
 * Return: 0, -ENODEV when it has disappeared, or another negative errno.
 */
int ancestor_begin(const char *syspath, struct ancestor *ret) {
        int r;

        if (strlen(syspath) >= sizeof(ret->syspath))
                return -ENAMETOOLONG;
        strcpy(ret->syspath, syspath);
        r = read_subsystem(ret);
        return r > 0 ? 0 : (r < 0 ? r : -ENODEV);
}

/* Return: 1, 0 when the directory above is not a device, -ENODEV at the top, or another negative errno. */
static int move_up_one_directory(struct ancestor *a) {
        *strrchr(a->syspath, '/') = '\0';
        return streq(a->syspath, "/sys/devices") || streq(a->syspath, "/sys") ? -ENODEV : read_subsystem(a);
}

/**
 * ancestor_move_up() - go to the parent device
 *
 * Like sd_device_get_parent(), this skips a parent that has disappeared.
 *
 * Return: 0, -ENODEV when there is none, or another negative errno.
 */
int ancestor_move_up(struct ancestor *a) {
        int r;

        do
                r = move_up_one_directory(a);
        while (r == 0);
        return r < 0 ? r : 0;
}

/**
 * ancestor_move_up_directly() - like ancestor_move_up(), but only to the directory directly above
 *
 * If a parent that has disappeared were skipped, the device would appear to be below its grandparent and get the suffix
 * of another kind.
 *
 * Return: 0, or a negative errno; -ENODEV when the parent has disappeared.
 */
int ancestor_move_up_directly(struct ancestor *a) {
        int r;

        r = move_up_one_directory(a);
        return r > 0 ? 0 : (r < 0 ? r : -ENODEV);
}

/** ancestor_get_name() - the kernel's name of the device */
const char *ancestor_get_name(const struct ancestor *a) {
        return strrchr(a->syspath, '/') + 1;
}

/**
 * ancestor_read_value() - read an attribute, without the newline at its end, that becomes a part of a name
 * @allowed: the characters that it can have
 *
 * Return: 0, -EBADMSG when the value is empty or has another character, -ENAMETOOLONG when it is too long for @buf, or
 * another negative errno.
 */
int ancestor_read_value(const struct ancestor *a, const char *attribute, const char *allowed, size_t size,
                        char buf[static size]) {
        size_t n;
        int r;

        r = sysfs_read_lines(a->syspath, attribute, size, buf);
        if (r < 0)
                return r;
        n = strlen(buf);
        if (n > 0 && buf[n - 1] == '\n')
                buf[n - 1] = '\0';
        if (buf[0] == '\0' || buf[strspn(buf, allowed)] != '\0')
                return -EBADMSG;
        return n == size - 1 ? -ENAMETOOLONG : 0;
}
