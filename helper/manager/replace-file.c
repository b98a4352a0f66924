/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <sys/stat.h>

#include "replace-file.h"
#include "util.h"

static int write_text(int fd, const char *text) {
        size_t n = strlen(text);

        while (n > 0) {
                ssize_t written = write(fd, text, n);

                if (written < 0)
                        return negative_errno();
                text += written;
                n -= (size_t) written;
        }

        return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? negative_errno() : 0;
}

/**
 * file_replace() - write a new file and give it the name of the old one
 * @temporary: in the same directory; removed on failure
 * @fd: opened at @temporary for writing; closed on return
 *
 * Return: 0, or a negative errno.
 */
int file_replace(const char *path, const char *temporary, int fd, const char *text) {
        int r;

        r = write_text(fd, text);
        close(fd);
        if (r >= 0 && rename(temporary, path) < 0)
                r = negative_errno();
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

/** file_remove() - remove a file, which need not exist. Return: 0, or a negative errno. */
int file_remove(const char *path) {
        return unlink(path) < 0 && errno != ENOENT ? negative_errno() : 0;
}
