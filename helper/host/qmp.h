/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A client for QMP, QEMU's monitor protocol. A batch of commands takes one round trip: the client sends all commands at
 * once, and QEMU answers them in order.
 */

#include <json-c/json.h>
#include <stdio.h>

#include "stream.h"

struct qmp {
        struct stream stream;
        struct json_tokener *tokener;
        char buf[65536];
        size_t begin, end; /* of received bytes that are not parsed yet */
        bool has_list_get; /* QEMU has the command qom-list-get */
};

struct qmp_batch {
        FILE *out;
        char *text;
        size_t size;
        bool failed;           /* out of memory in qmp_add() */
        json_object **replies; /* set by qmp_run(); NULL for a removed object or a missing property */
        size_t n;
};

int qmp_open(const char *path, struct qmp *ret, struct error *error);
void qmp_close(struct qmp *qmp);

int qmp_add_object(struct qmp_batch *batch, const char *command, json_object *arguments);
int qmp_add(struct qmp_batch *batch, const char *command, const char *const *arguments);
int qmp_add_list(struct qmp_batch *batch, const char *path);
int qmp_add_get(struct qmp_batch *batch, const char *path, const char *property);
int qmp_run(struct qmp *qmp, struct qmp_batch *batch, struct error *error);
void qmp_batch_clear(struct qmp_batch *batch);

const char *json_get_text(json_object *value);
json_object *json_get(json_object *object, const char *key);

#define _cleanup_qmp_ __attribute__((__cleanup__(qmp_close)))
#define _cleanup_batch_ __attribute__((__cleanup__(qmp_batch_clear)))
