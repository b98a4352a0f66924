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

static enum scsi_kind get_kind(const struct ancestor *device) {
        static const char *const prefixes[] = {
                [SCSI_HOST] = "host",
                [SCSI_TARGET] = "target",
                [SCSI_ATA] = "ata",
                [SCSI_RPORT] = "rport-",
                [SCSI_END_DEVICE] = "end_device-",
                [SCSI_PORT] = "port-",
                [SCSI_EXPANDER] = "expander-",
        };
        const char *name = ancestor_get_name(device);

        for (size_t kind = SCSI_HOST; kind < ELEMENTSOF(prefixes); kind++) {
                size_t n = strlen(prefixes[kind]);

                if (strncmp(name, prefixes[kind], n) == 0 && name[n] >= '0' && name[n] <= '9')
                        return (enum scsi_kind) kind;
        }
        return SCSI_OTHER;
}

/* HOST:CHANNEL:TARGET:LUN, the name of a scsi_device. */
static int parse_scsi_address(const struct ancestor *device, struct scsi_address *ret) {
        const char *name = ancestor_get_name(device);
        struct scsi_address a;

        if (parse_number(&name, ':', UINT_MAX, &a.host) < 0 || parse_number(&name, ':', UINT_MAX, &a.channel) < 0 ||
            parse_number(&name, ':', UINT_MAX, &a.target) < 0 || parse_number(&name, '\0', UINT64_MAX, &a.lun) < 0)
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
static int find_first_host(const struct ancestor *host, uint64_t *ret) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct ancestor parent = *host;
        uint64_t first = UINT64_MAX, n;
        struct dirent *entry;
        int r;

        r = ancestor_move_up_directly(&parent);
        if (r < 0)
                return r;
        dir = opendir(parent.syspath);
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

static int suffix_scsi_plain(const struct scsi_address *a, const struct ancestor *host, struct disk_suffix *p) {
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
static int suffix_ata(const struct scsi_address *a, const struct ancestor *port, struct disk_suffix *p) {
        char attribute[NAME_MAX + sizeof("ata_port//port_no")], port_no[16];
        int r;

        /* The attribute belongs to the port's class device, below the port. */
        snprintf(attribute, sizeof(attribute), "ata_port/%s/port_no", ancestor_get_name(port));
        r = ancestor_read_value(port, attribute, DIGITS, sizeof(port_no), port_no);
        if (r < 0)
                return r;

        return a->channel != 0 ? suffix_prepend(p, SUFFIX_ATA "%s.%" PRIu64 ".0", port_no, a->channel)
                               : suffix_prepend(p, SUFFIX_ATA "%s.%" PRIu64, port_no, a->target);
}

/*
 * Read an attribute of @device's class device in a transport class. The value comes from a disk and becomes a part of a
 * file name.
 */
static int read_transport(const char *class, const struct ancestor *device, const char *attribute,
                          char buf[static TRANSPORT_ID_MAX + 1]) {
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.-";
        char value[TRANSPORT_ID_MAX + sizeof("\n") + 1]; /* one byte more than fits */
        struct ancestor class_device = {};
        int r;

        if (snprintf(class_device.syspath, sizeof(class_device.syspath), "/sys/class/%s/%s", class,
                     ancestor_get_name(device)) >= (int) sizeof(class_device.syspath))
                return -ENAMETOOLONG;
        r = ancestor_read_value(&class_device, attribute, allowed, sizeof(value), value);
        if (r < 0)
                return r == -ENAMETOOLONG ? -EBADMSG : r;
        if (strlen(value) > TRANSPORT_ID_MAX)
                return -EBADMSG;

        strcpy(buf, value);
        return 0;
}

/* A remote port of an FC adapter. */
static int suffix_fc(const struct scsi_address *a, const struct ancestor *target, struct disk_suffix *p) {
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
static int suffix_sas(const struct scsi_address *a, const struct ancestor *end_device, struct disk_suffix *p) {
        char phys[TRANSPORT_ID_MAX + 1], phy[TRANSPORT_ID_MAX + 1], sas_address[TRANSPORT_ID_MAX + 1];
        struct ancestor above = *end_device;
        uint64_t lun = decode_lun(a->lun);
        int r;

        r = ancestor_move_up_directly(&above); /* to the port */
        if (r >= 0)
                r = read_transport("sas_port", &above, "num_phys", phys);
        if (r >= 0)
                r = ancestor_move_up_directly(&above);
        if (r < 0)
                return r;

        if (!streq(phys, "1")) {
                r = read_transport("sas_device", end_device, "sas_address", sas_address);
                return r < 0 ? r : suffix_prepend(p, SUFFIX_SAS "%s-lun-%" PRIu64, sas_address, lun);
        }

        r = read_transport("sas_device", end_device, "phy_identifier", phy);
        if (r < 0)
                return r;
        if (get_kind(&above) == SCSI_HOST)
                return suffix_prepend(p, SUFFIX_SAS "phy%s-lun-%" PRIu64, phy, lun);

        r = read_transport("sas_device", &above, "sas_address", sas_address);
        return r < 0 ? r : suffix_prepend(p, SUFFIX_SAS "exp%s-phy%s-lun-%" PRIu64, sas_address, phy, lun);
}

/*
 * Move up to the host above a transport's devices. Return: 1, 0 when a device of another kind is in between, or a
 * negative errno.
 */
static int find_transport_host(struct ancestor *a) {
        int r;

        for (;;) {
                switch (get_kind(a)) {
                case SCSI_HOST:
                        return 1;
                case SCSI_RPORT:
                case SCSI_END_DEVICE:
                case SCSI_PORT:
                case SCSI_EXPANDER:
                        r = ancestor_move_up_directly(a);
                        if (r < 0)
                                return r;
                        break;
                default:
                        return 0;
                }
        }
}

/*
 * FC and SAS suffixes do not identify the host, so disks of two hosts of one function could have the same suffix. Only
 * disks of the first host get a name.
 */
static int suffix_transport(const struct scsi_address *a, const struct ancestor *target, struct ancestor *above,
                            struct disk_suffix *p) {
        const struct ancestor below = *above;
        uint64_t first;
        int r;

        r = find_transport_host(above);
        if (r <= 0)
                return r;
        r = find_first_host(above, &first);
        if (r < 0)
                return r;
        if (a->host != first)
                return 0;

        return get_kind(&below) == SCSI_RPORT ? suffix_fc(a, target, p) : suffix_sas(a, &below, p);
}

static int suffix_below_host(const struct scsi_address *a, struct ancestor *host, struct disk_suffix *p) {
        struct ancestor above = *host;
        int r;

        r = ancestor_move_up_directly(&above);
        if (r < 0)
                return r;
        if (get_kind(&above) != SCSI_ATA)
                return suffix_scsi_plain(a, host, p);

        *host = above;
        return suffix_ata(a, host, p);
}

/*
 * The parent of a SCSI device is a target, and the next a host. A transport (SAS, FC, iSCSI) adds devices of its own
 * between the two. libata adds one above the host. These devices belong to no subsystem: only their names tell their
 * kind.
 */
int suffix_scsi(struct ancestor *a, struct disk_suffix *p) {
        struct scsi_address address;
        struct ancestor target;
        int r;

        r = parse_scsi_address(a, &address);
        if (r < 0)
                return r;
        r = ancestor_move_up_directly(a);
        target = *a;
        if (r >= 0)
                r = ancestor_move_up_directly(a);
        if (r < 0)
                return r;
        if (get_kind(&target) != SCSI_TARGET)
                return 0;

        switch (get_kind(a)) {
        case SCSI_HOST:
                return suffix_below_host(&address, a, p);
        case SCSI_RPORT:
        case SCSI_END_DEVICE:
                return suffix_transport(&address, &target, a, p);
        default:
                return 0;
        }
}
