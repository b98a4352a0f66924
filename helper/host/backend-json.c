/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "backend-json.h"

#define PLACE_MAX 64

/**
 * json_foreach_configured() - call a function for each device of a configuration, in the order of @kinds and the arrays
 * @place: prefix of the keys in errors
 */
int json_foreach_configured(const struct json_document *document, json_object *config, const char *place,
                            const struct json_kind *kinds, size_t n, configured_fn callback, void *userdata) {
        char text[PLACE_MAX];
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                json_object *value = json_object_object_get(config, kinds[i].key);

                (void) snprintf(text, sizeof(text), "%s%s", place, kinds[i].key);
                if (!value || (kinds[i].is_switch && json_object_is_type(value, json_type_boolean)))
                        continue;
                if (json_object_is_type(value, json_type_object)) {
                        r = callback(userdata, &kinds[i], value, text);
                        continue;
                }
                if (!json_object_is_type(value, json_type_array))
                        return error_set(document->error, -EBADMSG, "%s: %s is not an array", document->name, text);
                for (size_t j = 0; j < json_object_array_length(value) && r >= 0; j++) {
                        (void) snprintf(text, sizeof(text), "%s%s[%zu]", place, kinds[i].key, j);
                        r = callback(userdata, &kinds[i], json_object_array_get_idx(value, j), text);
                }
        }

        return r;
}

/* The value for an id is an array: the index of the kind, and the entry of the configuration. */
static int collect_id(json_object *ids, json_object *entry, size_t kind) {
        json_object *id, *pair, *index;

        if (!json_object_is_type(entry, json_type_object) || !json_object_object_get_ex(entry, "id", &id) ||
            !json_object_is_type(id, json_type_string))
                return 0;

        pair = json_object_new_array();
        index = json_object_new_int((int) kind);
        if (!pair || !index || json_object_array_add(pair, index) < 0) {
                json_object_put(index);
                json_object_put(pair);
                return -ENOMEM;
        }
        if (json_object_array_add(pair, json_object_get(entry)) < 0) {
                json_object_put(entry);
                json_object_put(pair);
                return -ENOMEM;
        }
        return json_object_object_add(ids, json_object_get_string(id), pair) < 0 ? -ENOMEM : 0;
}

/**
 * json_collect_ids() - map each id of the configuration to the kind and entry of its device
 * @ret: for json_kind_of_id(); the caller drops it with json_object_put()
 *
 * Return: 0 or -ENOMEM.
 */
int json_collect_ids(json_object *config, const struct json_kind *kinds, size_t n, json_object **ret) {
        int r = 0;

        *ret = json_object_new_object();
        if (!*ret)
                return -ENOMEM;

        for (size_t i = 0; i < n && r >= 0; i++) {
                json_object *value = json_object_object_get(config, kinds[i].key);

                r = collect_id(*ret, value, i);
                if (!json_object_is_type(value, json_type_array))
                        continue;
                for (size_t j = 0; j < json_object_array_length(value) && r >= 0; j++)
                        r = collect_id(*ret, json_object_array_get_idx(value, j), i);
        }

        return r;
}

/** json_kind_is_known() - whether there is a kind with this key */
bool json_kind_is_known(const struct json_kind *kinds, size_t n, const char *key) {
        for (size_t i = 0; i < n; i++)
                if (streq(kinds[i].key, key))
                        return true;

        return false;
}

static bool is_made_up(const char *id, const struct json_kind *kind) {
        size_t n = kind->prefix ? strlen(kind->prefix) : 0;

        if (kind->own_id && streq(id, kind->own_id))
                return true;
        return n > 0 && strncmp(id, kind->prefix, n) == 0 && id[n] != '\0' &&
               strspn(id + n, "0123456789") == strlen(id + n);
}

/**
 * json_kind_of_id() - find the kind of a device in the configuration, or by the prefix of its id
 * @ids: from json_collect_ids(), or NULL
 * @ret_entry: the entry of the configuration, or NULL
 *
 * Return: NULL if the kind is unknown.
 */
const struct json_kind *json_kind_of_id(const struct json_kind *kinds, size_t n, json_object *ids, const char *id,
                                        json_object **ret_entry) {
        json_object *pair;

        *ret_entry = NULL;
        if (ids && json_object_object_get_ex(ids, id, &pair)) {
                *ret_entry = json_object_array_get_idx(pair, 1);
                return &kinds[json_object_get_int(json_object_array_get_idx(pair, 0))];
        }
        for (size_t i = 0; i < n; i++)
                if (is_made_up(id, &kinds[i]))
                        return &kinds[i];

        return NULL;
}

static int set_labels(struct device *device, const struct label_key *labels, json_object *entry) {
        int r = 0;

        for (; labels && labels->key && r >= 0; labels++) {
                json_object *value;

                if (json_object_object_get_ex(entry, labels->key, &value) &&
                    json_object_is_type(value, json_type_string))
                        r = device_set_label(device, labels->label, json_object_get_string(value));
        }
        return r;
}

/**
 * json_device_identify() - set id, type, kind and labels. A disk is a whole function in these monitors.
 * @id: or NULL
 * @entry: of the configuration, or NULL
 */
int json_device_identify(struct device *device, const char *id, const struct json_kind *kind, json_object *entry) {
        device->id = id ? strdup(id) : NULL;
        device->type = strdup(kind ? kind->key : "device");
        if ((id && !device->id) || !device->type)
                return -ENOMEM;
        if (!kind)
                return 0;

        device->kind = kind->kind;
        device->node = kind->node;
        if (entry && set_labels(device, kind->labels, entry) < 0)
                return -ENOMEM;
        device->suffix = kind->node == NODE_DISK ? strdup("") : NULL;
        return kind->node == NODE_DISK && !device->suffix ? -ENOMEM : 0;
}
