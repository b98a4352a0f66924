/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The pages are those of SPC-4, 7.8. The order of preference is that of scsi_id (systemd 257,
 * src/udev/scsi_id/scsi_serial.c).
 */

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "scsi-id.h"
#include "sysfs.h"
#include "udev-text.h"
#include "util.h"

enum {
        PAGE_SIZE_MAX = 4096,
        PAGE_HEADER = 4,
        DESIGNATOR_HEADER = 4,
        CODE_BINARY = 1,
        CODE_ASCII = 2,
        TYPE_VENDOR = 0,
        TYPE_T10 = 1,
        TYPE_EUI_64 = 2,
        TYPE_NAA = 3,
        NAA_ANY = 0,
        NAA_REGISTERED = 5,
        NAA_REGISTERED_EXTENDED = 6,
        WWN_DIGITS = 16,
};

struct preference {
        uint8_t type, naa, code;
};

/* Return: the size of the page, or a negative errno. */
static int read_page(const char *syspath, const char *name, uint8_t buf[static PAGE_SIZE_MAX]) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];
        ssize_t n;

        if (snprintf(path, sizeof(path), "%s/device/%s", syspath, name) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, buf, PAGE_SIZE_MAX);
        if (n < 0)
                return negative_errno();
        if (n < PAGE_HEADER)
                return -EBADMSG;
        return n < PAGE_HEADER + (buf[2] << 8 | buf[3]) ? (int) n : PAGE_HEADER + (buf[2] << 8 | buf[3]);
}

/* Vendor and model are padded to a width of 8 and 16. */
static size_t print_vendor_model(const char *syspath, char *buf, size_t size) {
        char vendor[32] = "", model[32] = "";

        (void) sysfs_read_attribute(syspath, "device/vendor", sizeof(vendor), vendor);
        (void) sysfs_read_attribute(syspath, "device/model", sizeof(model), model);
        return (size_t) snprintf(buf, size, "%-8.8s%-16.16s", vendor, model);
}

static bool is_preferred(const uint8_t *designator, size_t length, const struct preference *preference) {
        return (designator[0] & 0x0f) == preference->code && (designator[1] & 0x3f) == preference->type &&
               (preference->naa == NAA_ANY || (length > 0 && designator[DESIGNATOR_HEADER] >> 4 == preference->naa));
}

static void print_designator(const char *syspath, const uint8_t *designator, size_t length, char *ret_id,
                             char *ret_wwn) {
        uint8_t type = designator[1] & 0x0f;
        size_t n = 1, start;

        ret_id[0] = (char) ('0' + type);
        if (type == TYPE_VENDOR)
                n += print_vendor_model(syspath, ret_id + n, SCSI_ID_MAX - n);
        start = n;
        for (size_t i = 0; i < length; i++)
                if ((designator[0] & 0x0f) == CODE_ASCII)
                        ret_id[n++] = (char) designator[DESIGNATOR_HEADER + i];
                else
                        n += (size_t) sprintf(ret_id + n, "%02x", designator[DESIGNATOR_HEADER + i]);
        ret_id[n] = '\0';

        snprintf(ret_wwn, 2 * WWN_DIGITS + 1, "%s", type == TYPE_NAA ? ret_id + start : "");
}

/* Return: 0, or -ENOENT if the page has no identity of the disk. */
static int parse_page_83(const char *syspath, const uint8_t *page, size_t size, char *ret_id, char *ret_wwn) {
        static const struct preference preferences[] = {
                { TYPE_NAA,    NAA_REGISTERED_EXTENDED, CODE_BINARY },
                { TYPE_NAA,    NAA_REGISTERED_EXTENDED, CODE_ASCII  },
                { TYPE_NAA,    NAA_REGISTERED,          CODE_BINARY },
                { TYPE_NAA,    NAA_REGISTERED,          CODE_ASCII  },
                { TYPE_NAA,    NAA_ANY,                 CODE_BINARY },
                { TYPE_NAA,    NAA_ANY,                 CODE_ASCII  },
                { TYPE_EUI_64, NAA_ANY,                 CODE_BINARY },
                { TYPE_EUI_64, NAA_ANY,                 CODE_ASCII  },
                { TYPE_T10,    NAA_ANY,                 CODE_BINARY },
                { TYPE_T10,    NAA_ANY,                 CODE_ASCII  },
                { TYPE_VENDOR, NAA_ANY,                 CODE_BINARY },
                { TYPE_VENDOR, NAA_ANY,                 CODE_ASCII  },
        };

        for (size_t i = 0; i < ELEMENTSOF(preferences); i++)
                for (size_t at = PAGE_HEADER; at + DESIGNATOR_HEADER <= size;) {
                        size_t length = page[at + 3];

                        if (at + DESIGNATOR_HEADER + length > size)
                                break;
                        if (is_preferred(page + at, length, &preferences[i])) {
                                print_designator(syspath, page + at, length, ret_id, ret_wwn);
                                return 0;
                        }
                        at += DESIGNATOR_HEADER + length;
                }
        return -ENOENT;
}

static int parse_page_80(const char *syspath, const uint8_t *page, size_t size, char *ret_id, char *ret_wwn) {
        size_t n = 1, length = size - PAGE_HEADER;

        ret_id[0] = 'S';
        n += print_vendor_model(syspath, ret_id + n, SCSI_ID_MAX - n);
        if (length > SCSI_ID_MAX - n - 1)
                return -ENOENT;
        memcpy(ret_id + n, page + PAGE_HEADER, length);
        ret_id[n + length] = '\0';
        *ret_wwn = '\0';
        return 0;
}

/**
 * scsi_id_read() - read the identity of the disk at @syspath
 * @ret_wwn: its World Wide Name with the vendor's extension, or empty
 *
 * Return: 0, or a negative errno when it has none.
 */
int scsi_id_read(const char *syspath, char ret_id[static SCSI_ID_MAX], char ret_wwn[static SCSI_ID_MAX]) {
        uint8_t page[PAGE_SIZE_MAX];
        int n, r = -ENOENT;

        n = read_page(syspath, "vpd_pg83", page);
        if (n >= 0)
                r = parse_page_83(syspath, page, (size_t) n, ret_id, ret_wwn);
        if (r < 0) {
                n = read_page(syspath, "vpd_pg80", page);
                r = n < 0 ? n : parse_page_80(syspath, page, (size_t) n, ret_id, ret_wwn);
        }
        if (r < 0)
                return r;

        udev_replace_whitespace(ret_id);
        udev_replace_characters(ret_id, "");
        return 0;
}
