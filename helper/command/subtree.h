/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The path arguments of "list" and "tree". They select the functions at and behind these paths.
 */

#include "enumerate.h"

struct subtrees {
        char **texts;
        struct pci_path *paths;
        size_t n; /* 0: everything */
};

int subtrees_parse(char **texts, size_t n, struct subtrees *ret);
int log_unreadable_error(const struct enumeration *enumeration);
int subtrees_check(const struct subtrees *subtrees, const struct enumeration *enumeration);
bool subtrees_have(const struct subtrees *subtrees, const struct function *f);
void subtrees_clear(struct subtrees *subtrees);
