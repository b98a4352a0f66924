/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between disk-suffix.c, which climbs, the rows of its table that have a file of their own, and node-link.c, which begins elsewhere.
 */

#include <stdint.h>

#include "device-util.h"
#include "disk-suffix.h"
#include "util.h"

/* Words are found from the last to the first, so the text grows towards the start of the buffer. */
struct disk_suffix {
        sd_device *disk; /* or another node */
        bool is_below;   /* something between it and its function has said where it is */
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

_printf_(2, 3) int suffix_prepend(struct disk_suffix *p, const char *format, ...);
int suffix_climb(struct disk_suffix *p, sd_device *function);
int parse_number(const char **text, char follower, uint64_t max, uint64_t *ret);

int suffix_scsi(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_usb(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_alone(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
int suffix_usb_serial(sd_device *device, struct disk_suffix *p, sd_device **ret_next);
