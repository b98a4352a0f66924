/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "disk-serial.h"
#include "sysfs.h"
#include "util.h"

/* NVMe and ATA pad it with spaces. */
static void trim(char *text) {
        size_t n = strlen(text), first = strspn(text, " ");

        while (n > first && text[n - 1] == ' ')
                n--;
        memmove(text, text + first, n - first);
        text[n - first] = '\0';
}

/* VPD page 0x80 has a header of four bytes. A null byte ends the number. */
static int read_vpd_page(const char *syspath, char buf[static DISK_SERIAL_MAX]) {
        char page[DISK_SERIAL_MAX] = {};
        int r;

        r = sysfs_read_lines(syspath, "device/vpd_pg80", sizeof(page), page);
        if (r < 0)
                return r;
        memcpy(buf, page + 4, sizeof(page) - 4);
        buf[(unsigned char) page[3] < sizeof(page) - 5 ? (unsigned char) page[3] : sizeof(page) - 5] = '\0';
        return 0;
}

/**
 * disk_read_serial() - read the serial number of the disk at @syspath
 *
 * The kernel truncates the number of a virtio-blk, NVMe or ATA disk to 20 bytes.
 *
 * Return: 0, -ENOENT if it has none, or another negative errno.
 */
int disk_read_serial(const char *syspath, char buf[static DISK_SERIAL_MAX]) {
        int r;

        r = sysfs_read_attribute(syspath, "serial", DISK_SERIAL_MAX, buf); /* virtio-blk */
        if (errno_is_absent(r))
                r = sysfs_read_attribute(syspath, "device/serial", DISK_SERIAL_MAX, buf); /* NVMe */
        if (errno_is_absent(r))
                r = read_vpd_page(syspath, buf);
        if (r < 0)
                return r;
        trim(buf);
        return *buf == '\0' ? -ENOENT : 0;
}
