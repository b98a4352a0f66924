/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "diskseq.h"
#include "sysfs.h"
#include "util.h"

/**
 * diskseq_read() - read the number of the disk or partition at @syspath
 *
 * Return: 0, -ENOENT if the kernel has no numbers or the device is no disk, or another negative errno.
 */
int diskseq_read(const char *syspath, uint64_t *ret) {
        char text[32];
        uint64_t number;
        int r;

        r = sysfs_exists(syspath, "partition");
        if (r >= 0)
                r = sysfs_read_attribute(syspath, r > 0 ? "../diskseq" : "diskseq", sizeof(text), text);
        if (r < 0)
                return r;
        if (sscanf(text, "%" SCNu64, &number) != 1)
                return -EBADMSG;
        *ret = number;
        return 0;
}

/**
 * diskseq_get() - get the number of an open disk or partition
 *
 * Return: 0, -ENOTTY if the kernel has no numbers or the file is no disk, or another negative errno.
 */
int diskseq_get(int fd, uint64_t *ret) {
        return ioctl(fd, BLKGETDISKSEQ, ret) < 0 ? negative_errno() : 0;
}
