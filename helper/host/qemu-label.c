/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The labels of QEMU's devices. A device tells the name of its drive or node, and query-block the file of each.
 */

#include "qemu-walk.h"

static int add_file(json_object *files, const char *name, const char *file) {
        json_object *value;

        if (!name || *name == '\0')
                return 0;
        value = json_object_new_string(file);
        if (!value || json_object_object_add(files, name, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

/**
 * walk_read_files() - collect the files of drives and nodes
 * @drives: the answer to query-block
 *
 * A node without a file name has a JSON text instead, which no user has at hand.
 */
int walk_read_files(struct walk *walk, json_object *drives) {
        walk->files = json_object_new_object();
        if (!walk->files)
                return -ENOMEM;

        for (size_t i = 0; json_object_is_type(drives, json_type_array) && i < json_object_array_length(drives); i++) {
                json_object *drive = json_object_array_get_idx(drives, i), *inserted = json_get(drive, "inserted");
                const char *file = json_get_text(json_get(inserted, "file"));

                if (!file || *file == '\0' || strncmp(file, "json:", strlen("json:")) == 0)
                        continue;
                if (add_file(walk->files, json_get_text(json_get(drive, "device")), file) < 0 ||
                    add_file(walk->files, json_get_text(json_get(inserted, "node-name")), file) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/**
 * walk_set_labels() - set the labels of a device from its properties
 * @values: of the properties in the row of the type
 */
int walk_set_labels(struct walk *walk, struct record *record, json_object *const values[static QEMU_LABELS_MAX]) {
        struct device *device = record->device;
        const char *file;
        int r = 0;

        for (size_t i = 0; i < QEMU_LABELS_MAX && r >= 0; i++)
                if (record->type->labels)
                        r = device_set_label(device, record->type->labels[i].label, json_get_text(values[i]));
        if (r < 0 || !device->labels[LABEL_BACKEND])
                return r;

        file = json_get_text(json_get(walk->files, device->labels[LABEL_BACKEND]));
        return device_set_label(device, LABEL_SOURCE, file);
}
