/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A disk's link is the flat form of its function's PCI path and a suffix in the words of systemd's by-path.
 * The suffix is found by climbing from the disk to its function. Each kind of device on the way is a row of
 * the table below, which adds its word and says where to go on. A device of a kind that has no row could share
 * its function with another one and have the same name: so it gets none.
 *
 * systemd's words are those of src/udev/udev-builtin-path_id.c (version 252 and later).
 */

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "place.h"
#include "util.h"

/* Words are found from the last to the first, so the text grows towards the start of the buffer. */
struct place {
        sd_device *disk;
        char text[LINK_NAME_MAX + 1];
        size_t start;
};

static _printf_(2, 3) int place_prepend(struct place *p, const char *format, ...) {
        char word[sizeof(p->text)];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(word, sizeof(word), format, ap);
        va_end(ap);

        if (n < 0 || (size_t) n + 1 > p->start)
                return -ENAMETOOLONG;

        p->start -= (size_t) n;
        memcpy(p->text + p->start, word, (size_t) n);
        p->text[--p->start] = '-';
        return 1;
}

/*
 * What a row does. @device is the ancestor of the row's kind; @ret_next is preset to it, and is the device
 * whose parent is looked at next. Return: 1 when the disk has a name so far, 0 when it has none, or a negative
 * errno.
 */
typedef int (*place_fn)(sd_device *device, struct place *p, sd_device **ret_next);

/* One function is one virtio device, and a virtio-blk device is one disk: there is nothing to tell apart. */
static int place_virtio(sd_device *device, struct place *p, sd_device **ret_next) {
        (void) device;
        (void) p;
        (void) ret_next;
        return 1;
}

struct scsi_address {
        uint64_t host, channel, target, lun;
};

/* Takes a decimal number of at most @max and what must follow it; sscanf() takes signs, spaces and overflows. */
static int take_number(const char **text, char follower, uint64_t max, uint64_t *ret) {
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

/* HOST:CHANNEL:TARGET:LUN, the name of a scsi_device. */
static int parse_scsi_address(sd_device *device, struct scsi_address *ret) {
        struct scsi_address a;
        const char *sysname;
        int r;

        r = sd_device_get_sysname(device, &sysname);
        if (r < 0)
                return r;
        if (take_number(&sysname, ':', UINT_MAX, &a.host) < 0 || take_number(&sysname, ':', UINT_MAX, &a.channel) < 0 ||
            take_number(&sysname, ':', UINT_MAX, &a.target) < 0 || take_number(&sysname, '\0', UINT64_MAX, &a.lun) < 0)
                return -EBADMSG;

        *ret = a;
        return 0;
}

/* SAM-5 4.7.7.3, flat space addressing: the two highest of 16 bits are 01. The host counts the other 14. */
static uint64_t decode_lun(uint64_t lun) {
        return lun >= 0x4000 && lun <= 0x7fff ? lun & 0x3fff : lun;
}

/* The lowest N of the directories hostN beside @host. */
static int find_first_host(sd_device *host, uint64_t *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        uint64_t first = UINT64_MAX, n;
        struct dirent *entry;
        const char *syspath;
        sd_device *parent;
        int r;

        r = sd_device_get_parent(host, &parent);
        if (r < 0)
                return r;
        r = sd_device_get_syspath(parent, &syspath);
        if (r < 0)
                return r;
        dir = opendir(syspath);
        if (!dir)
                return negative_errno();

        for (errno = 0; (entry = readdir(dir)); errno = 0) {
                const char *number = entry->d_name + strlen("host");

                if (strncmp(entry->d_name, "host", strlen("host")) == 0 &&
                    take_number(&number, '\0', UINT_MAX, &n) == 0 && n < first)
                        first = n;
        }
        if (errno > 0)
                return negative_errno();
        if (first == UINT64_MAX)
                return -ENODEV; /* unplugged meanwhile */

        *ret = first;
        return 0;
}

static int place_scsi_plain(const struct scsi_address *a, sd_device *host, struct place *p) {
        uint64_t first;
        int r;

        r = find_first_host(host, &first);
        if (r < 0)
                return r;
        if (a->host < first)
                return -ENODEV;

        return place_prepend(p, "scsi-%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64, a->host - first, a->channel, a->target,
                             decode_lun(a->lun));
}

/* A port of an ATA controller; behind a port multiplier the channel is the multiplier's port. */
static int place_ata(const struct scsi_address *a, sd_device *port, struct place *p) {
        _cleanup_device_ sd_device *class_device = NULL;
        const char *sysname, *port_no;
        int r;

        r = sd_device_get_sysname(port, &sysname);
        if (r < 0)
                return r;
        r = sd_device_new_from_subsystem_sysname(&class_device, "ata_port", sysname);
        if (r < 0)
                return r;
        r = sd_device_get_sysattr_value(class_device, "port_no", &port_no);
        if (r < 0)
                return r;
        if (*port_no == '\0' || port_no[strspn(port_no, "0123456789")] != '\0')
                return -EBADMSG;

        return a->channel != 0 ? place_prepend(p, "ata-%s.%" PRIu64 ".0", port_no, a->channel)
                               : place_prepend(p, "ata-%s.%" PRIu64, port_no, a->target);
}

/* Does @device have the name of the kind @prefix, with a number after it? */
static bool device_is_named(sd_device *device, const char *prefix) {
        const char *sysname;

        return sd_device_get_sysname(device, &sysname) >= 0 && strncmp(sysname, prefix, strlen(prefix)) == 0 &&
                sysname[strlen(prefix)] >= '0' && sysname[strlen(prefix)] <= '9';
}

/*
 * The ancestors of a SCSI device are a target and a host. A transport (SAS, FC, iSCSI) has devices of its own between
 * the two, which belong to no subsystem: only their names say what they are. So has libata, above the host.
 */
static int place_scsi(sd_device *device, struct place *p, sd_device **ret_next) {
        sd_device *target, *host, *above;
        struct scsi_address address;
        int r;

        r = parse_scsi_address(device, &address);
        if (r < 0)
                return r;
        r = sd_device_get_parent(device, &target);
        if (r < 0)
                return r;
        r = sd_device_get_parent(target, &host);
        if (r < 0)
                return r;
        if (!device_is_named(target, "target") || !device_is_named(host, "host"))
                return 0;
        r = sd_device_get_parent(host, &above);
        if (r < 0)
                return r;

        if (device_is_named(above, "ata")) {
                *ret_next = above;
                return place_ata(&address, above, p);
        }

        *ret_next = host;
        return place_scsi_plain(&address, host, p);
}

/* A namespace of the controller @device. */
static int place_nvme(sd_device *device, struct place *p, sd_device **ret_next) {
        const char *nsid;
        int r;

        (void) device;
        (void) ret_next;

        r = sd_device_get_sysattr_value(p->disk, "nsid", &nsid);
        if (r < 0)
                return r;
        if (*nsid < '1' || nsid[strspn(nsid, "0123456789")] != '\0')
                return -EBADMSG;

        return place_prepend(p, "nvme-%s", nsid);
}

static const struct place_row {
        const char *subsystem;
        place_fn place;
} place_table[] = {
        { "virtio", place_virtio },
        { "scsi",   place_scsi   },
        { "nvme",   place_nvme   },
};

static const struct place_row *find_row(sd_device *device) {
        const char *subsystem;

        if (sd_device_get_subsystem(device, &subsystem) < 0)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(place_table); i++)
                if (streq(place_table[i].subsystem, subsystem))
                        return &place_table[i];

        return NULL;
}

/* Return: 1 when the climb from the disk to @function found a place, 0 when it met an unknown kind. */
static int find_place(struct place *p, sd_device *function) {
        const char *function_syspath, *syspath;
        sd_device *device = p->disk;
        bool found = false;
        int r;

        r = sd_device_get_syspath(function, &function_syspath);
        if (r < 0)
                return r;

        for (;;) {
                const struct place_row *row;

                r = sd_device_get_parent(device, &device);
                if (r < 0)
                        return r;
                r = sd_device_get_syspath(device, &syspath);
                if (r < 0)
                        return r;
                if (streq(syspath, function_syspath))
                        return found;

                row = find_row(device);
                if (!row)
                        return 0;
                r = row->place(device, p, &device);
                if (r <= 0)
                        return r;
                found = true;
        }
}

/*
 * A partition's disk and "-partN" for the end of its name, or a disk itself. Return: 1, or 0 when @device is
 * neither.
 */
static int start_at_disk(struct place *p, sd_device *device) {
        const char *subsystem, *devtype, *number;
        int r;

        if (sd_device_get_subsystem(device, &subsystem) < 0 || !streq(subsystem, "block") ||
            sd_device_get_devtype(device, &devtype) < 0)
                return 0;

        p->disk = device;
        p->start = sizeof(p->text) - 1;
        p->text[p->start] = '\0';
        if (streq(devtype, "disk"))
                return 1;
        if (!streq(devtype, "partition"))
                return 0;

        r = sd_device_get_sysnum(device, &number);
        if (r < 0)
                return r;
        r = place_prepend(p, "part%s", number);
        if (r < 0)
                return r;
        r = sd_device_get_parent(device, &p->disk);
        return r < 0 ? r : 1;
}

/**
 * device_get_link_name() - the name of a disk's or partition's link in by-pci-path/
 * @device: any device
 * @function: the PCI function it is below
 * @path: of @function
 * @buf: untouched unless 1 is returned
 *
 * Return: 1, 0 when the device is no disk or nothing tells it apart from others of its function,
 * -ENAMETOOLONG when the name has more than LINK_NAME_MAX bytes, -EBADMSG when the kernel's name or attribute
 * of a device is not of the known shape, or the errno of a device that cannot be read.
 */
int device_get_link_name(sd_device *device, sd_device *function, const struct pci_path *path,
                         char buf[static LINK_NAME_MAX + 1]) {
        char flat[PCI_PATH_STRING_MAX];
        struct place p;
        int r;

        r = start_at_disk(&p, device);
        if (r <= 0)
                return r;
        r = find_place(&p, function);
        if (r <= 0)
                return r;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (strlen(flat) + strlen(p.text + p.start) > LINK_NAME_MAX)
                return -ENAMETOOLONG;

        strcpy(stpcpy(buf, flat), p.text + p.start);
        return 1;
}
