/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the verbs of pcipath share: exit statuses, complaints, and the reading of what a user names.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lookup.h"
#include "util.h"

enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,   /* or a path that cannot be read */
        EXIT_ABSENT = 3,  /* not there, or no PCI path */
        EXIT_TIMEOUT = 4,
};

/** struct verb - one word after "pcipath" */
struct verb {
        const char *name;
        const char *arguments;
        const char *summary;
        const char *options; /* lines of help */
        int (*run)(int argc, char **argv);
};

extern const struct verb verb_list, verb_tree, verb_of, verb_find, verb_wait, verb_convert;

/* Every verb has these two; parse_common() acts on them, and on what getopt_long() refuses. */
#define OPTION_HELP 'h'
#define OPTION_VERSION 0x100
#define COMMON_OPTIONS { "help", no_argument, NULL, OPTION_HELP }, { "version", no_argument, NULL, OPTION_VERSION }

int print_help(const struct verb *verb);
int print_version(void);
int parse_common(int option, char **argv, const struct verb *verb);

_printf_(2, 3) int complain(int status, const char *format, ...);
int complain_of_path(const char *text, const struct pci_path_error *error);
int complain_of_absence(const char *text, const struct target *target, const struct lookup *lookup);
int flush_output(int status);
int parse_target(const char *text, const char *type, struct target *ret);
void print_found(const struct lookup *lookup);
