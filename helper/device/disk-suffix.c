/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The link of a disk is the flat form of its function's PCI path and a suffix, as in systemd's by-path. The suffix is
 * collected on the way up from the disk to its function. Each kind of device on the way is a row of the table below: it
 * prepends its part of the suffix and selects the next device. A device whose kind has no row could share its function
 * with another one, and both would have the same name, so it gets none.
 *
 * systemd's suffixes are those of src/udev/udev-builtin-path_id.c (version 252 and later).
 */

#include <stdarg.h>
#include <stdio.h>

#include "disk-suffix.h"
#include "disk-suffix-internal.h"
#include "sub-function.h"
#include "sysfs.h"
#include "util.h"

int suffix_prepend(struct disk_suffix *p, const char *format, ...) {
        char part[sizeof(p->text)];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(part, sizeof(part), format, ap);
        va_end(ap);

        if (n < 0 || (size_t) n + 1 > p->start)
                return -ENAMETOOLONG;

        p->start -= (size_t) n;
        memcpy(p->text + p->start, part, (size_t) n);
        p->text[--p->start] = '-';
        return 1;
}

/*
 * Parse a decimal number of at most @max and the character that must follow it. sscanf() accepts signs, spaces and
 * overflows.
 */
int parse_number(const char **text, char follower, uint64_t max, uint64_t *ret) {
        uint64_t n;
        char *end;

        if (**text < '0' || **text > '9')
                return -EBADMSG;

        errno = 0;
        n = strtoull(*text, &end, 10);
        if (errno > 0 || n > max || *end != follower)
                return -EBADMSG;

        *ret = n;
        *text = end + (follower != '\0');
        return 0;
}

/* One function is one virtio device, and one virtio-blk device is one disk. There is nothing to distinguish. */
static int suffix_virtio(struct ancestor *a, struct disk_suffix *p) {
        (void) a;
        (void) p;
        return 1;
}

/*
 * virtio-pmem. One function is one virtio device, which has one region (virtio_pmem_probe()). A region without labels
 * has one namespace. Whichever mode the namespace is in (namespaceN.0, pfnN.M or bttN.M), it is one disk. Other
 * persistent memory could have several.
 */
static int suffix_nd(struct ancestor *a, struct disk_suffix *p) {
        struct ancestor above;
        int r;

        (void) p;

        r = ancestor_move_up(a); /* to the region */
        if (r >= 0)
                r = ancestor_move_up(a); /* to the bus */
        above = *a;
        if (r >= 0)
                r = ancestor_move_up(&above);
        return r < 0 ? (errno_is_absent(r) ? 0 : r) : streq(above.subsystem, "virtio");
}

/* A sub-function distinguishes its devices from those of its function, but not from each other. */
static int suffix_sub_function(struct ancestor *a, struct disk_suffix *p) {
        char number[SUB_FUNCTION_MAX + 1];
        int r;

        r = sub_function_read(a->syspath, number);
        return r <= 0 ? r : suffix_prepend(p, SUFFIX_SUB_FUNCTION "%s", number);
}

/* A namespace of the controller @a. */
static int suffix_nvme(struct ancestor *a, struct disk_suffix *p) {
        char nsid[16];
        int r;

        (void) a;

        r = ancestor_read_value(&p->disk, "nsid", DIGITS, sizeof(nsid), nsid);
        if (r < 0)
                return r;
        if (*nsid == '0')
                return -EBADMSG;

        return suffix_prepend(p, SUFFIX_NVME "%s", nsid);
}

/*
 * A row's function. @a is the ancestor of the row's kind. The function can move it up; the search continues at its
 * parent. Return: 1 when the disk has a name so far, 0 when it has none, or a negative errno.
 */
static const struct suffix_row {
        const char *subsystem;
        int (*suffix)(struct ancestor *a, struct disk_suffix *p);
        bool has_many; /* several devices of one kind can be below it */
} suffix_table[] = {
        { "virtio",      suffix_virtio     },
        { "scsi",        suffix_scsi       },
        { "nvme",        suffix_nvme       },
        { "nd",          suffix_nd         },
        { "usb",         suffix_usb        },
        { "usb-serial",  suffix_usb_serial },
        { "hid",         suffix_alone      },
        { "input",       suffix_alone      },
        { "sound",       suffix_alone      },
        { "serial-base", suffix_alone      },
        { "auxiliary",   suffix_sub_function, .has_many = true },
};

static const struct suffix_row *find_row(const char *subsystem) {
        for (size_t i = 0; i < ELEMENTSOF(suffix_table); i++)
                if (streq(suffix_table[i].subsystem, subsystem))
                        return &suffix_table[i];

        return NULL;
}

/* Walk up from the disk. Return: 1 at @function, 0 at a device of an unknown kind, or a negative errno. */
int suffix_collect(struct disk_suffix *p, const struct ancestor *function) {
        struct ancestor a = p->disk;
        int r;

        for (;;) {
                const struct suffix_row *row;

                r = ancestor_move_up(&a);
                if (r < 0)
                        return r;
                if (streq(a.syspath, function->syspath))
                        return 1;

                row = find_row(a.subsystem);
                r = row ? row->suffix(&a, p) : 0;
                if (r <= 0)
                        return r;
                p->is_below = p->is_below || !row->has_many;
        }
}

/*
 * Find the disk of a partition and prepend "-partN", or take a disk itself. Return: 1, 0 for any other device, or a
 * negative errno. A hidden disk (a path of an NVMe multipath head) has no node and returns 0.
 */
static int start_at_disk(struct disk_suffix *p, sd_device *device) {
        const char *number, *syspath;
        bool is_partition;
        int r;

        r = device_in_subsystem(device, "block");
        if (r <= 0)
                return r;
        r = device_has_devtype(device, "partition");
        if (r < 0)
                return r;
        is_partition = r > 0;
        r = sd_device_get_devnum(device, NULL);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        r = sd_device_get_syspath(device, &syspath);
        if (r >= 0)
                r = ancestor_begin(syspath, &p->disk);
        if (r < 0)
                return r;
        p->start = sizeof(p->text) - 1;
        p->text[p->start] = '\0';
        if (!is_partition)
                return device_has_devtype(device, "disk");

        r = sd_device_get_sysnum(device, &number);
        if (r < 0)
                return r;
        r = suffix_prepend(p, "part%s", number);
        if (r < 0)
                return r;
        r = ancestor_move_up(&p->disk);
        return r < 0 ? r : 1;
}

/**
 * device_get_link_name() - make the name of a disk's or partition's link in by-pci-path/
 * @device: any device
 * @below: @device itself, or one path of the NVMe multipath head that @device is or is a partition of
 * @function: the PCI function above @below
 * @path: the path of @function
 * @buf: untouched unless 1 is returned
 *
 * Return: 1, 0 when the device is not a disk or its suffix would be ambiguous, -ENAMETOOLONG when the name is longer
 * than LINK_NAME_MAX bytes, -EBADMSG when the kernel's name or attribute of a device has an unknown format, or the
 * errno of a device that cannot be read.
 */
int device_get_link_name(sd_device *device, sd_device *below, const struct ancestor *function,
                         const struct pci_path *path, char buf[static LINK_NAME_MAX + 1]) {
        char flat[PCI_PATH_STRING_MAX];
        const char *syspath;
        struct disk_suffix p = {};
        int r;

        r = start_at_disk(&p, device);
        if (r > 0 && below != device) {
                r = sd_device_get_syspath(below, &syspath);
                if (r >= 0)
                        r = ancestor_begin(syspath, &p.disk) < 0 ? -ENODEV : 1;
        }
        if (r > 0)
                r = suffix_collect(&p, function);
        if (r < 0)
                return r;
        /* If the device still exists, so did all its ancestors: no ancestor with a part of the suffix was skipped. */
        if (sd_device_get_syspath(device, &syspath) < 0 || sysfs_exists(syspath, "uevent") == 0)
                return -ENODEV;
        /* A disk directly below its function could be one of several. */
        if (r == 0 || !p.is_below)
                return 0;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (strlen(flat) + strlen(p.text + p.start) > LINK_NAME_MAX)
                return -ENAMETOOLONG;

        strcpy(stpcpy(buf, flat), p.text + p.start);
        return 1;
}
