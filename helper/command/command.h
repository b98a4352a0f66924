/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Functions that several verbs of pcipath use: parsing of arguments, and error messages.
 */

#include "lookup.h"
#include "program.h"

extern const struct verb verb_list, verb_tree, verb_of, verb_find, verb_wait, verb_open, verb_convert, verb_probe;
extern const struct verb verb_coldplug, verb_monitor, verb_prune, verb_cdi, verb_compare, verb_alias;

struct alias_list;

int log_alias_errors(const struct alias_list *list);
int log_absent(const char *text, const struct device_spec *spec, const struct lookup *lookup);
int log_lookup_error(const char *text, const struct lookup *lookup, int r);
int expand_alias(const char *text, char **ret);
int parse_device_spec(const char *text, const char *type, struct device_spec *ret);
