/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What "pcipath-host list -J" has printed, for the host and for the guest.
 */

#include "error.h"
#include "link-names.h"
#include "pci-path.h"

enum list_key {
        LIST_ID,
        LIST_TYPE,
        LIST_KIND,
        LIST_PATH,
        LIST_NAME,
        LIST_ABSENT,
        LIST_MAC,
        LIST_SOURCE,
        LIST_SERIAL,
        LIST_HOST,
        LIST_BACKEND,
        N_LIST_KEYS,
};

enum list_name {
        LIST_NAME_NONE, /* the device has no name of its own, or the host does not know it */
        LIST_NAME_DISK,
        LIST_NAME_INTERFACE,
};

/** struct list_row - a device of the list */
struct list_row {
        char *texts[N_LIST_KEYS]; /* or NULL */
        struct pci_path *path;    /* NULL if the guest does not show the device */
        enum list_name name;
        const char *suffix;       /* of a disk: the part of its name after the path; else empty */
};

struct saved_list {
        struct list_row *rows;
        size_t n;
};

/* "/dev/disk/by-pci-path/02.0-00.0-nvme-1" */
#define LIST_NAME_MAX (sizeof(DISK_LINKS) + LINK_NAME_MAX)

int saved_list_parse(const char *name, const char *text, size_t size, struct saved_list *ret, struct error *error);
void saved_list_clear(struct saved_list *list);

#define _cleanup_saved_list_ __attribute__((__cleanup__(saved_list_clear)))
