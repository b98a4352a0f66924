/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * SCSI disks and libata's disks, which Linux presents as SCSI. The suffixes are those of handle_scsi_*() in systemd's
 * path_id.
 */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "disk-suffix-internal.h"

/* The longest is an address: 0x and 16 digits. */
#define TRANSPORT_ID_MAX 63

/*
 * The kind of a device, for devices without a subsystem and those above a SCSI target: the prefix of the name, before
 * its number.
 */
enum scsi_kind {
        SCSI_OTHER,
        SCSI_HOST,
        SCSI_TARGET,
        SCSI_ATA,
        SCSI_RPORT,
        SCSI_END_DEVICE,
        SCSI_PORT,
        SCSI_EXPANDER,
};

struct scsi_address {
        uint64_t host, channel, target, lun;
};

/* Return: an enum scsi_kind, or a negative errno. */
static int get_kind(sd_device *device) {
        static const char *const prefixes[] = {
                [SCSI_HOST] = "host",
                [SCSI_TARGET] = "target",
                [SCSI_ATA] = "ata",
                [SCSI_RPORT] = "rport-",
                [SCSI_END_DEVICE] = "end_device-",
                [SCSI_PORT] = "port-",
                [SCSI_EXPANDER] = "expander-",
        };
        const char *sysname;
        int r;

        r = sd_device_get_sysname(device, &sysname);
        if (r < 0)
                return r;

        for (size_t kind = SCSI_HOST; kind < ELEMENTSOF(prefixes); kind++) {
                size_t n = strlen(prefixes[kind]);

                if (strncmp(sysname, prefixes[kind], n) == 0 && sysname[n] >= '0' && sysname[n] <= '9')
                        return (int) kind;
        }
        return SCSI_OTHER;
}

/* HOST:CHANNEL:TARGET:LUN, the name of a scsi_device. */
static int parse_scsi_address(sd_device *device, struct scsi_address *ret) {
        struct scsi_address a;
        const char *sysname;
        int r;

        r = sd_device_get_sysname(device, &sysname);
        if (r < 0)
                return r;
        if (parse_number(&sysname, ':', UINT_MAX, &a.host) < 0 ||
            parse_number(&sysname, ':', UINT_MAX, &a.channel) < 0 ||
            parse_number(&sysname, ':', UINT_MAX, &a.target) < 0 ||
            parse_number(&sysname, '\0', UINT64_MAX, &a.lun) < 0)
                return -EBADMSG;

        *ret = a;
        return 0;
}

/*
 * SAM-5 4.7.7.3, flat space addressing: the two highest of 16 bits are 01. The host counts the other 14. A LUN up to
 * 255 also has a peripheral form without these bits (4.7.7.2): decoding it could give the name of another disk of the
 * target.
 */
static uint64_t decode_lun(uint64_t lun) {
        return lun >= 0x4100 && lun <= 0x7fff ? lun & 0x3fff : lun;
}

/* The lowest N of the directories hostN beside @host. */
static int find_first_host(sd_device *host, uint64_t *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        uint64_t first = UINT64_MAX, n;
        struct dirent *entry;
        const char *syspath;
        sd_device *parent;
        int r;

        r = device_get_parent_directly(host, &parent);
        if (r < 0)
                return r;
        r = sd_device_get_syspath(parent, &syspath);
        if (r < 0)
                return r;
        dir = opendir(syspath);
        if (!dir)
                return negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                const char *number = entry->d_name + strlen("host");

                if (strncmp(entry->d_name, "host", strlen("host")) == 0 &&
                    parse_number(&number, '\0', UINT_MAX, &n) == 0 && n < first)
                        first = n;
        }
        if (r < 0)
                return r;
        if (first == UINT64_MAX)
                return -ENODEV; /* unplugged in the meantime */

        *ret = first;
        return 0;
}

static int suffix_scsi_plain(const struct scsi_address *a, sd_device *host, struct disk_suffix *p) {
        uint64_t first;
        int r;

        r = find_first_host(host, &first);
        if (r < 0)
                return r;
        if (a->host < first)
                return -ENODEV;

        return suffix_prepend(p, SUFFIX_SCSI "%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64, a->host - first,
                              a->channel, a->target, decode_lun(a->lun));
}

/* The port of an ATA controller. Behind a port multiplier, the channel is the port of the multiplier. */
static int suffix_ata(const struct scsi_address *a, sd_device *port, struct disk_suffix *p) {
        char attribute[NAME_MAX + sizeof("ata_port//port_no")];
        const char *sysname, *port_no;
        int r;

        r = sd_device_get_sysname(port, &sysname);
        if (r < 0)
                return r;
        /*
         * The attribute belongs to the port's class device, below the port. A lookup of that device by name costs three
         * times as much.
         */
        snprintf(attribute, sizeof(attribute), "ata_port/%s/port_no", sysname);
        r = sd_device_get_sysattr_value(port, attribute, &port_no);
        if (r < 0)
                return r;
        if (*port_no == '\0' || port_no[strspn(port_no, "0123456789")] != '\0')
                return -EBADMSG;

        return a->channel != 0 ? suffix_prepend(p, SUFFIX_ATA "%s.%" PRIu64 ".0", port_no, a->channel)
                               : suffix_prepend(p, SUFFIX_ATA "%s.%" PRIu64, port_no, a->target);
}

/*
 * Read an attribute of @device's class device in a transport class. The value comes from a disk and becomes a part of a
 * file name.
 */
static int read_transport(const char *class, sd_device *device, const char *attribute,
                          char buf[static TRANSPORT_ID_MAX + 1]) {
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.-";
        _cleanup_device_ sd_device *class_device = NULL;
        const char *sysname, *value;
        size_t n;
        int r;

        r = sd_device_get_sysname(device, &sysname);
        if (r < 0)
                return r;
        r = sd_device_new_from_subsystem_sysname(&class_device, class, sysname);
        if (r < 0)
                return r;
        r = sd_device_get_sysattr_value(class_device, attribute, &value);
        if (r < 0)
                return r;
        n = strlen(value);
        if (n == 0 || n > TRANSPORT_ID_MAX || value[strspn(value, allowed)] != '\0')
                return -EBADMSG;

        memcpy(buf, value, n + 1);
        return 0;
}

/* A remote port of an FC adapter. */
static int suffix_fc(const struct scsi_address *a, sd_device *target, struct disk_suffix *p) {
        char port_name[TRANSPORT_ID_MAX + 1];
        int r;

        r = read_transport("fc_transport", target, "port_name", port_name);
        if (r < 0)
                return r;

        return suffix_prepend(p, SUFFIX_FC "%s-lun-%" PRIu64, port_name, decode_lun(a->lun));
}

/*
 * A SAS device. With one phy, the suffix names the phy of the adapter or expander that the device is attached to. With
 * several phys, it names the device's own address.
 */
static int suffix_sas(const struct scsi_address *a, sd_device *end_device, struct disk_suffix *p) {
        char phys[TRANSPORT_ID_MAX + 1], phy[TRANSPORT_ID_MAX + 1], sas_address[TRANSPORT_ID_MAX + 1];
        sd_device *port, *above;
        uint64_t lun = decode_lun(a->lun);
        int r;

        r = device_get_parent_directly(end_device, &port);
        if (r < 0)
                return r;
        r = device_get_parent_directly(port, &above);
        if (r < 0)
                return r;
        r = read_transport("sas_port", port, "num_phys", phys);
        if (r < 0)
                return r;

        if (!streq(phys, "1")) {
                r = read_transport("sas_device", end_device, "sas_address", sas_address);
                return r < 0 ? r : suffix_prepend(p, SUFFIX_SAS "%s-lun-%" PRIu64, sas_address, lun);
        }

        r = read_transport("sas_device", end_device, "phy_identifier", phy);
        if (r < 0)
                return r;
        r = get_kind(above);
        if (r < 0)
                return r;
        if (r == SCSI_HOST)
                return suffix_prepend(p, SUFFIX_SAS "phy%s-lun-%" PRIu64, phy, lun);

        r = read_transport("sas_device", above, "sas_address", sas_address);
        return r < 0 ? r : suffix_prepend(p, SUFFIX_SAS "exp%s-phy%s-lun-%" PRIu64, sas_address, phy, lun);
}

/*
 * Find the host above a transport's devices. Return: 1, 0 when a device of another kind is in between, or a negative
 * errno.
 */
static int find_transport_host(sd_device *device, sd_device **ret) {
        int r;

        for (;;) {
                r = get_kind(device);
                switch (r) {
                case SCSI_HOST:
                        *ret = device;
                        return 1;
                case SCSI_RPORT:
                case SCSI_END_DEVICE:
                case SCSI_PORT:
                case SCSI_EXPANDER:
                        r = device_get_parent_directly(device, &device);
                        if (r < 0)
                                return r;
                        break;
                default:
                        return r < 0 ? r : 0;
                }
        }
}

/*
 * FC and SAS suffixes do not identify the host, so disks of two hosts of one function could have the same suffix. Only
 * disks of the first host get a name.
 */
static int suffix_transport(const struct scsi_address *a, sd_device *target, sd_device *above, enum scsi_kind kind,
                            struct disk_suffix *p, sd_device **ret_next) {
        uint64_t first;
        int r;

        r = find_transport_host(above, ret_next);
        if (r <= 0)
                return r;
        r = find_first_host(*ret_next, &first);
        if (r < 0)
                return r;
        if (a->host != first)
                return 0;

        return kind == SCSI_RPORT ? suffix_fc(a, target, p) : suffix_sas(a, above, p);
}

static int suffix_below_host(const struct scsi_address *a, sd_device *host, struct disk_suffix *p,
                             sd_device **ret_next) {
        sd_device *above;
        int r;

        r = device_get_parent_directly(host, &above);
        if (r < 0)
                return r;

        r = get_kind(above);
        if (r < 0)
                return r;
        if (r == SCSI_ATA) {
                *ret_next = above;
                return suffix_ata(a, above, p);
        }

        *ret_next = host;
        return suffix_scsi_plain(a, host, p);
}

/*
 * The parent of a SCSI device is a target, and the next a host. A transport (SAS, FC, iSCSI) adds devices of its own
 * between the two. libata adds one above the host. These devices belong to no subsystem: only their names tell their
 * kind.
 */
int suffix_scsi(sd_device *device, struct disk_suffix *p, sd_device **ret_next) {
        sd_device *target, *above;
        struct scsi_address address;
        int r;

        r = parse_scsi_address(device, &address);
        if (r < 0)
                return r;
        r = device_get_parent_directly(device, &target);
        if (r < 0)
                return r;
        r = device_get_parent_directly(target, &above);
        if (r < 0)
                return r;
        r = get_kind(target);
        if (r != SCSI_TARGET)
                return r < 0 ? r : 0;

        r = get_kind(above);
        switch (r) {
        case SCSI_HOST:
                return suffix_below_host(&address, above, p, ret_next);
        case SCSI_RPORT:
        case SCSI_END_DEVICE:
                return suffix_transport(&address, target, above, (enum scsi_kind) r, p, ret_next);
        default:
                return r < 0 ? r : 0;
        }
}
