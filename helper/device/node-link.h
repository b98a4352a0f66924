/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Links of device nodes that are not disks. */

#include <limits.h>
#include <systemd/sd-device.h>

#include "ancestor.h"
#include "link-names.h"
#include "pci-path.h"

#define NODE_LINK_MAX (32 + NAME_MAX) /* the longest directory, and a file name in it */

/** struct input_class - a property that udev's input_id sets for an input device, and the suffix of its link */
struct input_class {
        const char *property, *suffix;
};

extern const struct input_class input_classes[]; /* the first match wins; ends with {} */

int device_get_node_link(sd_device *device, const struct ancestor *function, const struct pci_path *path,
                         const char *input_class, char buf[static NODE_LINK_MAX + 1]);
