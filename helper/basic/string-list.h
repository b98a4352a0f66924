/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Strings in the order in which they were added.
 */

#include <stdbool.h>
#include <stddef.h>

struct string_list {
        char **items; /* after the last is NULL, if there is any */
        size_t n;
};

int string_list_add(struct string_list *list, const char *text);
int string_list_join(struct string_list *list, const char *directory, const char *name);
bool string_list_has(const struct string_list *list, const char *text);
void string_list_clear(struct string_list *list);

#define _cleanup_string_list_ __attribute__((__cleanup__(string_list_clear)))
