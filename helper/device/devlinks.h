/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All links of a node by PCI path, for udev's rules and for the manager, which makes links without udev. */

#include <systemd/sd-device.h>

#include "device-names.h"
#include "string-list.h"

int device_has_interface_name(sd_device *device);
int device_get_interface_path(sd_device *device, char flat[static PCI_PATH_STRING_MAX]);
int device_get_links(sd_device *device, const struct names *names, const char *input_class, struct string_list *ret,
                     int *ret_left_out);
