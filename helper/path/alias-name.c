/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdbool.h>

#include "alias-name.h"
#include "ascii.h"
#include "link-names.h"
#include "util.h"

static bool is_equal(const char *name, size_t n, const char *text) {
        return n == strlen(text) && memcmp(name, text, n) == 0;
}

/* The kernel's tables of sysctls have "all" and "default" beside the interfaces. */
static bool is_reserved(const char *name, size_t n) {
        return is_equal(name, n, "lo") || is_equal(name, n, "all") || is_equal(name, n, "default");
}

/* The name of a partition of another alias ends like this. */
static bool ends_as_partition(const char *name, size_t n) {
        size_t end = n;

        while (end > 0 && ascii_isdigit(name[end - 1]))
                end--;
        return end < n && end >= strlen(PARTITION_SUFFIX) &&
               memcmp(name + end - strlen(PARTITION_SUFFIX), PARTITION_SUFFIX, strlen(PARTITION_SUFFIX)) == 0;
}

/**
 * alias_name_find_fault() - check a name that a host gives
 * @name: need not end with a null byte
 *
 * Return: NULL, or the reason why it is not allowed.
 */
const char *alias_name_find_fault(const char *name, size_t n) {
        if (n == 0)
                return "the name is empty";
        if (n > ALIAS_NAME_MAX)
                return "the name is longer than 63 characters";
        if (name[0] < 'a' || name[0] > 'z')
                return "the name does not begin with a letter from a to z";
        for (size_t i = 0; i < n; i++)
                if (!(name[i] >= 'a' && name[i] <= 'z') && !ascii_isdigit(name[i]) && name[i] != '.' &&
                    name[i] != '_' && name[i] != '-')
                        return "the name contains a character that is not one of a-z, 0-9, '.', '_' and '-'";
        if (is_reserved(name, n))
                return "the names lo, all and default are reserved";
        if (n >= strlen(INTERFACE_PREFIX) && memcmp(name, INTERFACE_PREFIX, strlen(INTERFACE_PREFIX)) == 0)
                return "names that begin with " INTERFACE_PREFIX " are reserved for PCI paths";
        if (ends_as_partition(name, n))
                return "names that end in " PARTITION_SUFFIX " and digits are reserved for partitions";
        return NULL;
}
