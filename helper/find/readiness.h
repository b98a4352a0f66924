/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is a device ready, and is a removed device gone for good? */

#include <stdbool.h>

#include "lookup.h"
#include "uevent-monitor.h"

int child_device_is_at(const struct child_device *u, const char *path);
int child_device_has_node(const struct child_device *u);
bool child_device_is_declared_unready(const struct child_device *u);
bool lookup_is_ready(const struct lookup *lookup, const struct pci_path *path, enum uevent_source source);
int child_device_find_stolen_name(const struct child_device *u, const struct pci_path *path, char **ret);
int path_has_links(const struct pci_path *path);
