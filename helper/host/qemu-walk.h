/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The walk through QEMU's objects, and its results.
 */

#include "machine.h"
#include "qemu-types.h"
#include "qom.h"

/** struct qbus - a QEMU bus of any kind */
struct qbus {
        enum qemu_bus kind;
        bool is_system;            /* the bus of the host bridges */
        bool is_expanders;         /* a root bus of an expander */
        bool is_subsystems;        /* the namespace bus of a subsystem */
        char *path;
        const char *name;          /* last component of the path */
        char *type;
        struct bus *pci;           /* of a PCI bus */
        struct device *function;   /* of another bus: the function above it */
        const struct record *device; /* that has this bus; NULL for the bus of a host bridge */
        unsigned port;             /* of an IDE bus: its number in the controller, from 1 */
        bool refuses_shpc;         /* Linux does not use its hotplug controller */
        struct qom_object *object; /* of its level; see walk_level() */
};

/** struct record - properties of a QEMU device that struct device does not have */
struct record {
        struct device *device;
        const struct qbus *on;
        const struct qemu_type *type;
        char *path;
        int64_t number;   /* of an expander: bus_nr; of an NVMe controller: sriov_max_vfs */
        char *sriov_pf;   /* of a virtual function: the property sriov-pf, or NULL */
        const struct record *physical; /* of a virtual function */
        int vf;           /* number of a virtual function */
        char *port;       /* of a USB device */
        bool taken;
        bool takes_no_plugs; /* a port with hotplug=off; its bus has a handler all the same */
};

struct walk {
        struct qmp qmp;
        struct machine *machine;
        struct error *error;
        json_object *host_bridges; /* their types */
        json_object *files;        /* by the name of a drive or node; see walk_read_files() */
        bool is_i440fx;
        bool has_root; /* 0000:00 */
        bool has_uids; /* the machine is one of s390; see qemu-zpci.c */
        struct qbus **buses;
        size_t n_buses;
        struct record **records;
        size_t n_records;
        struct zpci *zpcis; /* sorted by walk_name_by_uid() */
        size_t n_zpcis;
};

/** struct child - a link child[N] in the listing of a bus */
struct child {
        struct qbus *bus;
        unsigned index;
        const struct qemu_type *row;
        char name[sizeof("child[4294967295]")];
        char *type, *path; /* the path is NULL until it is known */
        const struct qom_object *link, *object, *subsystem;
};

struct children {
        struct child *items;
        size_t n;
};

/** is_qemus_own() - whether QEMU or another device created the object, not the user */
static inline bool is_qemus_own(const char *path) {
        return strncmp(path, "/machine/unattached/", strlen("/machine/unattached/")) == 0;
}

char *qom_type_within(const char *text, const char *wrapper);
struct qbus *walk_add_bus(struct walk *walk, enum qemu_bus kind, const char *path, const char *type);
int walk_add_roots(struct walk *walk, const char *path, const char *host_bridge, json_object *index,
                   json_object *listing);
int walk_add_buses_of(struct walk *walk, const struct record *record, json_object *listing);
int walk_add_subsystem(struct walk *walk, const struct record *controller, const char *subsystem,
                       json_object *listing);
int record_set_suffix(struct record *r, json_object *const values[static QEMU_PROPERTIES_MAX]);
int walk_read_files(struct walk *walk, json_object *drives);
int walk_set_labels(struct walk *walk, struct record *record, json_object *const values[static QEMU_LABELS_MAX]);
int qemu_read_from(struct qmp *qmp, struct machine *machine, struct error *error);
int walk_set_not_list(const struct walk *walk, const char *path);
int walk_children(struct walk *walk, struct children *children);
int walk_machine(struct walk *walk);
int walk_add_zpci(struct walk *walk, json_object *const values[static QEMU_PROPERTIES_MAX]);
int walk_name_by_uid(struct walk *walk);
void walk_clear_zpcis(struct walk *walk);
void walk_clear(struct walk *walk);
