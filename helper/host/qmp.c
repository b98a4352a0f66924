/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * docs/interop/qmp-spec.rst: QEMU sends a greeting and then expects qmp_capabilities. It answers commands in order,
 * with events in between. Commands that arrive before an earlier one is answered wait in QEMU or in the socket.
 *
 * QEMU reads one byte of a monitor's socket in each iteration of its main loop (monitor_can_read() returns 1). So the
 * time depends on the number of bytes sent, and commands have no ids and no newlines.
 */

#include <limits.h>

#include "qmp.h"

/* The answer to a batch of 4,000 commands has 3 MiB. */
#define REPLIES_MAX_MIB 64U
#define REPLIES_MAX (REPLIES_MAX_MIB << 20)

/** json_get_text() - get the text of a JSON string; NULL for other values */
const char *json_get_text(json_object *value) {
        return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/** json_get() - get the value of a key; NULL if @object is not an object or has no such key */
json_object *json_get(json_object *object, const char *key) {
        json_object *value;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, key, &value))
                return NULL;
        return value;
}

static int set_json_error(const struct qmp *qmp, struct error *error) {
        return error_set(error, -EBADMSG, "%s: the answer is not QMP: use the socket of QEMU's option -qmp",
                         qmp->stream.path);
}

/*
 * Receive the next message, and send pending output meanwhile.
 * @received: incremented by the number of bytes read
 */
static int receive(struct qmp *qmp, const char **output, size_t *n_output, size_t *received, json_object **ret,
                   struct error *error) {
        for (;;) {
                json_object *message;
                int n;

                message = json_tokener_parse_ex(qmp->tokener, qmp->buf + qmp->begin, (int) (qmp->end - qmp->begin));
                if (message && !json_object_is_type(message, json_type_object)) {
                        json_object_put(message);
                        return set_json_error(qmp, error);
                }
                if (message) {
                        qmp->begin += json_tokener_get_parse_end(qmp->tokener);
                        *ret = message;
                        return 0;
                }
                if (json_tokener_get_error(qmp->tokener) != json_tokener_continue)
                        return set_json_error(qmp, error);

                n = stream_exchange(&qmp->stream, output, n_output, qmp->buf, sizeof(qmp->buf), error);
                if (n < 0)
                        return n;
                if (n == 0)
                        return error_set(error, -ECONNRESET, "%s: the connection was closed before the answer came",
                                         qmp->stream.path);
                qmp->begin = 0;
                qmp->end = (size_t) n;
                *received += (size_t) n;
                if (*received > REPLIES_MAX)
                        return error_set(error, -EFBIG, "%s: the answer is larger than %u MiB", qmp->stream.path,
                                         REPLIES_MAX_MIB);
        }
}

static int64_t json_get_number(json_object *object, const char *key) {
        json_object *value = json_get(object, key);

        return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static int read_greeting(struct qmp *qmp, struct error *error) {
        json_object *greeting, *version;
        const char *output = NULL;
        size_t n_output = 0, received = 0;
        int64_t major;
        int r;

        r = receive(qmp, &output, &n_output, &received, &greeting, error);
        if (r < 0)
                return r;

        version = json_get(json_get(greeting, "QMP"), "version");
        if (!version)
                r = set_json_error(qmp, error);
        version = json_get(version, "qemu");
        major = json_get_number(version, "major");
        qmp->has_list_get = major > 10 || (major == 10 && json_get_number(version, "minor") >= 1);
        json_object_put(greeting);
        return r;
}

/**
 * qmp_open() - connect and receive the greeting
 *
 * The first command of the first batch must be qmp_capabilities.
 */
int qmp_open(const char *path, struct qmp *ret, struct error *error) {
        int r;

        *ret = (struct qmp){ .stream = STREAM_CLOSED };
        ret->tokener = json_tokener_new();
        if (!ret->tokener)
                return error_set(error, -ENOMEM, "out of memory");

        r = stream_open(path, &ret->stream, error);
        return r < 0 ? r : read_greeting(ret, error);
}

void qmp_close(struct qmp *qmp) {
        stream_close(&qmp->stream);
        if (qmp->tokener)
                json_tokener_free(qmp->tokener);
        qmp->tokener = NULL;
}

/* @value: dropped; or NULL if there was no memory for it */
static bool add_value(json_object *object, const char *key, json_object *value) {
        if (value && json_object_object_add(object, key, value) == 0)
                return true;
        json_object_put(value);
        return false;
}

/**
 * qmp_add_object() - add a command to a batch
 * @arguments: dropped; or NULL if there was no memory for them
 *
 * Return: its number in the batch, or -ENOMEM, which qmp_run() then returns too.
 */
int qmp_add_object(struct qmp_batch *batch, const char *command, json_object *arguments) {
        json_object *object = json_object_new_object();
        const char *text = NULL;

        if (!batch->out)
                batch->out = open_memstream(&batch->text, &batch->size);
        if (!object || !add_value(object, "execute", json_object_new_string(command)))
                json_object_put(arguments);
        else if (add_value(object, "arguments", arguments))
                text = json_object_to_json_string_ext(object,
                                                      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        batch->failed = batch->failed || !batch->out || !text || fputs(text, batch->out) < 0;
        json_object_put(object);
        return batch->failed ? -ENOMEM : (int) batch->n++;
}

/**
 * qmp_add() - add a command whose arguments are strings
 * @arguments: names and values in turn, then NULL; or NULL for no arguments
 */
int qmp_add(struct qmp_batch *batch, const char *command, const char *const *arguments) {
        json_object *values = json_object_new_object();

        for (; values && arguments && *arguments; arguments += 2)
                if (!add_value(values, arguments[0], json_object_new_string(arguments[1]))) {
                        json_object_put(values);
                        values = NULL;
                }
        return qmp_add_object(batch, command, values);
}

int qmp_add_list(struct qmp_batch *batch, const char *path) {
        return qmp_add(batch, "qom-list", (const char *const[]){ "path", path, NULL });
}

int qmp_add_get(struct qmp_batch *batch, const char *path, const char *property) {
        return qmp_add(batch, "qom-get", (const char *const[]){ "path", path, "property", property, NULL });
}

/* A removed object and a missing property are not errors. */
static int check_error(const struct qmp *qmp, json_object *refusal, struct error *error) {
        const char *class = json_get_text(json_get(refusal, "class")) ?: "";
        const char *description = json_get_text(json_get(refusal, "desc")) ?: "?";

        if (streq(class, "GenericError") || streq(class, "DeviceNotFound"))
                return 0;
        return error_set(error, -EPROTO, "%s: QEMU reports an error: %s", qmp->stream.path, description);
}

/* @next: number of the expected reply. Return: 1 for a reply, 0 for an event. */
static int handle_message(struct qmp *qmp, struct qmp_batch *batch, size_t next, json_object *message,
                          struct error *error) {
        json_object *refusal = json_get(message, "error"), *value;
        int r;

        if (json_get(message, "event"))
                return 0;

        if (refusal) {
                r = check_error(qmp, refusal, error);
                if (r < 0)
                        return r;
        } else if (!json_object_object_get_ex(message, "return", &value))
                return set_json_error(qmp, error);

        batch->replies[next] = refusal ? NULL : json_object_get(value);
        return 1;
}

/**
 * qmp_run() - send a batch and wait for all replies
 */
int qmp_run(struct qmp *qmp, struct qmp_batch *batch, struct error *error) {
        size_t n_output, received = 0, answered = 0;
        const char *output;
        int r;

        batch->replies = calloc(batch->n + 1, sizeof(*batch->replies));
        if (!batch->replies || batch->failed || (batch->out && fflush(batch->out) != 0))
                return error_set(error, -ENOMEM, "out of memory");

        output = batch->text;
        n_output = batch->size;
        while (answered < batch->n) {
                json_object *message;

                r = receive(qmp, &output, &n_output, &received, &message, error);
                if (r < 0)
                        return r;
                r = handle_message(qmp, batch, answered, message, error);
                json_object_put(message);
                if (r < 0)
                        return r;
                answered += (size_t) r;
        }

        return 0;
}

void qmp_batch_clear(struct qmp_batch *batch) {
        for (size_t i = 0; batch->replies && i < batch->n; i++)
                json_object_put(batch->replies[i]);
        free(batch->replies);
        if (batch->out)
                fclose(batch->out);
        free(batch->text);
        *batch = (struct qmp_batch){};
}
