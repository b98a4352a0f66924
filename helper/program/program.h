/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The verbs, help and error messages of pcipath and pcipath-host.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encode.h"
#include "exit-status.h"
#include "pci-path.h"
#include "util.h"

/**
 * struct option_row - one option of a verb, or a heading above the options that follow
 *
 * A row without a name is a heading. A row without a help text ends the table.
 */
struct option_row {
        int id;               /* its letter, or a number from OPTION_WITHOUT_LETTER on */
        const char *name;
        const char *argument; /* "TYPE", "[=DIR]" if it is optional, or NULL */
        const char *help;     /* may have several lines */
};

#define OPTION_WITHOUT_LETTER 0x100

/** struct column - a column of a verb's table; the row without a name is the last */
struct column {
        const char *name;
        const char *help; /* may have several lines */
};

/** struct verb - a command of the program; --help, getopt_long() and completion use the table of its options */
struct verb {
        const char *name;
        const char *operands;
        const char *summary;
        const char *description; /* lines of help between the summary and the options, or NULL */
        const struct option_row *option_rows;
        const struct column *columns; /* or NULL */
        const char *default_columns;  /* with commas between, or NULL */
        bool runs_command;            /* options end at the first operand: those of a command follow */
        int (*run)(int argc, char **argv);
};

/** struct program - defined by the file of main() */
struct program {
        const char *name;
        const char *summary;
        const struct verb *const *verbs;
        size_t n_verbs;
        const char *const *not_built; /* verbs that this build lacks, and NULL; or NULL */
};

extern const struct program program;

/* Every verb has these two. parse_common() handles them, and the options that getopt_long() refuses. */
#define OPTION_HELP 'h'
#define OPTION_VERSION OPTION_WITHOUT_LETTER
// clang-format off
#define COMMON_ROWS \
        { OPTION_HELP, "help", NULL, "Show this help" }, \
        { OPTION_VERSION, "version", NULL, "Show the version and what was built in" }
// clang-format on

/* parse_common() handles this one, too. Verbs that have columns have it. */
#define OPTION_LIST_COLUMNS (OPTION_WITHOUT_LETTER + 1)
// clang-format off
#define COLUMN_ROWS \
        { 'o', "output", "COLUMNS", "Print these columns, separated by commas; +COLUMNS adds\n" \
                                    "them to the default ones" }, \
        { OPTION_LIST_COLUMNS, "list-columns", NULL, "Print the names of all columns" }
// clang-format on

int program_run(int argc, char **argv);
int parse_common(int option, char **argv, const struct verb *verb);

int verb_next_option(const struct verb *verb, int argc, char **argv);
void verb_print_help(const struct verb *verb);
void verb_list_options(const struct verb *verb);
void verb_list_columns(const struct verb *verb);

enum encode_flags program_encode_flags(void);
_printf_(2, 3) int log_error(int status, const char *format, ...);
_printf_(2, 3) int log_usage_error(const struct verb *verb, const char *format, ...);
int log_path_error(const char *text, const struct pci_path_error *error);
int parse_seconds(const struct verb *verb, const char *text, uint64_t *ret);
int flush_output(int status);
void keep_heap_small(void);
