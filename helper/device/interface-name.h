/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The name of a network interface by PCI path.
 */

#include "link-names.h"

int interface_get_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]);
