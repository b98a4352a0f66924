/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The suffix that identifies a disk below its PCI function, and the name of the disk's link. */

#include <systemd/sd-device.h>

#include "ancestor.h"
#include "link-names.h"
#include "pci-path.h"

int device_get_link_name(sd_device *device, sd_device *below, const struct ancestor *function,
                         const struct pci_path *path, char buf[static LINK_NAME_MAX + 1]);
