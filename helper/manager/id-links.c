/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udev's rules start scsi_id and ata_id, which send commands to the disk. The kernel has asked the same questions:
 * sysfs has the pages of a SCSI disk, and an ioctl the identity of an ATA disk.
 */

#include <inttypes.h>
#include <linux/hdreg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "diskseq.h"
#include "format-text.h"
#include "id-links.h"
#include "scsi-id.h"
#include "sysfs.h"
#include "udev-text.h"
#include "util.h"

/* Prefixes of the names that this file makes. In the same directory are names that other programs make. */
static const char *const prefixes[] = { "virtio-", "nvme-", "ata-", "scsi-", "wwn-" };

/** id_link_is_own() - is it a link that this file makes, or would make for another device? */
bool id_link_is_own(const char *link) {
        const char *name = strrchr(link, '/') + 1;

        if (strncmp(link, "disk/by-id/", strlen("disk/by-id/")) != 0)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

struct finder {
        char disk[PATH_MAX]; /* syspath */
        unsigned part;
        int fd;
        struct string_list *links;
};

/*
 * A name with a slash would be in a directory that the disk chooses. udev makes it; this program does not.
 *
 * Return: 0, or -ENOMEM.
 */
static int add_link(const struct finder *f, const char *directory, const char *name) {
        char suffix[sizeof("-part65535")] = "";
        _cleanup_free_ char *full = NULL;

        if (f->part > 0)
                snprintf(suffix, sizeof(suffix), "-part%u", f->part & UINT16_MAX);
        if (format_text(&full, "%s%s", name, suffix) < 0)
                return -ENOMEM;
        if (strlen(full) > NAME_MAX || strchr(full, '/'))
                return 0;
        return string_list_join(f->links, directory, full);
}

/* "virtio-" and a value, as udev substitutes it in a name. */
static int add_id(const struct finder *f, const char *prefix, const char *value) {
        char text[UDEV_TEXT_MAX], name[sizeof(text) + 16];

        snprintf(text, sizeof(text), "%s", value);
        udev_replace_whitespace(text);
        snprintf(name, sizeof(name), "%s%s", prefix, text);
        udev_replace_characters(name, "/ ");
        return add_link(f, "disk/by-id", name);
}

static int find_virtio(const struct finder *f) {
        char serial[UDEV_TEXT_MAX];

        return udev_read_attribute(f->disk, "serial", serial) > 0 ? add_id(f, "virtio-", serial) : 0;
}

static int find_nvme(const struct finder *f) {
        char wwid[UDEV_TEXT_MAX], model[UDEV_TEXT_MAX], serial[UDEV_TEXT_MAX], nsid[UDEV_TEXT_MAX];
        char name[3 * UDEV_TEXT_MAX];
        bool is_first;
        int r = 0;

        if (udev_read_attribute(f->disk, "wwid", wwid) > 0)
                r = add_id(f, "nvme-", wwid);
        if (r < 0 || udev_read_attribute(f->disk, "device/model", model) <= 0 ||
            udev_read_attribute(f->disk, "device/serial", serial) <= 0)
                return r;
        is_first = udev_read_attribute(f->disk, "nsid", nsid) > 0 && streq(nsid, "1");

        snprintf(name, sizeof(name), "%s_%s", model, serial);
        if (is_first && !strchr(name, '/'))
                r = add_id(f, "nvme-", name);
        udev_replace_characters(name, "");
        if (r >= 0 && is_first)
                r = add_id(f, "nvme-", name);
        if (r < 0 || *nsid == '\0')
                return r;
        snprintf(name, sizeof(name), "%s_%s_%s", model, serial, nsid);
        udev_replace_characters(name, "");
        return add_id(f, "nvme-", name);
}

/* The strings of an ATA disk are padded and need no null byte. */
static void copy_ata_text(const void *text, size_t size, char buf[static UDEV_TEXT_MAX]) {
        memcpy(buf, text, size);
        buf[size] = '\0';
        udev_replace_whitespace(buf);
        udev_replace_characters(buf, "");
}

/* Words 108 to 111 have a name of the type IEEE Registered. */
static int add_ata_wwn(const struct finder *f, const struct hd_driveid *id) {
        uint16_t words[256];
        char name[32];

        _Static_assert(sizeof(words) == sizeof(*id), "the identity of a disk has 256 words");
        memcpy(words, id, sizeof(words));
        if ((words[108] & 0xf000) != 0x5000)
                return 0;
        snprintf(name, sizeof(name), "0x%04x%04x%04x%04x", words[108], words[109], words[110], words[111]);
        return add_id(f, "wwn-", name);
}

/* Return: 1, 0 if it is no ATA disk, or -ENOMEM. */
static int find_ata(const struct finder *f) {
        char model[UDEV_TEXT_MAX], serial[UDEV_TEXT_MAX], name[2 * UDEV_TEXT_MAX];
        struct hd_driveid id;
        int r;

        if (ioctl(f->fd, HDIO_GET_IDENTITY, &id) < 0)
                return 0;
        copy_ata_text(id.model, sizeof(id.model), model);
        copy_ata_text(id.serial_no, sizeof(id.serial_no), serial);
        snprintf(name, sizeof(name), "%s%s%s", model, *serial != '\0' ? "_" : "", serial);
        r = add_id(f, "ata-", name);
        if (r >= 0)
                r = add_ata_wwn(f, &id);
        return r < 0 ? r : 1;
}

/* ata_id is asked for disks of libata, which have this vendor, and for optical drives. */
static bool can_be_ata(const char *disk) {
        char vendor[UDEV_TEXT_MAX], type[UDEV_TEXT_MAX], level[UDEV_TEXT_MAX];

        if (udev_read_attribute(disk, "device/vendor", vendor) > 0 && streq(vendor, "ATA"))
                return true;
        return udev_read_attribute(disk, "device/type", type) > 0 && streq(type, "5") &&
               udev_read_attribute(disk, "device/scsi_level", level) > 0 && *level >= '6' && *level <= '9';
}

/* USB disks have names that udev makes from the descriptors of the USB device. They get none here. */
static int find_scsi(const struct finder *f) {
        char id[SCSI_ID_MAX], wwn[SCSI_ID_MAX], name[SCSI_ID_MAX + 2];
        int r;

        if (strstr(f->disk, "/usb"))
                return 0;
        r = can_be_ata(f->disk) ? find_ata(f) : 0;
        if (r != 0 || scsi_id_read(f->disk, id, wwn) < 0)
                return r;

        r = add_id(f, "scsi-", id);
        if (r < 0 || *wwn == '\0')
                return r;
        snprintf(name, sizeof(name), "0x%s", wwn);
        return add_id(f, "wwn-", name);
}

static int find_diskseq(const struct finder *f) {
        uint64_t number;
        char name[32];

        if (diskseq_read(f->disk, &number) < 0)
                return 0;
        snprintf(name, sizeof(name), "%" PRIu64, number);
        return add_link(f, "disk/by-diskseq", name);
}

/**
 * id_links_find() - find the links by what a disk says of itself
 * @syspath: of a disk or partition
 * @fd: the open disk or partition
 * @links: to add them to, "disk/by-id/virtio-data"
 *
 * Return: 0, also when it has none, or -ENOMEM.
 */
int id_links_find(const char *syspath, int fd, struct string_list *links) {
        static const struct {
                const char *prefix;
                int (*find)(const struct finder *f);
        } kinds[] = {
                { "vd",   find_virtio },
                { "nvme", find_nvme   },
                { "sd",   find_scsi   },
                { "sr",   find_scsi   },
        };
        struct finder f = { .fd = fd, .links = links };
        const char *name;
        char number[16];
        int r = 0;

        if (snprintf(f.disk, sizeof(f.disk), "%s", syspath) >= (int) sizeof(f.disk))
                return 0;
        if (sysfs_read_attribute(syspath, "partition", sizeof(number), number) >= 0) {
                f.part = (unsigned) strtoul(number, NULL, 10);
                *strrchr(f.disk, '/') = '\0';
        }
        name = strrchr(f.disk, '/') + 1;
        for (size_t i = 0; i < ELEMENTSOF(kinds) && r >= 0; i++)
                if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
                        r = kinds[i].find(&f);
        return r < 0 ? r : find_diskseq(&f);
}
