/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The serial number of a disk, as the host has set it. */

#include <stddef.h>

#define DISK_SERIAL_MAX 256

int disk_read_serial(const char *syspath, char buf[static DISK_SERIAL_MAX]);
