/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdbool.h>
#include <string.h>

#include "pci-path.h"
#include "syspath.h"

/*
 * DDDD:BB:SS.F, with up to eight digits for the domain. The separators are compared first, because most names do not
 * match.
 */
static bool is_function_name(const char *name, size_t n) {
        char copy[sizeof("ffffffff:ff:1f.7")];
        struct pci_hop unused;

        if (n < strlen("0000:00:00.0") || n >= sizeof(copy) || name[n - 2] != '.' || name[n - 5] != ':' ||
            name[n - 8] != ':')
                return false;

        memcpy(copy, name, n);
        copy[n] = '\0';
        return pci_hop_parse_sysname(copy, &unused) == 0;
}

/**
 * syspath_find_function() - find the nearest PCI function at or above a device by the names in its syspath
 * @end: use only the first @end bytes; must be the end of a name
 *
 * Only PCI functions have such names.
 *
 * Return: the length of the function's syspath, or 0 when there is none.
 */
size_t syspath_find_function(const char *syspath, size_t end) {
        while (end > 0) {
                size_t start = end;

                while (start > 0 && syspath[start - 1] != '/')
                        start--;
                if (is_function_name(syspath + start, end - start))
                        return end;
                end = start > 0 ? start - 1 : 0;
        }

        return 0;
}
