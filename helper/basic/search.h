/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Binary search in whatever is in order.
 */

#include <stddef.h>

/* Compares @wanted with item @i. Return: as strcmp(). */
typedef int (*search_compare_fn)(size_t i, const void *wanted);

/**
 * search_first() - the first item that does not come before @wanted
 *
 * bsearch() returns any of several equal items, and no index for a missing one.
 *
 * Return: its index, or @n when all of them come before.
 */
static inline size_t search_first(size_t n, search_compare_fn compare, const void *wanted) {
        size_t from = 0, to = n;

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (compare(middle, wanted) > 0)
                        from = middle + 1;
                else
                        to = middle;
        }

        return from;
}

/**
 * search_only() - the item that equals @wanted
 *
 * Return: its index, or @n when there is none, or more than one.
 */
static inline size_t search_only(size_t n, search_compare_fn compare, const void *wanted) {
        size_t at = search_first(n, compare, wanted);

        if (at == n || compare(at, wanted) != 0)
                return n;
        return at + 1 < n && compare(at + 1, wanted) == 0 ? n : at;
}
