/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The user's program that is run for devices: once for each event, one after the other.
 */

#include <stdint.h>
#include <sys/types.h>

#include "manager.h"

#define HOOK_EVENTS_MAX 8192 /* that wait */

/** struct hook_event - a device as it was when its event was added */
struct hook_event {
        char *syspath;
        bool is_removal;
        struct string_list variables;
};

struct hook {
        const char *program;
        const char *directory; /* of the links, or NULL */
        struct reporter reporter;
        struct hook_event *waiting; /* the first is the next */
        size_t n_waiting;
        bool is_overfull; /* an event was dropped since no event was waiting */
        pid_t child;       /* or 0 */
        uint64_t deadline; /* of the child */
};

int hook_check(const char *program);
int hook_add(struct hook *hook, const char *action, const struct device *device);
void hook_run(struct hook *hook);
uint64_t hook_deadline(const struct hook *hook);
void hook_end(struct hook *hook);
