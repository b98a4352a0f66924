/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Links of device nodes that are no disks.
 */

#include <limits.h>
#include <systemd/sd-device.h>

#include "pci-path.h"

#define NODE_LINK_MAX (32 + NAME_MAX) /* the longest directory, and a name in it */

/** struct input_class - the property by which udev's input_id says what an input device is, and the word that its link has for it */
struct input_class {
        const char *property, *suffix;
};

extern const struct input_class input_classes[]; /* the first that is there counts; ends with {} */

extern const char *const link_directories[]; /* that the naming contract has, of disks, groups and all others; ends with NULL */

int device_get_node_link(sd_device *device, sd_device *function, const struct pci_path *path, const char *input_class,
                         char buf[static NODE_LINK_MAX + 1]);
