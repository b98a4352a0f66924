/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads what "pcipath-host list -J" has printed. It has the paths of devices, but no buses.
 */

#include <stdio.h>

#include "backend.h"
#include "document.h"
#include "json-document.h"
#include "label.h"

#define PLACE_MAX 64

struct reader {
        struct json_document document;
        struct machine *machine;
        const char *place; /* "devices[7]", for errors */
};

/* Return: 1; 0 if the value is null; -EBADMSG if it has another type, or is missing although @needed. */
static int get_text(const struct reader *r, json_object *entry, const char *key, bool needed, const char **ret) {
        json_object *value;
        int k;

        *ret = NULL;
        k = json_get_typed(&r->document, entry, json_type_string, &value, "%s.%s", r->place, key);
        if (k > 0)
                *ret = json_object_get_string(value);
        else if (k == 0 && needed && !json_object_object_get_ex(entry, key, NULL))
                return error_set(r->document.error, -EBADMSG, "%s: %s.%s is missing; save the list "
                                                              "with 'pcipath-host list -J'",
                                 r->document.name, r->place, key);
        return k;
}

static int read_path(const struct reader *r, const char *text, struct device *device) {
        struct pci_path_error error;
        struct pci_path path;

        if (pci_path_parse(text, &path, &error) < 0)
                return error_set(r->document.error, -EBADMSG, "%s: %s.path: '%.60s' is not a PCI path: byte %zu: %s",
                                 r->document.name, r->place, text, error.offset, error.reason);
        device->path = malloc(sizeof(path));
        if (!device->path)
                return -ENOMEM;
        *device->path = path;
        return 0;
}

/* The name has the suffix of a disk. */
static int read_name(const struct reader *r, const char *name, struct device *device) {
        char expected[NAME_IN_GUEST_MAX];
        const char *rest = NULL;

        device->node = strncmp(name, "/", 1) == 0 ? NODE_DISK : NODE_INTERFACE;
        device->suffix = device->node == NODE_DISK ? strdup("") : NULL;
        if (device->node == NODE_DISK && !device->suffix)
                return -ENOMEM;
        if (device_name_in_guest(device, expected) && strncmp(name, expected, strlen(expected)) == 0)
                rest = name + strlen(expected);
        if (!rest || (*rest != '\0' && (device->node == NODE_INTERFACE || rest[0] != '-' || rest[1] == '\0')))
                return error_set(r->document.error, -EBADMSG, "%s: %s.name: '%.60s' is not a name of its path",
                                 r->document.name,
                                 r->place, name);
        if (*rest == '\0')
                return 0;

        free(device->suffix);
        device->suffix = strdup(rest + 1);
        return device->suffix ? 0 : -ENOMEM;
}

static int read_labels(const struct reader *r, json_object *entry, struct device *device) {
        static const struct label_key keys[] = {
                { LABEL_MAC, "mac" },
                { LABEL_SOURCE, "source" },
                { LABEL_SERIAL, "serial" },
                { LABEL_HOST, "host" },
                { LABEL_BACKEND, "backend" },
        };
        const char *text;
        int k = 0;

        for (size_t i = 0; i < ELEMENTSOF(keys) && k >= 0; i++) {
                k = get_text(r, entry, keys[i].key, false, &text);
                if (k > 0)
                        k = device_set_label(device, keys[i].label, text);
        }
        return k;
}

static int copy_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

/* The texts belong to the document, which the machine keeps. */
static int read_state(const struct reader *r, json_object *entry, struct device *device) {
        const char *path, *name, *absent;
        int k;

        k = get_text(r, entry, "path", true, &path);
        if (k >= 0)
                k = get_text(r, entry, "name", false, &name);
        if (k >= 0)
                k = get_text(r, entry, "absent", false, &absent);
        if (k < 0)
                return k;

        if (!path) {
                device->absent = absent ?: "without a path in the list";
                return 0;
        }
        device->until = absent;
        k = read_path(r, path, device);
        return k >= 0 && name ? read_name(r, name, device) : k;
}

static int read_device(struct reader *r, json_object *entry) {
        const char *id, *type, *kind;
        struct device *device;
        int k;

        k = get_text(r, entry, "id", true, &id);
        if (k >= 0)
                k = get_text(r, entry, "type", true, &type);
        if (k >= 0)
                k = get_text(r, entry, "kind", true, &kind);
        if (k < 0)
                return k;

        device = machine_add_device(r->machine, NULL, NULL);
        if (!device || copy_text(id, &device->id) < 0 || copy_text(type ?: "device", &device->type) < 0)
                return -ENOMEM;
        device->kind = kind ?: "device";
        k = read_state(r, entry, device);
        return k < 0 ? k : read_labels(r, entry, device);
}

static int read_devices(struct reader *r) {
        char place[PLACE_MAX];
        json_object *devices;
        int k;

        k = json_get_typed(&r->document, r->document.root, json_type_array, &devices, "devices");
        if (k == 0)
                return error_set(r->document.error, -EBADMSG,
                                 "%s: not a saved list: the key devices is missing; "
                                 "save one with 'pcipath-host list -J'",
                                 r->document.name);
        if (k < 0)
                return k;
        r->place = place;
        for (size_t i = 0; i < json_object_array_length(devices) && k >= 0; i++) {
                (void) snprintf(place, sizeof(place), "devices[%zu]", i);
                k = read_device(r, json_object_array_get_idx(devices, i));
        }
        return k;
}

static void put_document(void *document) {
        json_object_put(document);
}

/**
 * list_parse() - read a machine from the output of "list -J"
 */
int list_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error) {
        struct reader r = { .machine = machine };
        int k;

        k = json_parse(name, text, size, &r.document, error);
        if (k < 0)
                return k;
        machine->is_list = true;
        machine->document = r.document.root;
        machine->put_document = put_document;
        k = read_devices(&r);
        return k == -ENOMEM ? error_set(error, k, "out of memory") : k;
}

int list_read(const char *name, struct machine *machine, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = document_read(name, &text, &size, error);
        return r < 0 ? r : list_parse(name, text, size, machine, error);
}
