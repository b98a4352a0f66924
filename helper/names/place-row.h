/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between place.c, which climbs, the rows of its table that have a file of their own, and node.c, which begins elsewhere.
 */

#include <stdint.h>

#include "device.h"
#include "place.h"
#include "util.h"

/* Words are found from the last to the first, so the text grows towards the start of the buffer. */
struct place {
        sd_device *disk; /* or another node */
        bool is_below;   /* something between it and its function has said where it is */
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

_printf_(2, 3) int place_prepend(struct place *p, const char *format, ...);
int place_climb(struct place *p, sd_device *function);
int take_number(const char **text, char follower, uint64_t max, uint64_t *ret);

int place_scsi(sd_device *device, struct place *p, sd_device **ret_next);
int place_usb(sd_device *device, struct place *p, sd_device **ret_next);
int place_alone(sd_device *device, struct place *p, sd_device **ret_next);
int place_usb_serial(sd_device *device, struct place *p, sd_device **ret_next);
