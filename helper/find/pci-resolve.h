/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Resolves a PCI path to the function that is plugged in there, hop by hop. The opposite of pci-function.h. */

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "pci-path.h"

/** struct pci_resolution - how far the machine follows a path */
struct pci_resolution {
        bool has_root;
        bool is_unknown;        /* the first function exists, but the host does not know its domain */
        size_t n_hops;          /* the number of hops that exist */
        char syspath[PATH_MAX]; /* of the last function that exists, or of the root when n_hops is 0 */
};

int pci_path_resolve(const struct pci_path *path, struct pci_resolution *ret);
int pci_list_functions(const char *syspath, struct dirent ***ret);
bool pci_is_root_bus(const char *bus);
