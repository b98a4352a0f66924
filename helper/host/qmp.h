/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A client for QMP, QEMU's monitor protocol. It knows nothing of any device.
 *
 * A batch of commands is one round trip: all of them are sent at once, and QEMU answers them in turn.
 */

#include <json-c/json.h>
#include <stdio.h>

#include "stream.h"

struct qmp {
        struct stream stream;
        struct json_tokener *tokener;
        char buf[65536];
        size_t begin, end; /* of what was received and not yet read */
};

struct qmp_batch {
        FILE *out;
        char *text;
        size_t size;
        bool failed;           /* to take a command: memory is out */
        json_object **replies; /* after qmp_run(): NULL where QEMU had none to give */
        size_t n;
};

int qmp_open(const char *path, struct qmp *ret, struct error *error);
void qmp_close(struct qmp *qmp);

int qmp_add(struct qmp_batch *batch, const char *command, const char *const *arguments);
int qmp_add_list(struct qmp_batch *batch, const char *path);
int qmp_add_get(struct qmp_batch *batch, const char *path, const char *property);
int qmp_run(struct qmp *qmp, struct qmp_batch *batch, struct error *error);
void qmp_batch_clear(struct qmp_batch *batch);

const char *json_get_text(json_object *value);
json_object *json_get(json_object *object, const char *key);

#define _cleanup_qmp_ __attribute__((__cleanup__(qmp_close)))
#define _cleanup_batch_ __attribute__((__cleanup__(qmp_batch_clear)))
