/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Links of device nodes that are no disks.
 */

#include <limits.h>
#include <systemd/sd-device.h>

#include "pci-path.h"

#define NODE_LINK_MAX (32 + NAME_MAX) /* the longest directory, and a name in it */

int device_get_node_link(sd_device *device, sd_device *function, const struct pci_path *path, const char *input_class,
                         char buf[static NODE_LINK_MAX + 1]);
