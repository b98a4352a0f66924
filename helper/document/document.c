/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>

#include "document.h"

/**
 * document_read() - read a whole file, or standard input for "-"
 * @ret: the caller frees it
 *
 * Return: 0; -ENOENT if the file does not exist; -EFBIG, -EBADMSG, -ENOMEM or -EIO if it cannot be read.
 */
int document_read(const char *name, char **ret, size_t *ret_size, struct error *error) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        ssize_t n;

        fd = streq(name, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return error_set(error, errno == ENOENT ? -ENOENT : -EIO, "%s: cannot open: %s", name,
                                 strerror(errno));

        text = malloc(DOCUMENT_MAX + 1);
        if (!text)
                return error_set(error, -ENOMEM, "out of memory");
        do {
                n = read(fd, text + size, DOCUMENT_MAX + 1 - size);
                if (n < 0 && errno != EINTR)
                        return error_set(error, -EIO, "%s: cannot read: %s", name, strerror(errno));
                size += n > 0 ? (size_t) n : 0;
        } while (n != 0 && size <= DOCUMENT_MAX);
        if (size > DOCUMENT_MAX)
                return error_set(error, -EFBIG, "%s: the document is larger than %u MiB", name, DOCUMENT_MAX_MIB);
        if (size == 0)
                return error_set(error, -EBADMSG, "%s: the document is empty%s", name,
                                 streq(name, "-") ? ": nothing came from standard input" : "");

        *ret = text;
        *ret_size = size;
        text = NULL;
        return 0;
}
