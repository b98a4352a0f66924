/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by disk-suffix.c, the rows of its table that have a file of their own, and node-link.c. */

#include <stdint.h>

#include "ancestor.h"
#include "device-util.h"
#include "disk-suffix.h"
#include "util.h"

/* The parts of a suffix are found from last to first, so the text grows towards the start of the buffer. */
struct disk_suffix {
        struct ancestor disk; /* or another device node */
        bool is_below;        /* a device between it and its function identifies it */
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

_printf_(2, 3) int suffix_prepend(struct disk_suffix *p, const char *format, ...);
int suffix_collect(struct disk_suffix *p, const struct ancestor *function);
int parse_number(const char **text, char follower, uint64_t max, uint64_t *ret);

int suffix_scsi(struct ancestor *a, struct disk_suffix *p);
int suffix_usb(struct ancestor *a, struct disk_suffix *p);
int suffix_alone(struct ancestor *a, struct disk_suffix *p);
int suffix_usb_serial(struct ancestor *a, struct disk_suffix *p);
