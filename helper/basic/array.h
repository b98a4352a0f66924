/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Arrays that grow at their end.
 */

#include <errno.h>
#include <stddef.h>

/**
 * array_grow() - make room for more items
 * @items: a variable or member: the array, or NULL if it has no item yet
 * @n: the number of its items
 * @more: the number of items to make room for, at least 1
 *
 * Return: 0, or -ENOMEM: the array is as before.
 */
#define array_grow(items, n, more)                                                      \
        ({                                                                              \
                void *grown_ = array_reallocate((items), (n), (more), sizeof((items)[0])); \
                                                                                        \
                if (grown_)                                                             \
                        (items) = grown_;                                               \
                grown_ ? 0 : -ENOMEM;                                                   \
        })

void *array_reallocate(void *items, size_t n, size_t more, size_t item_size);
