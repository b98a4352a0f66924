/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The walk through QEMU's objects, and what of it is needed once it is over.
 */

#include "machine.h"
#include "qemu-types.h"
#include "qmp.h"

/** struct qbus - a bus of QEMU's, of any kind */
struct qbus {
        enum qemu_bus kind;
        bool is_system;            /* the one that host bridges sit on */
        bool is_expanders;         /* a root bus that an expander made */
        bool is_subsystems;        /* of namespaces that several controllers can have */
        char *path;
        const char *name;          /* the last of the path */
        char *type;
        struct bus *pci;           /* if it is one */
        struct device *function;   /* else, that it is below */
        const struct record *device; /* that it belongs to; NULL for a host bridge's */
        unsigned port;             /* of an IDE bus: which of its controller's, from 1 */
        bool refuses_shpc;         /* Linux does not take its hotplug controller */
        int list, handler;         /* numbers of requests */
};

/** struct record - what QEMU says of a device, beside what is in it */
struct record {
        struct device *device;
        const struct qbus *on;
        const struct qemu_type *type;
        char *path;
        int64_t number;   /* of an expander, bus_nr; of an NVMe controller, how many virtual functions */
        char *sriov_pf;   /* of a virtual function that the host made, the id of its physical function */
        const struct record *physical; /* of a virtual function */
        int vf;           /* its number */
        char *port;       /* of a USB device */
        bool taken;
        bool takes_no_plugs; /* a port with hotplug=off, though its bus has a handler */
};

struct walk {
        struct qmp qmp;
        struct machine *machine;
        struct error *error;
        json_object *host_bridges; /* their types */
        bool is_i440fx;
        bool has_root; /* 0000:00 */
        struct qbus **buses;
        size_t n_buses;
        struct record **records;
        size_t n_records;
};

/** is_qemus_own() - it was made without being asked for, by QEMU itself, or by a device */
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
int qemu_read_from(struct qmp *qmp, struct machine *machine, struct error *error);
int walk_machine(struct walk *walk);
void walk_clear(struct walk *walk);
