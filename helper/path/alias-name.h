/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Names that the host gives to places, for the guest and its host: pcipath-aliases(5).
 */

#include <stddef.h>

#define ALIAS_NAME_MAX 63
#define ALIAS_CREDENTIAL "pcipath.aliases"
#define ALIAS_PARAMETER "pcipath.alias" /* of the kernel command line */

/* What "pcipath alias --apply" makes for udevd: the links of disks as rules, and interfaces for pcipath_altname. */
#define ALIAS_RULES_DIRECTORY "/run/udev/rules.d"
#define ALIAS_RULES ALIAS_RULES_DIRECTORY "/62-pcipath-alias.rules"
#define ALIAS_TABLE "/run/pcipath/aliases"

const char *alias_name_find_fault(const char *name, size_t n);
