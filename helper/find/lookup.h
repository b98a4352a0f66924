/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From what is asked for to what is there.
 */

#include <stdbool.h>
#include <stddef.h>

#include "descent.h"
#include "target.h"

/** struct lookup - what a look at one target found; cleared with lookup_clear() */
struct lookup {
        struct pci_descent descent;
        struct usables usables; /* the chosen first */
        size_t n_chosen;
        bool is_there; /* what is asked for: the function itself, or something chosen */
};

int lookup_target(const struct target *target, struct lookup *ret);
const char *lookup_address(const struct lookup *lookup);
int lookup_explain(const struct target *target, const struct lookup *lookup, char **ret);
void lookup_clear(struct lookup *lookup);
