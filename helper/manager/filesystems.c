/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <blkid/blkid.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <linux/major.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "filesystems.h"
#include "sysfs.h"
#include "util.h"

/* As udev probes (systemd 252, src/udev/udev-builtin-blkid.c): other flags would find other things. */
#define SUPERBLOCK_FLAGS (BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE | BLKID_SUBLKS_SECTYPE | \
                          BLKID_SUBLKS_USAGE | BLKID_SUBLKS_VERSION)

/* On a whole disk of this size a table is looked for first, since the start of a FAT looks much the same. */
#define FLOPPY_SIZE (1440 * 1024)

/* Bytes of udev's buffer. An encoded name that does not fit gets no link here. udev would make a link of what fits. */
#define ENCODED_SIZE 256

#define CD_BLOCK_SIZE 2048

/* libblkid reads as much of each end of a disk, for ZFS (util-linux 2.38, libblkid/src/superblocks/zfs.c). */
#define END_SIZE (512 * 1024)

static const char *const value_names[FILESYSTEM_VALUES] = {
        [FILESYSTEM_TYPE] = "TYPE",
        [FILESYSTEM_USAGE] = "USAGE",
        [FILESYSTEM_VERSION] = "VERSION",
        [FILESYSTEM_UUID] = "UUID",
        [FILESYSTEM_LABEL] = "LABEL",
        [FILESYSTEM_TABLE_TYPE] = "PTTYPE",
        [FILESYSTEM_TABLE_UUID] = "PTUUID",
        [FILESYSTEM_PART_SCHEME] = "PART_ENTRY_SCHEME",
        [FILESYSTEM_PART_NUMBER] = "PART_ENTRY_NUMBER",
        [FILESYSTEM_PART_TYPE] = "PART_ENTRY_TYPE",
        [FILESYSTEM_PART_NAME] = "PART_ENTRY_NAME",
        [FILESYSTEM_PART_UUID] = "PART_ENTRY_UUID",
};

static inline void free_probep(blkid_probe *probe) {
        if (*probe)
                blkid_free_probe(*probe);
}

/** filesystem_close() - close it, unless it is closed */
void filesystem_close(struct filesystem *filesystem) {
        free_probep(&filesystem->probe);
        closep(&filesystem->fd);
        *filesystem = (struct filesystem) FILESYSTEM_NULL;
}

/*
 * libblkid reads dozens of pieces of some bytes there first, each of which would be a request to the disk, and a wait
 * for it.
 */
static void read_ahead(int fd) {
        off_t size = lseek(fd, 0, SEEK_END);

        (void) posix_fadvise(fd, 0, END_SIZE, POSIX_FADV_WILLNEED);
        if (size > END_SIZE)
                (void) posix_fadvise(fd, size - END_SIZE, END_SIZE, POSIX_FADV_WILLNEED);
}

/**
 * filesystem_open() - open a disk, partition or image read-only, and begin to read it
 * @filesystem: closed; to be closed with filesystem_close()
 *
 * Return: 0, or a negative errno; -ENOTBLK when it is something else.
 */
int filesystem_open(struct filesystem *filesystem, const char *node) {
        _cleanup_close_ int fd = -1;
        struct stat st;

        fd = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return negative_errno();
        if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
                return -ENOTBLK;

        filesystem->is_optical = S_ISBLK(st.st_mode) && major(st.st_rdev) == SCSI_CDROM_MAJOR;
        if (!filesystem->is_optical)
                read_ahead(fd);
        filesystem->fd = fd;
        fd = -1;
        return 0;
}

/*
 * An optical drive: is there anything to read, and where does the last session begin? udev has this from cdrom_id.
 * Return: 1, 0 when there is no data in it, or a negative errno.
 */
static int prepare_optical(blkid_probe probe, int fd) {
        struct cdrom_multisession session = { .addr_format = CDROM_LBA };
        int status = ioctl(fd, CDROM_DISC_STATUS, CDSL_CURRENT);

        if (status != CDS_DATA_1 && status != CDS_DATA_2 && status != CDS_XA_2_1 && status != CDS_XA_2_2 &&
            status != CDS_MIXED)
                return 0;
        if (ioctl(fd, CDROMMULTISESSION, &session) >= 0 && session.xa_flag && session.addr.lba > 0)
                return blkid_probe_set_hint(probe, "session_offset",
                                            (uint64_t) session.addr.lba * CD_BLOCK_SIZE) < 0
                               ? -ENOMEM
                               : 1;

        return blkid_probe_filter_superblocks_usage(probe, BLKID_FLTR_NOTIN, BLKID_USAGE_RAID) < 0 ? -ENOMEM : 1;
}

/* Return: as blkid_do_safeprobe(): 0 found, 1 nothing, -1 failed, -2 two of different kinds. */
static int run_probe(blkid_probe probe) {
        blkid_probe_enable_partitions(probe, true);

        if (blkid_probe_get_size(probe) <= FLOPPY_SIZE && blkid_probe_is_wholedisk(probe)) {
                int r;

                blkid_probe_enable_superblocks(probe, false);
                r = blkid_do_fullprobe(probe);
                if (r < 0 || blkid_probe_has_value(probe, "PTTYPE"))
                        return r;
        }

        blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
        blkid_probe_enable_superblocks(probe, true);
        return blkid_do_safeprobe(probe);
}

static void find_values(struct filesystem *filesystem) {
        for (size_t i = 0; i < FILESYSTEM_VALUES; i++) {
                const char *value;

                if (blkid_probe_lookup_value(filesystem->probe, value_names[i], &value, NULL) >= 0 && *value != '\0')
                        filesystem->values[i] = value;
        }
}

/* Return: 1 when there is something to be read, 0 when not, or a negative errno. */
static int prepare(blkid_probe probe, const struct filesystem *filesystem) {
        int r;

        if (filesystem->is_optical) {
                r = prepare_optical(probe, filesystem->fd);
                if (r <= 0)
                        return r;
        }

        errno = 0;
        return blkid_probe_set_device(probe, filesystem->fd, 0, 0) < 0 ? negative_errno() : 1;
}

/**
 * filesystem_probe() - find out what is on a disk
 * @filesystem: open, not probed before; gets values if 1 is returned
 *
 * Return: 1, 0 when there is nothing, -ENOTUNIQ when it looks like two different things at once, or another negative
 * errno.
 */
int filesystem_probe(struct filesystem *filesystem) {
        blkid_probe probe = filesystem->probe = blkid_new_probe();
        int r;

        if (!probe)
                return -ENOMEM;
        r = prepare(probe, filesystem);
        if (r <= 0)
                return r;

        blkid_probe_set_superblocks_flags(probe, SUPERBLOCK_FLAGS);
        errno = 0;
        r = run_probe(probe);
        if (r == 0)
                find_values(filesystem);
        if (r == -2)
                return -ENOTUNIQ;
        return r < 0 ? negative_errno() : r == 0;
}

/** filesystem_is_whole_disk() - is it open and no partition? After filesystem_probe() */
bool filesystem_is_whole_disk(const struct filesystem *filesystem) {
        return filesystem->probe && blkid_probe_is_wholedisk(filesystem->probe);
}

/**
 * filesystem_is_corrupt() - was there nothing because a checksum is wrong?
 * @filesystem: for which filesystem_probe() has returned 0
 */
bool filesystem_is_corrupt(const struct filesystem *filesystem) {
        _cleanup_(free_probep) blkid_probe probe = blkid_new_probe();

        if (!probe || prepare(probe, filesystem) <= 0)
                return false;

        blkid_probe_set_superblocks_flags(probe, SUPERBLOCK_FLAGS | BLKID_SUBLKS_BADCSUM);
        return blkid_do_safeprobe(probe) == 0 && blkid_probe_has_value(probe, "SBBADCSUM");
}

/*
 * U+FFFE and its like in the other planes libblkid takes for characters; udev does not, and puts a '_' for each of
 * their bytes.
 */
static void replace_noncharacters(char *text) {
        for (unsigned char *p = (unsigned char *) text; *p != '\0'; p++) {
                size_t n = p[0] == 0xef && p[1] == 0xbf && p[2] == 0xbe                            ? 3
                           : p[0] >= 0xf0 && (p[1] & 0x0f) == 0x0f && p[2] == 0xbf && p[3] == 0xbe ? 4
                                                                                                   : 0;

                if (n > 0)
                        memset(p, '_', n);
        }
}

/* As udev writes a value into a name. Return: 1, 0 when udev would have no room for it. */
static int encode(const char *value, char buf[static ENCODED_SIZE]) {
        if (blkid_encode_string(value, buf, ENCODED_SIZE) < 0 || streq(buf, ".") || streq(buf, ".."))
                return 0;

        replace_noncharacters(buf);
        return 1;
}

static int add_link(const char *directory, const char *value, struct string_list *links) {
        char name[ENCODED_SIZE];

        return value && encode(value, name) ? string_list_join(links, directory, name) : 0;
}

/**
 * filesystem_get_links() - the links that udev's rules give (60-persistent-storage.rules)
 * @links: to add them to, "disk/by-uuid/0815"
 *
 * Return: 0, or -ENOMEM.
 */
int filesystem_get_links(const struct filesystem *filesystem, struct string_list *links) {
        const char *const *values = filesystem->values;
        const char *usage = values[FILESYSTEM_USAGE], *scheme = values[FILESYSTEM_PART_SCHEME];
        int r = 0;

        if (usage && (streq(usage, "filesystem") || streq(usage, "other") || streq(usage, "crypto"))) {
                r = add_link("disk/by-uuid", values[FILESYSTEM_UUID], links);
                if (r >= 0)
                        r = add_link("disk/by-label", values[FILESYSTEM_LABEL], links);
        }
        if (r >= 0)
                r = add_link("disk/by-partuuid", values[FILESYSTEM_PART_UUID], links);
        if (r >= 0 && scheme && streq(scheme, "gpt"))
                r = add_link("disk/by-partlabel", values[FILESYSTEM_PART_NAME], links);
        return r;
}
