/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between place.c, which climbs, and the rows of its table that have a file of their own.
 */

#include <stdint.h>

#include "place.h"
#include "util.h"

/* Words are found from the last to the first, so the text grows towards the start of the buffer. */
struct place {
        sd_device *disk;
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

_printf_(2, 3) int place_prepend(struct place *p, const char *format, ...);
int take_number(const char **text, char follower, uint64_t max, uint64_t *ret);
int device_get_parent_directly(sd_device *device, sd_device **ret);
bool device_is_named(sd_device *device, const char *prefix);

int place_scsi(sd_device *device, struct place *p, sd_device **ret_next);
int place_usb(sd_device *device, struct place *p, sd_device **ret_next);
