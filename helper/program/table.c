/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <unistd.h>

#include "ascii.h"
#include "program.h"
#include "table.h"

/* See https://no-color.org. */
static bool want_colors(void) {
        const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && !streq(term, "dumb");
}

static bool find_column(const char *text, size_t n, const struct column *columns, size_t *ret) {
        for (size_t i = 0; columns[i].name; i++)
                if (strlen(columns[i].name) == n && ascii_strncasecmp(columns[i].name, text, n) == 0) {
                        *ret = i;
                        return true;
                }

        return false;
}

/**
 * table_parse_columns() - parse the argument of --output
 * @text: names with commas between; a '+' before the first adds them to the default columns, as with lsblk
 *
 * Return: EXIT_DONE, or EXIT_USAGE after an error message.
 */
int table_parse_columns(const char *text, const struct verb *verb, struct table_columns *ret) {
        struct table_columns columns = {};

        if (*text == '+') {
                (void) table_parse_columns(verb->default_columns, verb, &columns);
                text++;
        }

        for (;;) {
                size_t n = strcspn(text, ",");

                if (columns.n == TABLE_COLUMNS_MAX)
                        return log_usage_error(verb, "more than %d columns", TABLE_COLUMNS_MAX);
                if (!find_column(text, n, verb->columns, &columns.items[columns.n++]))
                        return log_usage_error(verb, "unknown column '%.*s'", (int) n, text);
                if (text[n] == '\0')
                        break;
                text += n + 1;
        }

        *ret = columns;
        return EXIT_DONE;
}

/** table_add_columns() - Return: 0 or -ENOMEM. */
int table_add_columns(struct libscols_table *table, const struct table_columns *columns, const struct verb *verb) {
        for (size_t i = 0; i < columns->n; i++)
                if (!scols_table_new_column(table, verb->columns[columns->items[i]].name, 0, 0))
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
        scols_table_enable_noencoding(table, true); /* table_print() encodes */
        scols_table_enable_ascii(table, program_encode_flags() & ENCODE_ASCII);
        scols_table_enable_colors(table, want_colors());
        if (scols_table_set_name(table, name) < 0) {
                scols_unref_table(table);
                return NULL;
        }

        return table;
}

/**
 * table_add_root_bus() - add a root bus, the parent of its functions' lines
 * @path_column: column of @path
 * @kind_column: column of the text "root bus"
 *
 * Return: NULL when memory is out.
 */
struct libscols_line *table_add_root_bus(struct libscols_table *table, size_t path_column, const char *path,
                                         size_t kind_column) {
        struct libscols_line *line;

        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, path_column, path) < 0 ||
            scols_line_set_data(line, kind_column, "root bus") < 0 || scols_line_set_color(line, "bold") < 0)
                return NULL;
        return line;
}

/**
 * table_shorten_path() - the part of a function's path that a tree prints below the line of its bridge
 *
 * The drawing shows the hops above it. JSON always has the whole path.
 *
 * Return: the last hop, or @path if the whole path is wanted.
 */
char *table_shorten_path(const struct table_options *options, char *path) {
        char *last = strrchr(path, '/');

        return last && !options->full && !options->json ? last + 1 : path;
}

/* True for nearly every cell. A plain cell needs no copy. */
static bool is_plain(const char *text) {
        while (*text >= ' ' && *text <= '~' && *text != '\\')
                text++;
        return *text == '\0';
}

/* A column of cells with several lines has the newline as a safe character. */
static int encode_line(struct libscols_table *table, struct libscols_line *line) {
        for (size_t i = 0; i < scols_table_get_ncols(table); i++) {
                const char *safe = scols_column_get_safechars(scols_table_get_column(table, i));
                const char *data = scols_cell_get_data(scols_line_get_cell(line, i));
                char *text;

                if (!data || is_plain(data))
                        continue;
                if (encode_text_new(data, program_encode_flags() | ENCODE_BACKSLASH, safe, &text) < 0 ||
                    scols_line_refer_data(line, i, text) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/* Uses an iterator because scols_table_get_line() walks from the first line each time. */
static int encode_cells(struct libscols_table *table) {
        struct libscols_iter *iter = scols_new_iter(SCOLS_ITER_FORWARD);
        struct libscols_line *line;
        int r = iter ? 0 : -ENOMEM;

        while (r >= 0 && scols_table_next_line(table, iter, &line) == 0)
                r = encode_line(table, line);
        scols_free_iter(iter);
        return r;
}

static void remove_trailing_blanks(char *text) {
        char *to = text;

        for (const char *from = text; *from != '\0'; from++) {
                while (*from == '\n' && to > text && to[-1] == ' ')
                        to--;
                *to++ = *from;
        }
        *to = '\0';
}

/* libsmartcols prints an empty array as "[ null ]". Does not change strings. */
static void empty_null_arrays(char *json) {
        bool in_string = false;
        char *to = json;

        for (const char *from = json; *from != '\0'; from++) {
                const char *null = from + 1 + strspn(from + 1, " \n"), *end;

                if (in_string && *from == '\\')
                        *to++ = *from++;
                else if (*from == '"')
                        in_string = !in_string;
                *to++ = *from;

                end = null + strlen("null");
                if (in_string || *from != '[' || strncmp(null, "null", 4) != 0)
                        continue;
                end += strspn(end, " \n");
                if (*end == ']')
                        from = end - 1;
        }
        *to = '\0';
}

/* scols_print_table_to_string() of util-linux 2.38 leaves out the last newline. */
static int print_to_string(struct libscols_table *table, char **ret) {
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(ret, &size);
        if (!out)
                return -ENOMEM;

        r = scols_table_set_stream(table, out);
        if (r >= 0)
                r = scols_print_table(table);
        (void) scols_table_set_stream(table, stdout);
        return finish_memstream(out, ret) < 0 ? -ENOMEM : r;
}

/**
 * table_print() - write it to standard output
 *
 * Return: an exit status.
 */
int table_print(struct libscols_table *table) {
        _cleanup_free_ char *text = NULL, *json = NULL;
        bool is_json = scols_table_is_json(table);

        if ((!is_json && encode_cells(table) < 0) || print_to_string(table, &text) < 0 ||
            (is_json && encode_json_new(text, &json) < 0))
                return log_error(EXIT_FAILED, "out of memory");
        if (is_json)
                empty_null_arrays(json);
        else
                remove_trailing_blanks(text);

        fputs(json ?: text, stdout);
        return flush_output(EXIT_DONE);
}
