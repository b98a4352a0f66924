/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sleep until something about the machine's devices changed.
 */

#include <stdbool.h>
#include <stdint.h>

enum monitor_source {
        MONITOR_KERNEL = 1, /* as the kernel sends an event: the groups of NETLINK_KOBJECT_UEVENT */
        MONITOR_UDEV = 2,   /* when udev is finished with it */
};

struct monitor {
        int netlink_fd;
        int queue_fd; /* inotify on udev's queue, or -1 */
        int end_fd;   /* SIGTERM, or -1 */
};

#define MONITOR_NULL { .netlink_fd = -1, .queue_fd = -1, .end_fd = -1 }
#define MONITOR_FOREVER UINT64_MAX

/** struct monitor_event - what the kernel says has happened; nobody vouches for it */
struct monitor_event {
        const char *action;    /* "add" */
        const char *devpath;   /* below /sys */
        const char *subsystem; /* or empty */
};

typedef void (*monitor_event_fn)(const struct monitor_event *event, void *userdata);

bool udev_is_running(void);
bool udev_is_idle(void);
uint64_t monitor_now(void);

int monitor_open(struct monitor *m, enum monitor_source source);
int monitor_end_on_sigterm(struct monitor *m);
int monitor_wait(struct monitor *m, uint64_t deadline);
int monitor_read(struct monitor *m, monitor_event_fn fn, void *userdata);
void monitor_close(struct monitor *m);
