/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The work of udevd in a guest without it: drivers for the devices below the machine's PCI functions, and their links.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "alias-list.h"
#include "children.h"
#include "filesystems.h"
#include "link-tree.h"
#include "report.h"
#include "string-list.h"
#include "util.h"

/** struct device - a device node below PCI, or a network interface */
struct device {
        char *syspath;
        char *subsystem;
        char *name;     /* "/dev/vda", "eth0" */
        char *function; /* syspath of the PCI function that it was last found below */
        char *path;     /* PCI path of that function; NULL when nobody listens for changes */
        ino_t inode;    /* of its directory in sysfs: a device that was removed and added again has another */
        bool is_seen;   /* in this scan */
        bool is_scanned; /* in this scan: its links are compared with what is in the directories */
        bool is_there;  /* its device node is */
        bool is_read;   /* a disk: its content has been read */
        bool is_refused; /* an interface: its name is, or would be, another's as well */
        bool wants_aliases; /* an interface: the aliases have been read again */
        bool is_announced, is_changed;
        int watch;      /* of inotify, or -1 */
        uint64_t retry; /* when its content is read again after a failure; DEADLINE_NEVER, or 0 if it has been */
        struct string_list links;   /* wanted links by PCI path, below /dev; of an interface, its name */
        struct string_list content; /* wanted links by what is on the disk */
        struct string_list made;    /* links that lead to it, or did while its node was there; of both lists */
        struct string_list updated; /* the same, while links are updated */
};

/* Called for a device that was added, has other links than before ("change"), or was removed. */
typedef void (*manager_change_fn)(const char *action, const struct device *device, void *userdata);

struct manager {
        bool want_modules, dry_run;
        const char *directory;    /* that links are made below; NULL for no links */
        bool want_interfaces;     /* give interfaces their names: only with links in /dev */
        struct link_tree tree;
        struct alias_list aliases;
        int watch_fd;             /* inotify, or -1: a process has closed a disk that it had open for writing */
        bool want_retry;          /* read a disk again before it is reported as unreadable */
        struct reporter reporter;
        manager_change_fn changed; /* or NULL */
        void *userdata;

        struct device **devices; /* in the order of syspaths */
        size_t n_devices;
        struct device **gone;    /* since the scan began */
        size_t n_gone;
        struct links made;       /* the links that exist, in the order of names */
        bool is_made_known, is_made_fresh; /* fresh: read in this scan */
        struct string_list tried; /* devices without a driver whose modules have been looked up */
        struct string_list reported;
        size_t n_found, n_loaded; /* in the last scan: new devices, modules */
        bool has_failed;
};

#define MANAGER_NULL \
        { .tree = LINK_TREE_NULL, .watch_fd = -1 }

int manager_open(struct manager *manager);
int manager_scan(struct manager *manager);
int manager_scan_until_quiet(struct manager *manager);
int manager_scan_function(struct manager *manager, const char *function_syspath);
int manager_read_aliases(struct manager *manager);
void manager_touch(struct manager *manager, const char *syspath);
uint64_t manager_retry_deadline(const struct manager *manager);
const struct device *manager_take_retry(struct manager *manager);
bool manager_has_refused_name(const struct manager *manager);
const struct device *manager_find_watch(const struct manager *manager, int watch);
void manager_close(struct manager *manager);

_printf_(2, 3) void manager_error(struct manager *manager, const char *format, ...);
_printf_(2, 3) void manager_note(struct manager *manager, const char *format, ...);

/* device-list.c */
struct device *device_list_find_node(const struct manager *manager, const char *name);
int device_list_add(struct manager *manager, const struct child_device *u, const char *function, struct device **ret);
int device_list_drop_unseen(struct manager *manager, const char *function);
void device_free(struct device *device);

/* Does anybody need the names of devices? */
static inline bool manager_wants_names(const struct manager *m) {
        return m->directory || m->changed;
}

/* module-load.c */
int manager_load_drivers(struct manager *manager, const struct string_list *driverless, const char *function);

/* device-links.c */
void device_set_links(struct device *device, struct string_list *links, struct string_list *list);
int device_find_links(struct manager *manager, struct device *device, const struct child_device *u);
void device_change_aliases(struct device *device, const struct alias_list *old, const struct alias_list *aliases);
bool device_has_content(const struct device *device);
int device_read_content(struct manager *manager, struct device *device, struct filesystem *filesystem);

/* link-owner.c */
extern const char *const content_directories[];
int manager_read_links(struct manager *manager);
int manager_update_links(struct manager *manager, bool paths_only);
