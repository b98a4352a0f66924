/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Idioms of all files: cleanup attributes, and the definition of the errno values that mean "absent", not "failed".
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(fmt, args) __attribute__((__format__(printf, fmt, args)))
#define _unused_ __attribute__((__unused__))
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

/**
 * finish_memstream() - close a stream of open_memstream()
 * @text: as it was given to it; NULL on failure
 *
 * glibc's fclose() is content when it has no memory for the text (2.36, _IO_mem_finish()).
 *
 * Return: 0 or -ENOMEM.
 */
static inline int finish_memstream(FILE *f, char **text) {
        bool failed = ferror(f);

        if (fclose(f) == 0 && !failed && *text)
                return 0;

        free(*text);
        *text = NULL;
        return -ENOMEM;
}

/* The compiler does not know that errno is positive, and would warn about code after "return -errno;". */
static inline int negative_errno(void) {
        return errno > 0 ? -errno : -EIO;
}

/* readdir() that tells the end from a failure. Return: 1 with the entry, 0 at the end, or a negative errno. */
static inline int read_entry(DIR *dir, struct dirent **ret) {
        errno = 0;
        *ret = readdir(dir);
        return *ret ? 1 : -errno;
}

/**
 * entry_has_type() - is a directory entry of type @type, DT_LNK or DT_DIR?
 *
 * Not every filesystem stores types in its directories (readdir(3), DT_UNKNOWN).
 *
 * Return: 1, 0 when it is not or is gone, or a negative errno.
 */
static inline int entry_has_type(DIR *dir, const struct dirent *entry, unsigned char type) {
        struct stat st;

        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type == type;
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : negative_errno();
        return IFTODT(st.st_mode) == type;
}

/**
 * errno_is_absent() - does this error mean that a device or attribute is absent?
 * @r: negative errno
 *
 * sd-device answers ENOENT for a link, parent or attribute that does not exist; sysfs answers ENODEV and
 * ENXIO when the device behind an open attribute went away.
 */
static inline bool errno_is_absent(int r) {
        return r == -ENOENT || r == -ENODEV || r == -ENXIO;
}
