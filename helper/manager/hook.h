/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The user's program that is told of devices: started once for each, one after the other.
 */

#include <stdint.h>
#include <sys/types.h>

#include "manager.h"

struct hook {
        const char *program;
        const char *directory; /* of the links, or NULL */
        struct string_list *waiting; /* environments, the first is the next */
        size_t n_waiting;
        pid_t child;       /* or 0 */
        uint64_t deadline; /* of the child, in terms of monotonic_now() */
};

int hook_add(struct hook *hook, const char *action, const struct device *device);
void hook_run(struct hook *hook);
uint64_t hook_deadline(const struct hook *hook);
void hook_end(struct hook *hook);
