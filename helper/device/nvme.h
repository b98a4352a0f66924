/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * NVMe multipath. Users access the head, nvmeSnN. The head's parent is not a controller but the subsystem S, a virtual
 * device. Below each controller C is a hidden disk without a node and without events, nvmeScCnN, which is one of the
 * head's paths (Linux drivers/nvme/host/multipath.c, nvme_mpath_set_disk_name()).
 */

#include <limits.h>
#include <stddef.h>
#include <systemd/sd-device.h>

/** struct nvme_paths - the hidden disks that are the live paths of a head, of any transport */
struct nvme_paths {
        sd_device **items;
        size_t n;
};

int nvme_path_get_head(const char *syspath, char ret[static PATH_MAX]);
int nvme_head_find(sd_device *device, sd_device **ret);
int nvme_head_find_paths(sd_device *head, struct nvme_paths *ret);
void nvme_head_await_paths(sd_device *head);
void nvme_paths_clear(struct nvme_paths *paths);

#define _cleanup_nvme_paths_ __attribute__((__cleanup__(nvme_paths_clear)))
