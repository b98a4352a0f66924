/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A JSON document. Errors name the key that is wrong. Unknown keys are ignored.
 */

#include <json-c/json.h>
#include <stdbool.h>

#include "error.h"

struct json_document {
        const char *name; /* for errors */
        json_object *root;
        struct error *error;
};

int json_parse(const char *name, const char *text, size_t size, struct json_document *ret, struct error *error);
int json_fetch(const char *name, const char *api_path, char **ret, size_t *ret_size,
               struct error *error);
bool json_is_api(const char *name);
void json_document_clear(struct json_document *document);

_printf_(5, 6) int json_get_typed(const struct json_document *document, json_object *object, enum json_type type,
                                  json_object **ret, const char *place, ...);

#define _cleanup_json_ __attribute__((__cleanup__(json_document_clear)))
