/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-device.h>

int device_in_subsystem(sd_device *device, const char *subsystem);
int device_has_devtype(sd_device *device, const char *devtype);
