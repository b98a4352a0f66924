/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the verb compare of both commands prints, and its exit statuses.
 */

#include "pci-path.h"
#include "program.h"
#include "table.h"

/* As diff(1) and cmp(1) do: 1 is a difference, so an error is 2. */
enum {
        EXIT_SAME = EXIT_DONE,
        EXIT_DIFFERENT = EXIT_FAILED,
        EXIT_TROUBLE = EXIT_USAGE,
};

struct libscols_table *compare_table_new(const struct verb *verb, const struct table_options *options);
int compare_table_print(struct libscols_table *table);
int compare_print_place(const struct pci_path *path, const char *suffix, char **ret);
