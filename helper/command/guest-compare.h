/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "guest-devices.h"

/* One of @row and @device is NULL for a device that went or came. */
typedef int (*guest_difference_fn)(void *userdata, const struct list_row *row, const struct guest_device *device);

int guest_compare(const struct saved_list *list, struct guest_devices *devices, guest_difference_fn callback,
                  void *userdata);
