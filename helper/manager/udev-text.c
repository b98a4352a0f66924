/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdbool.h>

#include "ascii.h"
#include "encode.h"
#include "sysfs.h"
#include "udev-text.h"
#include "util.h"

static bool is_space(char c) {
        return c != '\0' && strchr(" \t\n\v\f\r", c);
}

/** udev_replace_whitespace() - remove white space at both ends, and put a '_' for each other piece of it */
void udev_replace_whitespace(char *text) {
        char *to = text, *from = text;

        while (is_space(*from))
                from++;
        while (*from != '\0') {
                char c = *from++;

                if (!is_space(c)) {
                        *to++ = c;
                        continue;
                }
                while (is_space(*from))
                        from++;
                if (*from != '\0')
                        *to++ = '_';
        }
        *to = '\0';
}

/* The length of a valid character of several bytes, or 0. */
static size_t character_length(const char *text) {
        unsigned char first = (unsigned char) *text;
        size_t n = first >= 0xf0 ? 4 : (first >= 0xe0 ? 3 : (first >= 0xc2 ? 2 : 0));
        char character[5] = "";

        if (n == 0 || strnlen(text, n) < n)
                return 0;
        memcpy(character, text, n);
        return text_is_printable(character) ? n : 0;
}

static bool is_allowed(char c, const char *allowed) {
        return ascii_isdigit(c) || (ascii_tolower(c) >= 'a' && ascii_tolower(c) <= 'z') || strchr("#+-.:=@_", c) ||
               strchr(allowed, c);
}

/**
 * udev_replace_characters() - put a '_' for each byte that udev does not allow
 *
 * Valid characters that are not ASCII and what looks like an escape sequence are kept.
 */
void udev_replace_characters(char *text, const char *allowed) {
        for (char *p = text; *p != '\0';) {
                size_t n = is_allowed(*p, allowed) ? 1 : (strncmp(p, "\\x", 2) == 0 ? 2 : character_length(p));

                if (n == 0)
                        *p = is_space(*p) && strchr(allowed, ' ') ? ' ' : '_';
                p += n > 0 ? n : 1;
        }
}

/**
 * udev_read_attribute() - read an attribute as $attr{} of a rule does
 *
 * Return: its length, 0 if it is empty, or a negative errno; the text is empty then, too.
 */
int udev_read_attribute(const char *syspath, const char *name, char buf[static UDEV_TEXT_MAX]) {
        size_t n;
        int r;

        *buf = '\0';
        r = sysfs_read_attribute(syspath, name, UDEV_TEXT_MAX, buf);
        if (r < 0)
                return r;
        for (n = strlen(buf); n > 0 && is_space(buf[n - 1]); n--)
                buf[n - 1] = '\0';
        udev_replace_characters(buf, "/ $%?,");
        return (int) n;
}
