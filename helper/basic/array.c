/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>

#include "array.h"

/* Most arrays stay below this size and get exactly what they need. Above it the size doubles. */
#define EXACT_MAX 8

/* Return: the number of items to allocate for @n, or 0 on overflow. */
static size_t get_capacity(size_t n) {
        size_t capacity = EXACT_MAX;

        if (n <= EXACT_MAX)
                return n;
        while (capacity != 0 && capacity < n)
                capacity *= 2;
        return capacity;
}

/**
 * array_reallocate() - the function of array_grow()
 *
 * It does not remember the size. It asks for it each time, which costs little if the memory has that size already.
 *
 * Return: the array, or NULL without memory; @items stays valid then.
 */
void *array_reallocate(void *items, size_t n, size_t more, size_t item_size) {
        size_t needed, capacity, size;

        if (__builtin_add_overflow(n, more, &needed))
                return NULL;
        capacity = get_capacity(needed);
        if (capacity == 0 || __builtin_mul_overflow(capacity, item_size, &size))
                return NULL;
        return realloc(items, size);
}
