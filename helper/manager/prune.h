/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Beside udevd: links by PCI path that are nobody's, and that udevd does not know of.
 */

#include <stdbool.h>

int links_prune(bool dry_run);
