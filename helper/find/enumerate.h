/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One look at the machine: its PCI functions, by path, and what can be used below them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "children.h"
#include "pci-path.h"
#include "string-list.h"

struct function {
        char *syspath;
        const char *address; /* 0000:01:00.0 */
        struct pci_path path; /* n_hops is 0 when the naming contract has no name for it */
        struct function *bridge; /* that it is behind; NULL on a root bus */
        bool is_unreadable;
        struct child_devices children;
        void *userdata; /* of who walks the inventory; NULL before */
};

/* Functions in the order of their paths, those without one last. */
struct enumeration {
        struct function **functions;
        size_t n;
        struct function **by_address;
        bool is_strict; /* nothing may be missing */
        struct string_list unreadable; /* "SYSPATH: reason" of what is missing here, but not of what is behind it */
};

int enumerate_functions(struct enumeration *ret);
int enumerate_readable_functions(struct enumeration *ret);
void enumeration_clear(struct enumeration *enumeration);

#define _cleanup_enumeration_ __attribute__((__cleanup__(enumeration_clear)))
