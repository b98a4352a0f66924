/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Can a device be used already, and is it gone for good?
 */

#include <stdbool.h>

#include "lookup.h"
#include "monitor.h"

int usable_is_at(const struct usable *u, const char *path);
int usable_has_node(const struct usable *u);
bool lookup_is_ready(const struct lookup *lookup, const struct pci_path *path, enum monitor_source source);
int usable_find_taken_name(const struct usable *u, const struct pci_path *path, char **ret);
int path_has_links(const struct pci_path *path);
