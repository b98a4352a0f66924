/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the monitors with a JSON configuration share: devices in arrays or objects, by keys that say what they are.
 */

#include "json-document.h"
#include "machine.h"

/** struct json_kind - the devices below a key */
struct json_kind {
        const char *key;
        const char *prefix; /* of ids that the monitor makes up, or NULL */
        const char *kind;
        enum node node;
        const char *id_key; /* or NULL for "id" */
        const char *own_id; /* of the one device of this kind, unless it is configured; or NULL */
        bool is_switch;     /* the configuration has true or false */
};

typedef int (*configured_fn)(void *userdata, const struct json_kind *kind, json_object *entry, const char *place);

int json_foreach_configured(const struct json_document *document, json_object *config, const char *place,
                            const struct json_kind *kinds, size_t n, configured_fn callback, void *userdata);
int json_collect_ids(json_object *config, const struct json_kind *kinds, size_t n, json_object **ret);
const struct json_kind *json_kind_of_id(const struct json_kind *kinds, size_t n, json_object *ids, const char *id);
int json_device_identify(struct device *device, const char *id, const struct json_kind *kind);
