/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The output of find and wait: a line for each device, or a table. */

#include "lookup.h"
#include "program.h"
#include "table.h"

struct found_options {
        struct table_options table_options;
        struct table_columns columns;
        bool is_table;
};

// clang-format off
#define FOUND_OPTION_ROWS \
        { 'J', "json", NULL, "Print JSON" }, \
        { 'n', "noheadings", NULL, "Do not print the headings of a table" }, \
        COLUMN_ROWS
// clang-format on

extern const struct column found_columns[];
#define FOUND_DEFAULT_COLUMNS "NAME,SUBSYSTEM"

int found_parse_option(int option, const struct verb *verb, struct found_options *options);
int found_print(const struct lookup *lookups, size_t n, const struct verb *verb, const struct found_options *options);
