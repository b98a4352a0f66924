/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Beside udevd: remove links by PCI path that are wrong and that udevd does not know of.
 */

#include <stdbool.h>

#include "report.h"

int links_prune(const struct reporter *reporter, bool dry_run);
