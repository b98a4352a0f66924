/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The few idioms that every file here shares: cleanup attributes, and the one place that says which
 * errno values mean "it is not there" and not "it failed".
 */

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(fmt, args) __attribute__((__format__(printf, fmt, args)))
#define ELEMENTSOF(a) (sizeof(a) / sizeof((a)[0]))

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

static inline void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static inline void freep(void *p) {
        free(*(void **) p);
}

#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_closedir_ _cleanup_(closedirp)
#define _cleanup_device_ _cleanup_(sd_device_unrefp) /* where sd-device is known */

/* For "return negative_errno();": the compiler cannot know that errno is positive, and warns of what follows. */
static inline int negative_errno(void) {
        return errno > 0 ? -errno : -EIO;
}

/**
 * errno_is_absent() - does this error say that a device or attribute is not there?
 * @r: negative errno
 *
 * sd-device answers ENOENT for a link, parent or attribute that does not exist; sysfs answers ENODEV and
 * ENXIO when the device behind an open attribute went away.
 */
static inline bool errno_is_absent(int r) {
        return r == -ENOENT || r == -ENODEV || r == -ENXIO;
}
