/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Gives aliases to udevd: rules for disks and a table of interfaces, compiled once, before the events. */

#include <stdbool.h>

#include "alias-list.h"
#include "report.h"

int aliases_apply(const struct alias_list *list, const struct reporter *reporter, bool *ret_has_new_rules);
