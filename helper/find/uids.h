/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads the ACPI _UIDs of this machine's root buses. */

#include "format.h"

int uid_map_read(struct uid_map *ret);
void uid_map_clear(struct uid_map *map);
