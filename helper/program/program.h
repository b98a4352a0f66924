/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What pcipath and pcipath-host share: verbs, exit statuses, help and complaints.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encode.h"
#include "pci-path.h"
#include "util.h"

enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,   /* or a path that cannot be read */
        EXIT_ABSENT = 3,  /* not there, or no PCI path */
        EXIT_TIMEOUT = 4,
};

/** struct verb - one word after the program's name */
struct verb {
        const char *name;
        const char *arguments;
        const char *summary;
        const char *options; /* lines of help */
        int (*run)(int argc, char **argv);
};

/** struct program - what a main() file is */
struct program {
        const char *name;
        const char *summary;
        const struct verb *const *verbs;
        size_t n_verbs;
        const char *const *not_built; /* verbs that this build has not, and NULL; or NULL */
};

extern const struct program program;

/* Every verb has these two; parse_common() acts on them, and on what getopt_long() refuses. */
#define OPTION_HELP 'h'
#define OPTION_VERSION 0x100
#define COMMON_OPTIONS { "help", no_argument, NULL, OPTION_HELP }, { "version", no_argument, NULL, OPTION_VERSION }

int program_run(int argc, char **argv);
int parse_common(int option, char **argv, const struct verb *verb);

enum encode_flags program_encode_flags(void);
_printf_(2, 3) int log_error(int status, const char *format, ...);
int log_path_error(const char *text, const struct pci_path_error *error);
int parse_seconds(const char *text, uint64_t *ret);
int flush_output(int status);
