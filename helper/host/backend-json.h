/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the backends with a JSON configuration, which has arrays or objects of devices under a key for each kind.
 */

#include "json-document.h"
#include "label.h"

/** struct json_kind - the devices under a key */
struct json_kind {
        const char *key;
        const char *prefix; /* of ids that the monitor generates, or NULL */
        const char *kind;
        enum node node;
        const char *id_key; /* or NULL for "id" */
        const char *own_id; /* default id of the only device of this kind, or NULL */
        bool is_switch;     /* the value is a boolean */
        const struct label_key *labels; /* keys of its labels, or NULL */
};

typedef int (*configured_fn)(void *userdata, const struct json_kind *kind, json_object *entry, const char *place);

int json_foreach_configured(const struct json_document *document, json_object *config, const char *place,
                            const struct json_kind *kinds, size_t n, configured_fn callback, void *userdata);
int json_collect_ids(json_object *config, const struct json_kind *kinds, size_t n, json_object **ret);
bool json_kind_is_known(const struct json_kind *kinds, size_t n, const char *key);
const struct json_kind *json_kind_of_id(const struct json_kind *kinds, size_t n, json_object *ids, const char *id,
                                        json_object **ret_entry);
int json_device_identify(struct device *device, const char *id, const struct json_kind *kind, json_object *entry);
