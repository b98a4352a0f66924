/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads what "pcipath-host list -J" has printed. It has the paths of devices, but no buses.
 */

#include "backend.h"
#include "document.h"
#include "label.h"
#include "saved-list.h"

static int copy_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int set_labels(const struct list_row *row, struct device *device) {
        int r = 0;

        for (enum label label = 0; label < N_LABELS && r >= 0; label++)
                r = device_set_label(device, label, row->texts[LIST_LABEL + label]);
        return r;
}

/* The path and some texts belong to the list, which the machine keeps. Return: 0, or -ENOMEM. */
static int add_row(struct machine *machine, struct list_row *row) {
        struct device *device = machine_add_device(machine, NULL, NULL);

        if (!device || copy_text(row->texts[LIST_ID], &device->id) < 0 ||
            copy_text(row->texts[LIST_TYPE] ?: "device", &device->type) < 0 || set_labels(row, device) < 0)
                return -ENOMEM;
        device->kind = row->texts[LIST_KIND] ?: "device";
        if (!row->path) {
                device->absent = row->texts[LIST_ABSENT] ?: "without a path in the list";
                return 0;
        }

        device->until = row->texts[LIST_ABSENT];
        device->path = row->path;
        row->path = NULL;
        if (row->name == LIST_NAME_NONE)
                return 0;
        device->node = row->name == LIST_NAME_DISK ? NODE_DISK : NODE_INTERFACE;
        return copy_text(row->suffix, &device->suffix);
}

static void free_list(void *list) {
        saved_list_clear(list);
        free(list);
}

/**
 * list_parse() - read a machine from the output of "list -J"
 */
int list_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error) {
        struct saved_list *list = calloc(1, sizeof(*list));
        int r;

        if (!list)
                return error_set(error, -ENOMEM, "out of memory");
        machine->is_list = true;
        machine->document = list;
        machine->put_document = free_list;
        r = saved_list_parse(name, text, size, list, error);
        for (size_t i = 0; i < list->n && r >= 0; i++)
                if (add_row(machine, &list->rows[i]) < 0)
                        r = error_set(error, -ENOMEM, "out of memory");
        return r;
}

int list_read(const char *name, struct machine *machine, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = document_read(name, &text, &size, error);
        return r < 0 ? r : list_parse(name, text, size, machine, error);
}
