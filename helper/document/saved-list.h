/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What "pcipath-host list -J" has printed, for the host and for the guest.
 */

#include "error.h"
#include "link-names.h"
#include "pci-path.h"

/*
 * The keys of a device, which are the columns of the list. Default columns are in every list. From LIST_MAC on they are
 * in the order of the host's enum label.
 */
#define LIST_KEYS(KEY)                                                             \
        KEY(ID, "id", true, "name in the monitor")                                 \
        KEY(TYPE, "type", true, "type in the monitor")                             \
        KEY(KIND, "kind", true, "kind of device")                                  \
        KEY(PATH, "path", true, "PCI path")                                        \
        KEY(NAME, "name", false, "name in the guest")                              \
        KEY(ABSENT, "absent", false, "why the guest does not show it")             \
        KEY(MAC, "mac", false, "MAC address")                                      \
        KEY(SOURCE, "source", false, "file, volume, network or socket behind it")  \
        KEY(SERIAL, "serial", false, "serial number of a disk")                    \
        KEY(HOST, "host", false, "address on the host of a device passed through") \
        KEY(BACKEND, "backend", false, "netdev, drive or chardev of QEMU")

#define LIST_ENUM(column, key, is_needed, help) LIST_##column,

enum list_key {
        LIST_KEYS(LIST_ENUM)
        N_LIST_KEYS,
        LIST_LABEL = LIST_MAC,
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
        const char *suffix; /* of a disk or interface: the part of its name after the path; else empty */
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
