/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <langinfo.h>
#include <stdio.h>
#include <unistd.h>

#include "program.h"
#include "table.h"

/* https://no-color.org, and a terminal that cannot. */
static bool want_colors(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && !streq(term, "dumb");
}

/**
 * table_new() - an empty table
 * @name: of the array in JSON
 *
 * Return: NULL when memory is out.
 */
struct libscols_table *table_new(const char *name, const struct table_options *options) {
        struct libscols_table *table;

        table = scols_new_table();
        if (!table)
                return NULL;

        scols_table_enable_json(table, options->json);
        scols_table_enable_noheadings(table, options->no_headings);
        scols_table_enable_ascii(table, !streq(nl_langinfo(CODESET), "UTF-8"));
        scols_table_enable_colors(table, want_colors());
        if (scols_table_set_name(table, name) < 0) {
                scols_unref_table(table);
                return NULL;
        }

        return table;
}

/**
 * table_add_root_bus() - the line of a tree that those of the root bus' functions are below
 * @path_column: where @path is to stand
 * @kind_column: where is to stand that it is a root bus
 *
 * Return: NULL when memory is out.
 */
struct libscols_line *table_add_root_bus(struct libscols_table *table, size_t path_column, const char *path, size_t kind_column) {
        struct libscols_line *line;

        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, path_column, path) < 0 ||
            scols_line_set_data(line, kind_column, "root bus") < 0 || scols_line_set_color(line, "bold") < 0)
                return NULL;
        return line;
}

/**
 * table_print() - write it to standard output
 *
 * Return: an exit status.
 */
int table_print(struct libscols_table *table) {
        int r;

        r = scols_print_table(table);
        return r < 0 ? complain(EXIT_FAILED, "cannot write: %s", strerror(-r)) : flush_output(EXIT_DONE);
}
