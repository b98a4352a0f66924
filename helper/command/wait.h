/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Waits for devices, for the verbs wait and open. */

#include <stdbool.h>
#include <stdint.h>

#include "lookup.h"
#include "uevent-monitor.h"

struct wait {
        const char *type;
        uint64_t timeout; /* nanoseconds, or DEADLINE_NEVER */
        bool removed;
        bool updated;
        bool kernel;
        enum uevent_source source; /* set by wait_run() */
        char **texts;
        struct device_spec *specs;
        struct lookup *lookups; /* the devices, after wait_run() */
        size_t n;
        /*
         * Called when all devices are ready, or NULL. Return: 1 when done, 0 to wait for another event, or a negative
         * errno after an error message.
         */
        int (*finish)(struct wait *wait);
        void *userdata;
};

int wait_run(struct wait *wait);
void wait_clear(struct wait *wait);
