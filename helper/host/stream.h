/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The connection to a monitor's socket. It has no timeout of its own: see run-timeout.h.
 */

#include <stddef.h>

#include "error.h"

struct stream {
        int fd;
        const char *path;
};

#define STREAM_CLOSED \
        { .fd = -1 }

int stream_open(const char *path, struct stream *ret, struct error *error);
void stream_close(struct stream *stream);
int stream_exchange(struct stream *stream, const char **output, size_t *n_output, char *buf, size_t size,
                    struct error *error);

#define _cleanup_stream_ __attribute__((__cleanup__(stream_close)))
