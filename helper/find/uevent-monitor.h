/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sleeps until an event about the machine's devices. */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum uevent_source {
        UEVENT_KERNEL = 1, /* events of the kernel; values are groups of NETLINK_KOBJECT_UEVENT */
        UEVENT_UDEV = 2,   /* events that udevd has finished */
};

struct uevent_monitor {
        int netlink_fd;
        int queue_fd; /* inotify on udev's queue, or -1 */
        int end_fd;   /* signals, or -1 */
};

#define UEVENT_MONITOR_NULL \
        { .netlink_fd = -1, .queue_fd = -1, .end_fd = -1 }

/** struct uevent - an event of the kernel, not verified */
struct uevent {
        const char *action;    /* "add" */
        const char *devpath;   /* below /sys */
        const char *subsystem; /* or empty */
};

typedef void (*uevent_fn)(const struct uevent *event, void *userdata);

bool udev_is_running(void);
bool udev_is_idle(void);

int uevent_monitor_open(struct uevent_monitor *m, enum uevent_source source);
int uevent_monitor_end_on(struct uevent_monitor *m, const sigset_t *signals);
int uevent_monitor_wait(struct uevent_monitor *m, uint64_t deadline);
int uevent_monitor_read(struct uevent_monitor *m, uevent_fn fn, void *userdata);
void uevent_monitor_close(struct uevent_monitor *m);
