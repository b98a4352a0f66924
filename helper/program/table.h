/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A table, tree or JSON of libsmartcols, as the other tools of util-linux print them.
 */

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>

struct table_options {
        bool json;
        bool no_headings;
        bool full; /* a tree prints whole paths */
};

#define TABLE_COLUMNS_MAX 16

/** struct table_columns - indices of columns of a verb, in the order of output */
struct table_columns {
        size_t items[TABLE_COLUMNS_MAX];
        size_t n;
};

struct verb;

int table_parse_columns(const char *text, const struct verb *verb, struct table_columns *ret);
int table_add_columns(struct libscols_table *table, const struct table_columns *columns, const struct verb *verb);
struct libscols_table *table_new(const char *name, const struct table_options *options);
struct libscols_line *table_add_root_bus(struct libscols_table *table, size_t path_column, const char *path,
                                         size_t kind_column);
char *table_shorten_path(const struct table_options *options, char *path);
int table_print(struct libscols_table *table);

static inline void unref_tablep(struct libscols_table **table) {
        scols_unref_table(*table);
}

#define _cleanup_table_ _cleanup_(unref_tablep)
