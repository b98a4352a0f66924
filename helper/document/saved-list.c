/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "array.h"
#include "json-reader.h"
#include "saved-list.h"
#include "util.h"

#define KEY_ROW(column, key, is_needed, help) [LIST_##column] = { key, is_needed },

static const struct {
        const char *key;
        bool is_needed;
} keys[] = { LIST_KEYS(KEY_ROW) };

struct parser {
        struct json_reader reader;
        const char *name; /* of the document */
        struct error *error;
        struct saved_list list;
};

static void row_clear(struct list_row *row) {
        for (size_t i = 0; i < N_LIST_KEYS; i++)
                free(row->texts[i]);
        free(row->path);
}

void saved_list_clear(struct saved_list *list) {
        for (size_t i = 0; i < list->n; i++)
                row_clear(&list->rows[i]);
        free(list->rows);
        *list = (struct saved_list){};
}

/* Return: 0 or -EBADMSG. */
static int parse_path(struct parser *p, struct list_row *row) {
        const char *text = row->texts[LIST_PATH];
        struct pci_path_error error;
        struct pci_path path;

        if (!text)
                return 0;
        if (pci_path_parse(text, &path, &error) < 0)
                return error_set(p->error, -EBADMSG, "%s: devices[%zu].path: '%.60s' is not a PCI path: byte %zu: %s",
                                 p->name, p->list.n, text, error.offset, error.reason);
        row->path = malloc(sizeof(path));
        if (!row->path)
                return -ENOMEM;
        *row->path = path;
        return 0;
}

/* The name repeats the path. The rest is the suffix of a disk or of an interface. */
static int parse_name(struct parser *p, struct list_row *row) {
        char flat[PCI_PATH_STRING_MAX], expected[LIST_NAME_MAX];
        const char *name = row->texts[LIST_NAME], *rest = NULL;
        int n;

        row->suffix = "";
        if (!row->path || !name)
                return 0;

        row->name = name[0] == '/' ? LIST_NAME_DISK : LIST_NAME_INTERFACE;
        pci_path_print(row->path, PCI_PATH_FLAT, flat);
        n = snprintf(expected, sizeof(expected), "%s%s", row->name == LIST_NAME_DISK ? DISK_LINKS : INTERFACE_PREFIX,
                     flat);
        if (n < (int) sizeof(expected) && strncmp(name, expected, (size_t) n) == 0)
                rest = name + n;
        if (rest && row->name == LIST_NAME_DISK && *rest != '\0')
                rest = rest[0] == '-' && rest[1] != '\0' ? rest + 1 : NULL;
        else if (rest && *rest != '\0' && interface_suffix_span(rest) != strlen(rest))
                rest = NULL;
        if (!rest)
                return error_set(p->error, -EBADMSG, "%s: devices[%zu].name: '%.60s' is not a name of its path",
                                 p->name, p->list.n, name);
        row->suffix = rest;
        return 0;
}

/* As with every JSON parser, the last of several members with one key counts. */
static int read_text(struct parser *p, size_t key, struct list_row *row) {
        free(row->texts[key]);
        row->texts[key] = NULL;
        if (json_reader_is_null(&p->reader))
                return 0;
        if (json_reader_peek(&p->reader) != '"')
                return error_set(p->error, -EBADMSG, "%s: devices[%zu].%s is not of type string", p->name, p->list.n,
                                 keys[key].key);
        return json_reader_string(&p->reader, &row->texts[key]);
}

static int read_members(struct parser *p, struct list_row *row) {
        bool is_first = true, is_there[N_LIST_KEYS] = {};
        int k;

        while ((k = json_reader_next(&p->reader, '}', &is_first)) > 0) {
                _cleanup_free_ char *key = NULL;
                size_t i = 0;

                k = json_reader_key(&p->reader, &key);
                while (k >= 0 && i < N_LIST_KEYS && !streq(keys[i].key, key))
                        i++;
                if (k >= 0)
                        k = i < N_LIST_KEYS ? read_text(p, i, row) : json_reader_skip(&p->reader);
                if (k < 0)
                        return k;
                if (i < N_LIST_KEYS)
                        is_there[i] = true;
        }

        for (size_t i = 0; i < N_LIST_KEYS && k >= 0; i++)
                if (keys[i].is_needed && !is_there[i])
                        k = error_set(p->error, -EBADMSG, "%s: devices[%zu].%s is missing; save the list "
                                                          "with 'pcipath-host list -J'",
                                      p->name, p->list.n, keys[i].key);
        return k;
}

static int read_device(struct parser *p) {
        struct list_row row = {};
        int k;

        if (json_reader_peek(&p->reader) != '{')
                return error_set(p->error, -EBADMSG, "%s: devices[%zu] is not an object", p->name, p->list.n);
        k = json_reader_enter(&p->reader, '{');
        if (k >= 0)
                k = read_members(p, &row);
        if (k >= 0)
                k = parse_path(p, &row);
        if (k >= 0)
                k = parse_name(p, &row);
        if (k >= 0)
                k = array_grow(p->list.rows, p->list.n, 1);
        if (k < 0) {
                row_clear(&row);
                return k;
        }
        p->list.rows[p->list.n++] = row;
        return 0;
}

static int read_devices(struct parser *p) {
        bool is_first = true;
        int k;

        if (json_reader_peek(&p->reader) != '[')
                return error_set(p->error, -EBADMSG, "%s: devices is not of type array", p->name);
        saved_list_clear(&p->list);
        k = json_reader_enter(&p->reader, '[');
        while (k >= 0 && (k = json_reader_next(&p->reader, ']', &is_first)) > 0)
                k = read_device(p);
        return k;
}

static int read_document(struct parser *p) {
        bool is_first = true, has_devices = false;
        int k;

        if (json_reader_peek(&p->reader) != '{' && p->reader.at < p->reader.size && json_reader_skip(&p->reader) >= 0)
                return error_set(p->error, -EBADMSG, "%s: the document is not a JSON object", p->name);
        k = p->reader.reason ? -EBADMSG : json_reader_enter(&p->reader, '{');
        while (k >= 0 && (k = json_reader_next(&p->reader, '}', &is_first)) > 0) {
                _cleanup_free_ char *key = NULL;

                k = json_reader_key(&p->reader, &key);
                if (k >= 0 && streq(key, "devices")) {
                        has_devices = true;
                        k = read_devices(p);
                } else if (k >= 0)
                        k = json_reader_skip(&p->reader);
        }
        if (k >= 0)
                k = json_reader_end(&p->reader);
        if (k >= 0 && !has_devices)
                k = error_set(p->error, -EBADMSG, "%s: not a saved list: the key devices is missing; "
                                                  "save one with 'pcipath-host list -J'",
                              p->name);
        return k;
}

/**
 * saved_list_parse() - parse the output of "pcipath-host list -J"
 * @name: of the document, for errors
 * @ret: to be cleared with saved_list_clear(); untouched on failure
 *
 * Unknown keys are ignored.
 *
 * Return: 0, -EBADMSG or -ENOMEM, with an error text.
 */
int saved_list_parse(const char *name, const char *text, size_t size, struct saved_list *ret, struct error *error) {
        struct parser p = { .reader = { .text = text, .size = size }, .name = name, .error = error };
        int k = read_document(&p);

        if (k < 0) {
                saved_list_clear(&p.list);
                if (k == -ENOMEM)
                        return error_set(error, k, "out of memory");
                if (p.reader.reason)
                        return error_set(error, k, "%s: not JSON: byte %zu: %s", name, p.reader.at, p.reader.reason);
                return k;
        }
        *ret = p.list;
        return 0;
}
