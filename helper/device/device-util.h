/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-device.h>

int device_in_subsystem(sd_device *device, const char *subsystem);
int device_has_devtype(sd_device *device, const char *devtype);
int device_get_parent_directly(sd_device *device, sd_device **ret);
