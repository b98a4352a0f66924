/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SCSI disks, and those of libata, which are SCSI disks to Linux. By-path's words are those of handle_scsi_*().
 */

#include <inttypes.h>
#include <limits.h>

#include "place-row.h"

struct scsi_address {
        uint64_t host, channel, target, lun;
};

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

/*
 * The ancestors of a SCSI device are a target and a host. A transport (SAS, FC, iSCSI) has devices of its own between
 * the two, which belong to no subsystem: only their names say what they are. So has libata, above the host.
 */
int place_scsi(sd_device *device, struct place *p, sd_device **ret_next) {
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
