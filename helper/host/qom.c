/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU 10.1 and later have qom-list-get: all properties of many objects with one command (qapi/qom.json). Earlier
 * versions need a command for each property.
 */

#include "array.h"
#include "qom.h"

/*
 * QEMU's main loop does nothing else while QEMU answers a command. It takes about 0.3 ms for an object, so the guest
 * notices less if a command asks for a part of the objects.
 */
#define OBJECTS_AT_ONCE 128

/** qom_add() - add an object to read; NULL if out of memory */
struct qom_object *qom_add(struct qom_batch *batch, const char *path) {
        struct qom_object *object;

        if (array_grow(batch->objects, batch->n, 1) < 0)
                return NULL;
        object = calloc(1, sizeof(*object));
        if (!object)
                return NULL;
        batch->objects[batch->n++] = object;
        object->path = strdup(path);
        return object->path ? object : NULL;
}

/** qom_find() - find a property in a listing; NULL if there is none */
json_object *qom_find(json_object *listing, const char *name) {
        for (size_t i = 0; listing && i < json_object_array_length(listing); i++) {
                json_object *item = json_object_array_get_idx(listing, i);
                const char *found = json_get_text(json_get(item, "name"));

                if (found && streq(found, name))
                        return item;
        }

        return NULL;
}

static int set_not_list(const struct qmp *qmp, const struct qom_object *object, struct error *error) {
        return error_set(error, -EBADMSG, "%s: QEMU's answer about %s is not a list", qmp->stream.path, object->path);
}

/* -- A command for each property -- */

static int ask_each(struct qmp_batch *commands, struct qom_object *object) {
        object->command = commands->n;
        if (object->wants_listing && qmp_add_list(commands, object->path) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < QOM_PROPERTIES_MAX; i++)
                if (object->properties[i] && qmp_add_get(commands, object->path, object->properties[i]) < 0)
                        return -ENOMEM;
        return 0;
}

static int take_each(const struct qmp *qmp, const struct qmp_batch *commands, struct qom_object *object,
                     struct error *error) {
        size_t next = object->command;
        bool found = false;

        if (object->wants_listing)
                object->listing = json_object_get(commands->replies[next++]);
        if (object->listing && !json_object_is_type(object->listing, json_type_array))
                return set_not_list(qmp, object, error);
        for (size_t i = 0; i < QOM_PROPERTIES_MAX; i++)
                if (object->properties[i]) {
                        object->values[i] = json_object_get(commands->replies[next++]);
                        found = found || object->values[i];
                }

        object->is_gone = next > object->command && !object->listing && !found;
        return 0;
}

/* -- A command for many objects -- */

static int ask_at_once(struct qmp_batch *commands, struct qom_object *const *objects, size_t n) {
        json_object *arguments = json_object_new_object(), *paths = json_object_new_array();

        if (!arguments || !paths || json_object_object_add(arguments, "paths", paths) < 0) {
                json_object_put(arguments);
                json_object_put(paths);
                return -ENOMEM;
        }
        for (size_t i = 0; i < n; i++) {
                json_object *path = json_object_new_string(objects[i]->path);

                objects[i]->command = commands->n;
                if (!path || json_object_array_add(paths, path) < 0) {
                        json_object_put(path);
                        json_object_put(arguments);
                        return -ENOMEM;
                }
        }
        return qmp_add_object(commands, "qom-list-get", arguments);
}

/* The first property with a name counts. */
static void take_values(struct qom_object *object) {
        for (size_t i = 0; i < json_object_array_length(object->listing); i++) {
                json_object *item = json_object_array_get_idx(object->listing, i);
                const char *name = json_get_text(json_get(item, "name"));

                for (size_t j = 0; name && j < QOM_PROPERTIES_MAX; j++)
                        if (object->properties[j] && !object->values[j] && streq(object->properties[j], name))
                                object->values[j] = json_object_get(json_get(item, "value"));
        }
}

static int take_at_once(const struct qmp *qmp, json_object *reply, struct qom_object *const *objects, size_t n,
                        struct error *error) {
        if (!json_object_is_type(reply, json_type_array) || json_object_array_length(reply) != n)
                return error_set(error, -EBADMSG, "%s: QEMU's answer to qom-list-get is not a list of %zu objects",
                                 qmp->stream.path, n);

        for (size_t i = 0; i < n; i++) {
                struct qom_object *object = objects[i];
                json_object *listing = json_get(json_object_array_get_idx(reply, i), "properties");

                if (!json_object_is_type(listing, json_type_array))
                        return set_not_list(qmp, object, error);
                object->listing = json_object_get(listing);
                take_values(object);
        }

        return 0;
}

/* -- Both -- */

static int read_each(struct qmp *qmp, struct qom_object *const *objects, size_t n, struct error *error) {
        _cleanup_batch_ struct qmp_batch commands = {};
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = ask_each(&commands, objects[i]);
        if (r >= 0)
                r = qmp_run(qmp, &commands, error);
        for (size_t i = 0; i < n && r >= 0; i++)
                r = take_each(qmp, &commands, objects[i], error);
        return r;
}

/* The number of objects in the command that begins with the object @first. */
static size_t count_at_once(const struct qmp *qmp, const struct qom_batch *batch, size_t first) {
        size_t n = qmp->has_list_get ? OBJECTS_AT_ONCE : 1;

        return n < batch->n - first ? n : batch->n - first;
}

static int take(struct qmp *qmp, const struct qmp_batch *commands, struct qom_object *const *objects, size_t n,
                struct error *error) {
        json_object *reply;

        if (!qmp->has_list_get)
                return take_each(qmp, commands, objects[0], error);
        reply = commands->replies[objects[0]->command];
        /* qom-list-get fails if one of the objects has been removed. */
        return reply ? take_at_once(qmp, reply, objects, n, error) : read_each(qmp, objects, n, error);
}

/**
 * qom_read() - read objects
 * @commands: may have other commands already; their replies are in it afterwards
 */
int qom_read(struct qmp *qmp, struct qmp_batch *commands, struct qom_batch *batch, struct error *error) {
        size_t n;
        int r = 0;

        for (size_t i = 0; i < batch->n && r >= 0; i += n) {
                n = count_at_once(qmp, batch, i);
                r = qmp->has_list_get ? ask_at_once(commands, batch->objects + i, n)
                                      : ask_each(commands, batch->objects[i]);
        }
        if (r >= 0)
                r = qmp_run(qmp, commands, error);
        for (size_t i = 0; i < batch->n && r >= 0; i += n) {
                n = count_at_once(qmp, batch, i);
                r = take(qmp, commands, batch->objects + i, n, error);
        }

        return r;
}

void qom_batch_clear(struct qom_batch *batch) {
        for (size_t i = 0; i < batch->n; i++) {
                struct qom_object *object = batch->objects[i];

                json_object_put(object->listing);
                for (size_t j = 0; j < QOM_PROPERTIES_MAX; j++)
                        json_object_put(object->values[j]);
                free(object->path);
                free(object);
        }
        free(batch->objects);
        *batch = (struct qom_batch){};
}
