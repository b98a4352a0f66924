/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A monitor's socket. It waits as long as the other end makes it wait: see deadline.h.
 */

#include <stddef.h>

#include "problem.h"

struct channel {
        int fd;
        const char *path;
};

#define CHANNEL_CLOSED { .fd = -1 }

int channel_open(const char *path, struct channel *ret, struct problem *problem);
void channel_close(struct channel *channel);
int channel_exchange(struct channel *channel, const char **output, size_t *n_output, char *buf, size_t size,
                     struct problem *problem);

#define _cleanup_channel_ __attribute__((__cleanup__(channel_close)))
