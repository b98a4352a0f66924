/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads properties of many QEMU objects in one round trip (docs/devel/qom.rst).
 */

#include "qmp.h"

#define QOM_PROPERTIES_MAX 9

/** struct qom_object - an object to read */
struct qom_object {
        char *path;
        const char *properties[QOM_PROPERTIES_MAX]; /* whose values to read; NULL between them is skipped */
        bool wants_listing;

        /* Set by qom_read(). NULL is an answer that QEMU did not give. */
        json_object *listing;                    /* all properties: name and type, and value if QEMU lists values */
        json_object *values[QOM_PROPERTIES_MAX];
        bool is_gone;                            /* QEMU removed the object */
        size_t command;                          /* number of the first command about the object */
};

struct qom_batch {
        struct qom_object **objects;
        size_t n;
};

struct qom_object *qom_add(struct qom_batch *batch, const char *path);
int qom_read(struct qmp *qmp, struct qmp_batch *commands, struct qom_batch *batch, struct error *error);
void qom_batch_clear(struct qom_batch *batch);

json_object *qom_find(json_object *listing, const char *name);

#define _cleanup_qom_ __attribute__((__cleanup__(qom_batch_clear)))
