/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "compare.h"
#include "machine-compare.h"
#include "options.h"

static const struct column columns[] = {
        { "CHANGE", "moved, went or came" },
        { "ID", "name in the monitor" },
        { "TYPE", "type in the monitor" },
        { "KIND", "kind of device" },
        { "OLD", "PCI path in the first source, and the suffix of a disk or interface" },
        { "NEW", "the same in the second source" },
        {},
};

static int print_place(const struct device *d, char **ret) {
        return compare_print_place(device_get_path(d), d->suffix ?: "", ret);
}

static int add_line(void *userdata, const struct device *before, const struct device *after) {
        _cleanup_free_ char *old = NULL, *new = NULL;
        struct libscols_table *table = userdata;
        const struct device *d = before ?: after;
        const char *change = !after ? "went" : (before ? "moved" : "came");
        struct libscols_line *line;

        if ((before && print_place(before, &old) < 0) || (after && print_place(after, &new) < 0))
                return -ENOMEM;
        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, 0, change) < 0 ||
            scols_line_set_data(line, 1, d->id) < 0 || scols_line_set_data(line, 2, d->type) < 0 ||
            scols_line_set_data(line, 3, d->kind) < 0 || scols_line_set_data(line, 4, old) < 0 ||
            scols_line_set_data(line, 5, new) < 0)
                return -ENOMEM;
        return 0;
}

static int print_differences(const struct options *options, const struct machine machines[static 2]) {
        _cleanup_table_ struct libscols_table *table = compare_table_new(&verb_compare, &options->table_options);

        if (!table || machine_compare(&machines[0], &machines[1], add_line, table) < 0)
                return log_error(EXIT_TROUBLE, "out of memory");
        return compare_table_print(table);
}

static int run_compare(int argc, char **argv) {
        struct machine machines[2] = { { .wants_labels = true }, { .wants_labels = true } };
        struct options options;
        int r;

        r = options_parse(argc, argv, &verb_compare, &options);
        if (r >= 0)
                return r;
        if (optind < argc)
                return options_refuse_argument(argv, &verb_compare);

        r = options_read(&options, 0, &machines[0]);
        if (r == EXIT_DONE)
                r = options_read(&options, 1, &machines[1]);
        if (r == EXIT_DONE)
                r = print_differences(&options, machines);
        else if (r == EXIT_FAILED)
                r = EXIT_TROUBLE;
        for (size_t i = 0; i < ELEMENTSOF(machines) && r != EXIT_TROUBLE; i++)
                options_warn(&options, i, &machines[i]);
        machine_clear(&machines[0]);
        machine_clear(&machines[1]);
        return r;
}

const struct verb verb_compare = {
        .name = "compare",
        .operands = "SOURCE SOURCE",
        .summary = "List the devices whose PCI paths differ between two machines",
        .description = "Exits with status 0 if there are none, with 1 if there are some, and with 2 if\n"
                       "an error occurs.",
        .option_rows = (const struct option_row[]){ TABLE_ROWS, SOURCE_ROWS, {} },
        .columns = columns,
        .run = run_compare,
};
