/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "diskseq.h"
#include "found.h"

enum {
        COLUMN_NAME,
        COLUMN_SUBSYSTEM,
        COLUMN_DISKSEQ,
        COLUMN_SYSPATH,
        N_COLUMNS,
};

const struct column found_columns[N_COLUMNS + 1] = {
        [COLUMN_NAME]      = { "NAME",      "device node, network interface or PCI address"   },
        [COLUMN_SUBSYSTEM] = { "SUBSYSTEM", "subsystem of the device: block, net and so on"   },
        [COLUMN_DISKSEQ]   = { "DISKSEQ",   "sequence number of the disk in this boot"        },
        [COLUMN_SYSPATH]   = { "SYSPATH",   "directory of the device in /sys"                 },
};

/** found_parse_option() - Return: EXIT_DONE, EXIT_USAGE after an error message, or -1 for another option. */
int found_parse_option(int option, const struct verb *verb, struct found_options *options) {
        switch (option) {
        case 'J':
                options->table_options.json = options->is_table = true;
                return EXIT_DONE;
        case 'n':
                options->table_options.no_headings = true;
                return EXIT_DONE;
        case 'o':
                options->is_table = true;
                return table_parse_columns(optarg, verb, &options->columns);
        default:
                return -1;
        }
}

/* @child: NULL for the function itself */
static const char *cell(const struct lookup *lookup, const struct child_device *child, size_t column,
                        char buf[static 32]) {
        uint64_t number;

        switch (column) {
        case COLUMN_NAME:
                return child ? child->name : lookup_address(lookup);
        case COLUMN_SUBSYSTEM:
                return child ? child->subsystem : "pci";
        case COLUMN_DISKSEQ:
                if (!child || !streq(child->subsystem, "block") || diskseq_read(child->syspath, &number) < 0)
                        return NULL;
                sprintf(buf, "%" PRIu64, number);
                return buf;
        default:
                return child ? child->syspath : lookup->resolution.syspath;
        }
}

static int add_line(struct libscols_table *table, const struct table_columns *columns, const struct lookup *lookup,
                    const struct child_device *child) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char buf[32];

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < columns->n; i++)
                if (scols_line_set_data(line, i, cell(lookup, child, columns->items[i], buf)) < 0)
                        return -ENOMEM;
        return 0;
}

static int fill_table(struct libscols_table *table, const struct table_columns *columns, const struct lookup *lookups,
                      size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                for (size_t j = 0; j < lookups[i].n_selected && r >= 0; j++)
                        r = add_line(table, columns, &lookups[i], &lookups[i].children.items[j]);
                if (r >= 0 && lookups[i].n_selected == 0)
                        r = add_line(table, columns, &lookups[i], NULL);
        }
        return r;
}

static void print_names(const struct lookup *lookup) {
        for (size_t i = 0; i < lookup->n_selected; i++)
                puts(lookup->children.items[i].name);
        if (lookup->n_selected == 0)
                puts(lookup_address(lookup));
}

/** found_print() - print the selected devices of each lookup. Return: an exit status. */
int found_print(const struct lookup *lookups, size_t n, const struct verb *verb, const struct found_options *options) {
        _cleanup_table_ struct libscols_table *table = NULL;
        struct table_columns columns = options->columns;

        if (!options->is_table) {
                for (size_t i = 0; i < n; i++)
                        print_names(&lookups[i]);
                return flush_output(EXIT_DONE);
        }

        if (columns.n == 0)
                (void) table_parse_columns(verb->default_columns, verb, &columns);
        table = table_new("devices", &options->table_options);
        if (!table || table_add_columns(table, &columns, verb) < 0 || fill_table(table, &columns, lookups, n) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        return table_print(table);
}
