/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"
#include "saved-list.h"

_Static_assert(LIST_LABEL + LABEL_SOURCE == LIST_SOURCE && LIST_LABEL + LABEL_SERIAL == LIST_SERIAL &&
                       LIST_LABEL + LABEL_HOST == LIST_HOST && LIST_LABEL + LABEL_BACKEND == LIST_BACKEND &&
                       LIST_LABEL + N_LABELS == N_LIST_KEYS,
               "the labels are the last keys, in their order");

#define COLUMN_ROW(column, key, is_needed, help) [LIST_##column] = { #column, help },

static const struct column columns[N_LIST_KEYS + 1] = { LIST_KEYS(COLUMN_ROW) };

/* @buf: for texts that the device does not own */
static const char *cell(const struct device *d, size_t column, char buf[static PCI_PATH_STRING_MAX]) {
        const struct pci_path *path;

        switch (column) {
        case LIST_ID:
                return d->id;
        case LIST_TYPE:
                return d->type;
        case LIST_KIND:
                return d->kind;
        case LIST_PATH:
                path = device_get_path(d);
                if (path)
                        pci_path_print(path, PCI_PATH_CANONICAL, buf);
                return path ? buf : NULL;
        case LIST_NAME:
                return device_name_in_guest(d, buf);
        case LIST_ABSENT:
                return device_why_absent(d);
        default:
                return d->labels[column - LIST_LABEL];
        }
}

_Static_assert((size_t) PCI_PATH_STRING_MAX >= NAME_IN_GUEST_MAX, "cell() prints names into the buffer of a path");

static int add_device(struct libscols_table *table, const struct table_columns *shown, const struct device *d) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char buf[PCI_PATH_STRING_MAX];

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < shown->n; i++)
                if (scols_line_set_data(line, i, cell(d, shown->items[i], buf)) < 0)
                        return -ENOMEM;
        return 0;
}

static int fill_table(struct libscols_table *table, const struct options *options, const struct machine *machine) {
        int r;

        r = table_add_columns(table, &options->columns, &verb_list);
        for (size_t i = 0; i < machine->n_devices && r >= 0; i++)
                r = add_device(table, &options->columns, machine->devices[i]);
        return r;
}

static int run_list(int argc, char **argv) {
        static const struct verb_table table = { .name = "devices", .fill = fill_table, .label_column = LIST_LABEL };

        return options_print_table(argc, argv, &verb_list, &table);
}

const struct verb verb_list = {
        .name = "list",
        .operands = "SOURCE",
        .summary = "List the devices of a machine with their PCI paths",
        .option_rows = (const struct option_row[]){ TABLE_ROWS, COLUMN_ROWS, SOURCE_ROWS, {} },
        .columns = columns,
        .default_columns = "ID,TYPE,KIND,PATH,NAME,ABSENT",
        .run = run_list,
};
