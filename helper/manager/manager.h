/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where there is no udevd: what is below the machine's PCI functions, with its drivers, and links that are as it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "children.h"
#include "link-tree.h"
#include "string-list.h"
#include "util.h"

/** struct device - a node below PCI, or a network interface */
struct device {
        char *syspath;
        char *subsystem;
        char *name;     /* "/dev/vda", "eth0" */
        char *function; /* syspath of the PCI function that it was last found below */
        char *path;     /* of that function; NULL when nobody is told of changes */
        ino_t inode;    /* of its directory in sysfs: one that has come again has another */
        bool is_seen;   /* in the look that is going on */
        bool is_there;  /* its node is */
        bool is_read;   /* what is on it; an interface: it has been given its name */
        bool is_announced, is_changed;
        int watch;      /* of inotify, or -1 */
        struct string_list links;   /* by PCI path, below /dev; of an interface, its name */
        struct string_list content; /* links by what is on it */
};

/* Is told of a device that has come ("add"), has other links than before ("change") or has gone ("remove"). */
typedef void (*manager_change_fn)(const char *action, const struct device *device, void *userdata);

struct manager {
        bool want_modules, dry_run;
        const char *directory;    /* that links are to be below; NULL for no links */
        bool want_interfaces;     /* to have their names: where the links are in /dev */
        struct link_tree tree;
        int watch_fd;             /* inotify, or -1: tells when somebody has written to a disk */
        manager_change_fn changed; /* or NULL */
        void *userdata;

        struct device **devices; /* in the order of syspaths */
        size_t n_devices;
        struct device **gone;    /* since the look began */
        size_t n_gone;
        struct links made;       /* the links that there are, in the order of names */
        bool is_made_known;
        struct string_list tried; /* devices without a driver whose modules have been looked for */
        struct string_list said;
        size_t n_found, n_loaded; /* in the last look: devices that were new, modules */
        bool has_failed;
};

#define MANAGER_NULL { .tree = LINK_TREE_NULL, .watch_fd = -1 }

int manager_open(struct manager *manager);
int manager_scan(struct manager *manager);
int manager_scan_until_quiet(struct manager *manager);
int manager_scan_function(struct manager *manager, const char *function_syspath);
void manager_touch(struct manager *manager, const char *syspath);
const struct device *manager_find_watch(const struct manager *manager, int watch);
void manager_close(struct manager *manager);

_printf_(2, 3) void manager_error(struct manager *manager, const char *format, ...);
_printf_(2, 3) void manager_note(struct manager *manager, const char *format, ...);

/* device-list.c */
struct device *device_list_find_node(const struct manager *manager, const char *name);
int device_list_add(struct manager *manager, const struct child_device *u, const char *function, struct device **ret);
int device_list_drop_unseen(struct manager *manager, const char *function);
void device_free(struct device *device);

/* Does anybody ask what devices are called? */
static inline bool manager_wants_names(const struct manager *m) {
        return m->directory || m->changed;
}

/* module-load.c */
int manager_load_drivers(struct manager *manager, const struct string_list *driverless, const char *function);

/* device-links.c */
int device_find_links(struct manager *manager, struct device *device, const struct child_device *u);
bool device_has_content(const struct device *device);
int device_read_content(struct manager *manager, struct device *device);

/* link-owner.c */
int manager_read_links(struct manager *manager);
int manager_update_links(struct manager *manager, bool paths_only);
