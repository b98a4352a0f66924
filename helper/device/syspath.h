/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Syspaths as text, for those who need no device.
 */

#include <stddef.h>

size_t syspath_find_function(const char *syspath, size_t end);
