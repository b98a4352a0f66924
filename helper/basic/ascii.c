/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ascii.h"

/** ascii_strncasecmp() - strncasecmp() for ASCII letters, whatever the locale is */
int ascii_strncasecmp(const char *a, const char *b, size_t n) {
        for (; n > 0; a++, b++, n--) {
                int difference = (unsigned char) ascii_tolower(*a) - (unsigned char) ascii_tolower(*b);

                if (difference != 0 || *a == '\0')
                        return difference;
        }

        return 0;
}
