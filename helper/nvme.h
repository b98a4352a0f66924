/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * NVMe multipath: the disk that is used, the head nvmeSnN, is no child of any controller. What is below each
 * controller is a hidden disk without a node, nvmeScCnN, that is one of the head's paths.
 * drivers/nvme/host/multipath.c, nvme_mpath_set_disk_name().
 */

#include <glob.h>
#include <limits.h>

int nvme_path_get_head(const char *syspath, char ret[static PATH_MAX]);
int nvme_head_find_paths(const char *sysname, glob_t *ret);
