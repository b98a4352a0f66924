/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The number is an attribute of the auxiliary device (drivers/net/ethernet/mellanox/mlx5/core/sf/dev/dev.c, Linux 5.12
 * and later). Other auxiliary devices are parts of a function, not devices of their own, and have no number.
 */

#include <stdio.h>

#include "sub-function.h"
#include "sysfs.h"
#include "syspath.h"
#include "util.h"

/**
 * sub_function_read() - read the number of the sub-function at @syspath
 * @ret: untouched unless 1 is returned
 *
 * Return: 1, 0 when it is not a sub-function, -EBADMSG when the attribute is not a number, or another negative errno.
 */
int sub_function_read(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]) {
        char text[SUB_FUNCTION_MAX + 2]; /* one byte more, to detect a number that is too long */
        size_t n;
        int r;

        r = sysfs_read_attribute(syspath, "sfnum", sizeof(text), text);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        n = strspn(text, "0123456789");
        if (n == 0 || n > SUB_FUNCTION_MAX || text[n] != '\0')
                return -EBADMSG;

        strcpy(ret, text);
        return 1;
}

/* The name of an auxiliary device is MODULE.NAME.ID (drivers/base/auxiliary.c, __auxiliary_device_add()). */
static bool is_auxiliary_name(const char *name, size_t n) {
        size_t dots = 0;

        for (size_t i = 0; i < n; i++)
                dots += name[i] == '.';

        return dots == 2 && name[n - 1] >= '0' && name[n - 1] <= '9';
}

/**
 * sub_function_find() - find the number of the sub-function above a device
 * @syspath: of the device
 *
 * Return: as sub_function_read().
 */
int sub_function_find(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]) {
        size_t end = syspath_find_function(syspath, strlen(syspath));
        char device[PATH_MAX];

        while (end > 0 && syspath[end] == '/') {
                size_t n = strcspn(syspath + end + 1, "/");
                int r;

                if (is_auxiliary_name(syspath + end + 1, n)) {
                        if (snprintf(device, sizeof(device), "%.*s", (int) (end + 1 + n), syspath) >=
                            (int) sizeof(device))
                                return -ENAMETOOLONG;
                        r = sub_function_read(device, ret);
                        if (r != 0)
                                return r;
                }
                end += 1 + n;
        }

        return 0;
}
