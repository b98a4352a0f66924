/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

static const char *const columns[] = { "ID", "TYPE", "KIND", "PATH", "NAME", "ABSENT" };

static int add_device(struct libscols_table *table, const struct device *d) {
        char path[PCI_PATH_STRING_MAX], name[NAME_IN_GUEST_MAX];
        const struct pci_path *p = device_get_path(d);
        struct libscols_line *line;

        if (p)
                pci_path_print(p, PCI_PATH_CANONICAL, path);

        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, 0, d->id) < 0 || scols_line_set_data(line, 1, d->type) < 0 ||
            scols_line_set_data(line, 2, d->kind) < 0 || scols_line_set_data(line, 3, p ? path : NULL) < 0 ||
            scols_line_set_data(line, 4, device_name_in_guest(d, name)) < 0 ||
            scols_line_set_data(line, 5, device_why_absent(d)) < 0)
                return -ENOMEM;
        return 0;
}

static int fill_table(struct libscols_table *table, const struct table_options *options _unused_, const struct machine *machine) {
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(columns); i++)
                if (!scols_table_new_column(table, columns[i], 0, 0))
                        return -ENOMEM;
        for (size_t i = 0; i < machine->n_devices && r >= 0; i++)
                r = add_device(table, machine->devices[i]);
        return r;
}

static int run_list(int argc, char **argv) {
        static const struct verb_table table = { .name = "devices", .fill = fill_table };

        return options_print_table(argc, argv, &verb_list, &table);
}

const struct verb verb_list = {
        .name = "list",
        .operands = "SOURCE",
        .summary = "List the devices of a machine with their PCI paths",
        .option_rows = (const struct option_row[]) { TABLE_ROWS, SOURCE_ROWS, {} },
        .columns = (const struct column[]) {
                { "ID", "name in the monitor" },
                { "TYPE", "type in the monitor" },
                { "KIND", "kind of device" },
                { "PATH", "PCI path" },
                { "NAME", "name in the guest" },
                { "ABSENT", "why the guest does not show it" },
                {},
        },
        .run = run_list,
};
