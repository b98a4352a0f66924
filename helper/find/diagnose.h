/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Explains in a sentence how far the machine follows a path. */

#include "pci-resolve.h"
#include "pci-path.h"

int pci_resolution_diagnose(const struct pci_path *path, const struct pci_resolution *resolution, char **ret);
int pci_address_find_path(const struct pci_path *path, struct pci_path *ret);
