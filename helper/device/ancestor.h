/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The devices above a device, by the names in its syspath. An sd_device for each would cost about 25 system calls,
 * because sd-device opens each directory on the way. This costs one or two.
 */

#include <limits.h>
#include <stddef.h>

#define DIGITS "0123456789"

/** struct ancestor - a device, or one above it */
struct ancestor {
        char syspath[PATH_MAX];
        char subsystem[NAME_MAX + 1]; /* empty when the device belongs to none */
};

int ancestor_begin(const char *syspath, struct ancestor *ret);
int ancestor_move_up(struct ancestor *a);
int ancestor_move_up_directly(struct ancestor *a);
const char *ancestor_get_name(const struct ancestor *a);
int ancestor_read_value(const struct ancestor *a, const char *attribute, const char *allowed, size_t size,
                        char buf[static size]);
