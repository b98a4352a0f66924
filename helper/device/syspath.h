/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Functions on syspaths as text, without an sd_device. */

#include <stddef.h>

size_t syspath_find_function(const char *syspath, size_t end);
