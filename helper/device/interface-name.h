/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The name of a network interface by PCI path.
 */

#include <stdbool.h>

#include "link-names.h"
#include "pci-path.h"

int interface_print_name(const struct pci_path *path, const char *sub_function, const char *port, size_t size,
                         char buf[static size]);
bool interface_has_port(const char *syspath);
int interface_get_bare_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]);
int interface_get_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]);
