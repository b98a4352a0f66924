/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scan of the machine: its PCI functions, sorted by path, and their child devices. */

#include <stdbool.h>
#include <stddef.h>

#include "children.h"
#include "pci-path.h"
#include "string-list.h"

struct function {
        char *syspath;
        const char *address; /* 0000:01:00.0 */
        struct pci_path path; /* n_hops is 0 when the function has no path */
        struct function *bridge; /* the bridge above the function; NULL on a root bus */
        bool is_unreadable;
        struct child_devices children;
        void *userdata; /* for the caller; NULL at first */
};

/* Functions sorted by path; functions without a path come last. */
struct enumeration {
        struct function **functions;
        size_t n;
        struct function **by_address;
        bool is_strict; /* an unreadable device is an error */
        struct string_list unreadable; /* "SYSPATH: reason" for each unreadable device, but not for devices behind it */
};

int enumerate_functions(struct enumeration *ret);
int enumerate_readable_functions(struct enumeration *ret);
void enumeration_clear(struct enumeration *enumeration);

#define _cleanup_enumeration_ __attribute__((__cleanup__(enumeration_clear)))
