/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The name of a network interface by PCI path.
 */

#include <stddef.h>

#define INTERFACE_PREFIX "pci-"
#define INTERFACE_NAME_MAX 127 /* bytes: ALTIFNAMSIZ of <linux/if.h> without its null byte */

int interface_get_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]);
