/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Characters of protocols and file formats. The functions of <ctype.h> and <strings.h> follow the locale: in tr_TR "I"
 * and "i" are different letters.
 */

#include <stdbool.h>
#include <stddef.h>

static inline char ascii_tolower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static inline bool ascii_isdigit(char c) {
        return c >= '0' && c <= '9';
}

static inline bool ascii_isxdigit(char c) {
        return ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'f');
}

static inline bool ascii_isalnum(char c) {
        return ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z');
}

int ascii_strncasecmp(const char *a, const char *b, size_t n);
