/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "monitor-json.h"

#define PLACE_MAX 64

/**
 * json_foreach_configured() - call for each device of a configuration, in the order of @kinds and of the arrays
 * @place: before the keys, in complaints
 */
int json_foreach_configured(const struct json_document *document, json_object *config, const char *place,
                            const struct json_kind *kinds, size_t n, configured_fn callback, void *userdata) {
        char text[PLACE_MAX];
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                json_object *value = json_object_object_get(config, kinds[i].key);

                (void) snprintf(text, sizeof(text), "%s%s", place, kinds[i].key);
                if (!value)
                        continue;
                if (json_object_is_type(value, json_type_object)) {
                        r = callback(userdata, &kinds[i], value, text);
                        continue;
                }
                if (!json_object_is_type(value, json_type_array))
                        return problem_set(document->problem, -EBADMSG, "%s: %s: not an array", document->name, text);
                for (size_t j = 0; j < json_object_array_length(value) && r >= 0; j++) {
                        (void) snprintf(text, sizeof(text), "%s%s[%zu]", place, kinds[i].key, j);
                        r = callback(userdata, &kinds[i], json_object_array_get_idx(value, j), text);
                }
        }

        return r;
}

static bool has_id(json_object *entry, const char *id) {
        json_object *value;

        return json_object_is_type(entry, json_type_object) && json_object_object_get_ex(entry, "id", &value) &&
               json_object_is_type(value, json_type_string) && streq(json_object_get_string(value), id);
}

static bool is_made_up(const char *id, const char *prefix) {
        size_t n = prefix ? strlen(prefix) : 0;

        return n > 0 && strncmp(id, prefix, n) == 0 && strspn(id + n, "0123456789") == strlen(id + n);
}

/** json_kind_of_id() - by the configuration, or else by the id itself; NULL if neither tells */
const struct json_kind *json_kind_of_id(const struct json_kind *kinds, size_t n, json_object *config, const char *id) {
        for (size_t i = 0; i < n; i++) {
                json_object *value = config ? json_object_object_get(config, kinds[i].key) : NULL;

                if (is_made_up(id, kinds[i].prefix) || has_id(value, id))
                        return &kinds[i];
                if (!json_object_is_type(value, json_type_array))
                        continue;
                for (size_t j = 0; j < json_object_array_length(value); j++)
                        if (has_id(json_object_array_get_idx(value, j), id))
                                return &kinds[i];
        }

        return NULL;
}

/** json_device_identify() - id, type and kind; a disk of these monitors is the whole function */
int json_device_identify(struct device *device, const char *id, const struct json_kind *kind) {
        device->id = strdup(id);
        device->type = strdup(kind ? kind->key : "device");
        if (!device->id || !device->type)
                return -ENOMEM;
        if (!kind)
                return 0;

        device->kind = kind->kind;
        device->node = kind->node;
        device->suffix = kind->node == NODE_DISK ? strdup("") : NULL;
        return kind->node == NODE_DISK && !device->suffix ? -ENOMEM : 0;
}
