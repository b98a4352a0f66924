/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IOMMU groups, whose functions can be assigned to nested guests and to containers. */

#include <limits.h>
#include <stdbool.h>

#define VFIO_CLASS "/sys/class/vfio"

int vfio_find_group(const char *function_syspath, char ret[static NAME_MAX + 1]);
bool vfio_is_bound(const char *function_syspath);

typedef int (*vfio_function_fn)(const char *syspath, void *userdata);
int vfio_for_each_function(const char *group, vfio_function_fn fn, void *userdata);
