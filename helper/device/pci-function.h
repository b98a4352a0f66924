/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a device to the PCI path of its function. */

#include <systemd/sd-device.h>

#include "ancestor.h"
#include "pci-path.h"

int device_get_pci_function(sd_device *device, struct ancestor *ret);
int pci_domain_is_known(const char *syspath);
int pci_function_is_virtual(const char *syspath);
int pci_function_get_path(const char *syspath, struct pci_path *ret);
