/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The option table of a verb. getopt's options, the synopsis, --help and completion come from it.
 */

#include <assert.h>
#include <getopt.h>
#include <stdio.h>

#include "program.h"

#define OPTIONS_MAX 16
#define LINE_WIDTH 80

static bool is_heading(const struct option_row *row) {
        return !row->name;
}

static bool has_letter(const struct option_row *row) {
        return row->id < OPTION_WITHOUT_LETTER;
}

static int argument_type(const struct option_row *row) {
        if (!row->argument)
                return no_argument;
        return row->argument[0] == '[' ? optional_argument : required_argument;
}

/**
 * verb_next_option() - getopt_long() with the options of a verb
 *
 * Return: the id of the option, ':' if its argument is missing, '?' if it is unknown or has an argument that it does
 * not take, or -1 after the last option.
 */
int verb_next_option(const struct verb *verb, int argc, char **argv) {
        struct option options[OPTIONS_MAX + 1] = {};
        char letters[2 * OPTIONS_MAX + 3] = "+:", *letter = letters + 2;
        size_t n = 0;

        for (const struct option_row *row = verb->option_rows; row->help; row++) {
                if (is_heading(row))
                        continue;
                assert(n < OPTIONS_MAX);
                options[n++] = (struct option){ row->name, argument_type(row), NULL, row->id };
                if (!has_letter(row))
                        continue;
                /* Only a long option can have an optional argument. */
                assert(argument_type(row) != optional_argument);
                *letter++ = (char) row->id;
                if (row->argument)
                        *letter++ = ':';
        }
        *letter = '\0';

        return getopt_long(argc, argv, verb->runs_command ? letters : letters + 1, options, NULL);
}

/* "--type=TYPE", "--links[=DIR]" or "--all". Return: its length, as snprintf(). */
static int print_long_option(const struct option_row *row, char *buf, size_t size) {
        const char *equals = argument_type(row) == required_argument ? "=" : "";

        return snprintf(buf, size, "--%s%s%s", row->name, equals, row->argument ?: "");
}

#define OPTION_TEXT_MAX 64

/* The short form if there is one: "[-t TYPE]", "[--links[=DIR]]". */
static void print_usage_of_option(const struct option_row *row, char *buf, size_t size) {
        char option[OPTION_TEXT_MAX];

        if (has_letter(row))
                snprintf(buf, size, "[-%c%s%s]", row->id, row->argument ? " " : "", row->argument ?: "");
        else {
                print_long_option(row, option, sizeof(option));
                snprintf(buf, size, "[%s]", option);
        }
}

static void print_synopsis(const struct verb *verb) {
        int indent = printf("%s %s", program.name, verb->name), column = indent;
        char text[OPTION_TEXT_MAX + 2];

        /* The operands stand for the options below a heading, such as SOURCE. */
        for (const struct option_row *row = verb->option_rows; row->help && !is_heading(row); row++) {
                int width;

                if (row->id == OPTION_HELP || row->id == OPTION_VERSION)
                        continue;
                print_usage_of_option(row, text, sizeof(text));
                width = (int) strlen(text) + 1;
                if (column + width > LINE_WIDTH) {
                        printf("\n%*s", indent, "");
                        column = indent;
                }
                column += printf(" %s", text);
        }
        if (*verb->operands != '\0') {
                if (column + 1 + (int) strlen(verb->operands) > LINE_WIDTH)
                        printf("\n%*s", indent, "");
                printf(" %s", verb->operands);
        }
        putchar('\n');
}

/* @help may have several lines. */
static void print_aligned(const char *name, int width, const char *help) {
        for (;;) {
                int n = (int) strcspn(help, "\n");

                printf("  %-*s  %.*s\n", width, name, n, help);
                if (help[n] == '\0')
                        return;
                help += n + 1;
                name = "";
        }
}

/* Up to the next heading. Return: that heading, or the end of the table. */
static const struct option_row *print_section(const struct option_row *first) {
        char option[OPTION_TEXT_MAX], text[OPTION_TEXT_MAX + 3];
        const struct option_row *row;
        bool any_letter = false;
        int width = 0;

        for (row = first; row->help && !is_heading(row); row++) {
                int n = print_long_option(row, option, sizeof(option));

                assert(n < (int) sizeof(option));
                width = n > width ? n : width;
                any_letter = any_letter || has_letter(row);
        }

        for (row = first; row->help && !is_heading(row); row++) {
                const char letter[] = { '-', (char) row->id, ' ', '\0' };
                const char *before = has_letter(row) ? letter : (any_letter ? "   " : "");

                print_long_option(row, option, sizeof(option));
                snprintf(text, sizeof(text), "%s%s", before, option);
                print_aligned(text, width + (any_letter ? 3 : 0), row->help);
        }

        return row;
}

static void print_columns(const struct verb *verb) {
        int width = 0;

        for (const struct column *column = verb->columns; column->name; column++)
                width = (int) strlen(column->name) > width ? (int) strlen(column->name) : width;

        printf("\nColumns:\n");
        for (const struct column *column = verb->columns; column->name; column++)
                print_aligned(column->name, width, column->help);
        if (verb->default_columns)
                printf("\nDefault: %s\n", verb->default_columns);
}

/** verb_print_help() - the synopsis, the description, the options and the columns */
void verb_print_help(const struct verb *verb) {
        const struct option_row *row = verb->option_rows;

        print_synopsis(verb);
        printf("\n%s.\n", verb->summary);
        if (verb->description)
                printf("%s\n", verb->description);
        putchar('\n');

        for (row = print_section(row); row->help; row = print_section(row + 1))
                printf("\n%s\n", row->help);
        if (verb->columns)
                print_columns(verb);
        printf("\nSee %s(1) and pcipath-names(7).\n", program.name);
}

/** verb_list_options() - a line for each long option, with a "=" at the end if it needs an argument; for completion */
void verb_list_options(const struct verb *verb) {
        for (const struct option_row *row = verb->option_rows; row->help; row++)
                if (!is_heading(row))
                        printf("--%s%s\n", row->name, argument_type(row) == required_argument ? "=" : "");
}

/** verb_list_columns() - a line for each column */
void verb_list_columns(const struct verb *verb) {
        for (const struct column *column = verb->columns; column->name; column++)
                puts(column->name);
}
