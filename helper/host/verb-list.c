/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

/* Labels are last, in the order of enum label. */
enum {
        COLUMN_ID,
        COLUMN_TYPE,
        COLUMN_KIND,
        COLUMN_PATH,
        COLUMN_NAME,
        COLUMN_ABSENT,
        COLUMN_LABEL,
        COLUMN_MAC = COLUMN_LABEL + LABEL_MAC,
        COLUMN_SOURCE = COLUMN_LABEL + LABEL_SOURCE,
        COLUMN_SERIAL = COLUMN_LABEL + LABEL_SERIAL,
        COLUMN_HOST = COLUMN_LABEL + LABEL_HOST,
        COLUMN_BACKEND = COLUMN_LABEL + LABEL_BACKEND,
        N_COLUMNS = COLUMN_LABEL + N_LABELS,
};

static const struct column columns[N_COLUMNS + 1] = {
        [COLUMN_ID]      = { "ID",      "name in the monitor"                              },
        [COLUMN_TYPE]    = { "TYPE",    "type in the monitor"                              },
        [COLUMN_KIND]    = { "KIND",    "kind of device"                                   },
        [COLUMN_PATH]    = { "PATH",    "PCI path"                                         },
        [COLUMN_NAME]    = { "NAME",    "name in the guest"                                },
        [COLUMN_ABSENT]  = { "ABSENT",  "why the guest does not show it"                   },
        [COLUMN_MAC]     = { "MAC",     "MAC address"                                      },
        [COLUMN_SOURCE]  = { "SOURCE",  "file, volume, network or socket behind it"        },
        [COLUMN_SERIAL]  = { "SERIAL",  "serial number of a disk"                          },
        [COLUMN_HOST]    = { "HOST",    "address on the host of a device passed through"   },
        [COLUMN_BACKEND] = { "BACKEND", "netdev, drive or chardev of QEMU"                 },
};

/* @buf: for texts that the device does not own */
static const char *cell(const struct device *d, size_t column, char buf[static PCI_PATH_STRING_MAX]) {
        const struct pci_path *path;

        switch (column) {
        case COLUMN_ID:
                return d->id;
        case COLUMN_TYPE:
                return d->type;
        case COLUMN_KIND:
                return d->kind;
        case COLUMN_PATH:
                path = device_get_path(d);
                if (path)
                        pci_path_print(path, PCI_PATH_CANONICAL, buf);
                return path ? buf : NULL;
        case COLUMN_NAME:
                return device_name_in_guest(d, buf);
        case COLUMN_ABSENT:
                return device_why_absent(d);
        default:
                return d->labels[column - COLUMN_LABEL];
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
        static const struct verb_table table = { .name = "devices", .fill = fill_table, .label_column = COLUMN_LABEL };

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
