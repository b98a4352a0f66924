/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registers the name of a network interface by PCI path as an alternative name (rtnetlink(7)). */

#include "interface-name.h"
#include "string-list.h"

int altname_add(const char *syspath, const char *flat, char name[static INTERFACE_NAME_MAX + 1]);
int altname_add_alias(const char *syspath, const char *alias);
void altname_remove_alias(const char *syspath, const char *alias);
int altname_read_aliases(const char *name, struct string_list *ret);
void altname_ask_for_event(const char *syspath);
int altname_diagnose(const char *syspath, const char *name, int error, char **ret);
