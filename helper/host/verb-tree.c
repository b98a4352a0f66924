/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "options.h"

enum {
        COLUMN_PATH,
        COLUMN_ID,
        COLUMN_KIND,
        COLUMN_NAME
};

struct tree {
        struct libscols_table *table;
        const struct table_options *options;
        const struct pci_path *of_root; /* the first path of the current root bus */
        struct libscols_line *root;
};

static int add_columns(struct libscols_table *table) {
        if (!scols_table_new_column(table, "PATH", 0, SCOLS_FL_TREE) || !scols_table_new_column(table, "ID", 0, 0) ||
            !scols_table_new_column(table, "KIND", 0, 0) || !scols_table_new_column(table, "NAME", 0, 0))
                return -ENOMEM;
        return 0;
}

/* Add a line for the root bus before the line of its first function. */
static int begin_root(struct tree *tree, const struct pci_path *path) {
        char text[sizeof("00000000:00")];

        if (tree->of_root && tree->of_root->root.domain == path->root.domain &&
            tree->of_root->root.bus == path->root.bus)
                return 0;

        sprintf(text, "%04x:%02x", path->root.domain, path->root.bus);
        tree->of_root = path;
        tree->root = table_add_root_bus(tree->table, COLUMN_PATH, text, COLUMN_KIND);
        return tree->root ? 0 : -ENOMEM;
}

static int add_device(struct tree *tree, struct device *d) {
        char text[PCI_PATH_STRING_MAX], *shown = text, name[NAME_IN_GUEST_MAX];
        const struct pci_path *path = device_get_path(d);
        struct libscols_line *line, *above;
        int r;

        if (!path || device_why_absent(d))
                return 0;
        r = begin_root(tree, path);
        if (r < 0)
                return r;

        above = d->function ? d->function->userdata : (d->bus->bridge ? d->bus->bridge->userdata : NULL);
        d->userdata = line = scols_table_new_line(tree->table, above ?: tree->root);
        if (!d->function)
                pci_path_print(path, PCI_PATH_CANONICAL, text);
        if (!d->function && above)
                shown = table_shorten_path(tree->options, text);
        if (!line || scols_line_set_data(line, COLUMN_PATH, d->function ? NULL : shown) < 0 ||
            scols_line_set_data(line, COLUMN_ID, d->id) < 0 || scols_line_set_data(line, COLUMN_KIND, d->kind) < 0 ||
            scols_line_set_data(line, COLUMN_NAME, device_name_in_guest(d, name)) < 0)
                return -ENOMEM;
        return 0;
}

static int fill_table(struct libscols_table *table, const struct options *options, const struct machine *machine) {
        struct tree tree = { .table = table, .options = &options->table_options };
        int r;

        r = add_columns(table);
        for (size_t i = 0; i < machine->n_devices && r >= 0; i++)
                r = add_device(&tree, machine->devices[i]);
        return r;
}

static int run_tree(int argc, char **argv) {
        static const struct verb_table table = { .name = "roots", .fill = fill_table, .needs_buses = true };

        return options_print_table(argc, argv, &verb_tree, &table);
}

const struct verb verb_tree = {
        .name = "tree",
        .operands = "SOURCE",
        .summary = "Draw the PCI topology of a machine",
        .option_rows = (const struct option_row[]){
                { OPTION_FULL, "full", NULL, "Print whole paths, not only the last hop" },
                TABLE_ROWS,
                SOURCE_ROWS,
                {},
        },
        .run = run_tree,
};
