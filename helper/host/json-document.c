/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "document.h"
#include "http.h"
#include "json-document.h"

/**
 * json_parse() - parse a text that is a single JSON object
 */
int json_parse(const char *name, const char *text, size_t size, struct json_document *ret, struct error *error) {
        struct json_tokener *tokener;
        json_object *root;
        size_t end;
        int r = 0;

        tokener = json_tokener_new();
        if (!tokener)
                return error_set(error, -ENOMEM, "out of memory");

        root = json_tokener_parse_ex(tokener, text, (int) size);
        end = json_tokener_get_parse_end(tokener);
        while (root && end < size && strchr(" \t\r\n", text[end]))
                end++;
        if (!root)
                r = error_set(error, -EBADMSG, "%s: not JSON: byte %zu: %s", name, end,
                              json_tokener_get_error(tokener) == json_tokener_continue
                                      ? "the document is not complete"
                                      : json_tokener_error_desc(json_tokener_get_error(tokener)));
        else if (end < size)
                r = error_set(error, -EBADMSG, "%s: not JSON: byte %zu: text after the end", name, end);
        else if (!json_object_is_type(root, json_type_object))
                r = error_set(error, -EBADMSG, "%s: the document is not a JSON object", name);
        json_tokener_free(tokener);

        if (r < 0) {
                json_object_put(root);
                return r;
        }
        *ret = (struct json_document){ .name = name, .root = root, .error = error };
        return 0;
}

/** json_is_api() - whether @name is a socket, not a file */
bool json_is_api(const char *name) {
        struct stat st;

        return stat(name, &st) == 0 && S_ISSOCK(st.st_mode);
}

/**
 * json_fetch() - read the text of a document from a file, from standard input for "-", or with GET from a socket
 * @ret: the caller frees it
 */
int json_fetch(const char *name, const char *api_path, char **ret, size_t *ret_size,
               struct error *error) {
        return json_is_api(name) ? http_get(name, api_path, ret, ret_size, error)
                                 : document_read(name, ret, ret_size, error);
}

void json_document_clear(struct json_document *document) {
        json_object_put(document->root);
        document->root = NULL;
}

/**
 * json_get_typed() - get a value and check its type
 * @place: dotted path for errors; its last component is the key in @object
 *
 * Return: 1; 0 if the value is missing or null; -EBADMSG if it has another type.
 */
int json_get_typed(const struct json_document *document, json_object *object, enum json_type type, json_object **ret,
                   const char *place, ...) {
        const char *key, *dot;
        json_object *value;
        char text[128];
        va_list ap;

        va_start(ap, place);
        (void) vsnprintf(text, sizeof(text), place, ap);
        va_end(ap);
        dot = strrchr(text, '.');
        key = dot ? dot + 1 : text;

        if (!json_object_is_type(object, json_type_object))
                return error_set(document->error, -EBADMSG, "%s: %.*s is not an object", document->name,
                                 dot ? (int) (dot - text) : 0, text);
        if (!json_object_object_get_ex(object, key, &value) || !value)
                return 0;
        if (!json_object_is_type(value, type))
                return error_set(document->error, -EBADMSG, "%s: %s is not of type %s", document->name, text,
                                 json_type_to_name(type));
        *ret = value;
        return 1;
}
