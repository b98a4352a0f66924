/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <langinfo.h>
#include <stdio.h>
#include <unistd.h>

#include "ascii.h"
#include "program.h"
#include "table.h"

/* https://no-color.org, and a terminal that cannot. */
static bool want_colors(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && !streq(term, "dumb");
}

static bool find_column(const char *text, size_t n, table_name_fn name, size_t *ret) {
        const char *known;

        for (size_t i = 0; (known = name(i)); i++)
                if (strlen(known) == n && ascii_strncasecmp(known, text, n) == 0) {
                        *ret = i;
                        return true;
                }

        return false;
}

/**
 * table_parse_columns() - names with commas between; a '+' before the first adds to the usual ones, as with lsblk
 * @usual: the names of the usual ones
 * @verb: whose --help has them all
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int table_parse_columns(const char *text, const char *usual, table_name_fn name, const char *verb, struct table_columns *ret) {
        struct table_columns columns = {};

        if (*text == '+') {
                (void) table_parse_columns(usual, NULL, name, verb, &columns);
                text++;
        }

        for (;;) {
                size_t n = strcspn(text, ",");

                if (columns.n == TABLE_COLUMNS_MAX)
                        return complain(EXIT_USAGE, "more than %d columns", TABLE_COLUMNS_MAX);
                if (!find_column(text, n, name, &columns.items[columns.n++]))
                        return complain(EXIT_USAGE, "'%.*s' is no column (see %s %s --help)", (int) n, text, program.name, verb);
                if (text[n] == '\0')
                        break;
                text += n + 1;
        }

        *ret = columns;
        return EXIT_DONE;
}

/** table_add_columns() - Return: 0 or -ENOMEM. */
int table_add_columns(struct libscols_table *table, const struct table_columns *columns, table_name_fn name) {
        for (size_t i = 0; i < columns->n; i++)
                if (!scols_table_new_column(table, name(columns->items[i]), 0, 0))
                        return -ENOMEM;

        return 0;
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
