/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by disk-suffix.c, the rows of its table that have a file of their own, and node-link.c. */

#include <stdint.h>

#include "device-util.h"
#include "disk-suffix.h"
#include "util.h"

/* The parts of a suffix are found from last to first, so the text grows towards the start of the buffer. */
struct disk_suffix {
        sd_device *disk; /* or another device node */
        bool is_below;   /* a device between it and its function identifies it */
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

_printf_(2, 3) int suffix_prepend(struct disk_suffix *p, const char *format, ...);
int suffix_collect(struct disk_suffix *p, sd_device *function);
int parse_number(const char **text, char follower, uint64_t max, uint64_t *ret);

int suffix_scsi(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_usb(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_alone(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_usb_serial(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
