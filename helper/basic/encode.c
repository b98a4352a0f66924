/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"

/* RFC 3629. Return: the length of the character that @text begins with, or 0 when the sequence is invalid. */
static size_t decode_character(const char *text, uint32_t *ret) {
        static const uint32_t least[] = { [1] = 0, [2] = 0x80, [3] = 0x800, [4] = 0x10000 };
        const unsigned char *p = (const unsigned char *) text;
        size_t n = *p < 0x80 ? 1 : (*p < 0xc0 ? 0 : (*p < 0xe0 ? 2 : (*p < 0xf0 ? 3 : (*p < 0xf8 ? 4 : 0))));
        uint32_t code = n > 1 ? *p & (0xffU >> (n + 1)) : *p;

        if (n == 0)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                code = code << 6 | (p[i] & 0x3fU);
        }
        if (code < least[n] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
                return 0;

        *ret = code;
        return n;
}

static bool is_control(uint32_t code) {
        return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* Return: the length of the printable character that @text begins with, or 0. */
static size_t printable_length(const char *text) {
        uint32_t code;
        size_t n;

        n = decode_character(text, &code);
        return n == 0 || is_control(code) ? 0 : n;
}

/** text_is_printable() - is the text UTF-8 without control characters? */
bool text_is_printable(const char *text) {
        size_t n;

        for (; *text != '\0'; text += n) {
                n = *text >= ' ' && *text <= '~' ? 1 : printable_length(text);
                if (n == 0)
                        return false;
        }

        return true;
}

/**
 * encode_text() - make a text printable
 * @safe: characters that are kept although they are control characters, or NULL
 * @size: of @buf, at least 1; the text is cut off, never within a character or an escape sequence
 *
 * Return: the length of the text in @buf.
 */
size_t encode_text(const char *text, enum encode_flags flags, const char *safe, char *buf, size_t size) {
        char *p = buf;

        while (*text != '\0') {
                char escape[sizeof("\\xff")];
                const char *from = text;
                size_t n, n_from;

                n = n_from = safe && strchr(safe, *text) ? 1 : printable_length(text);
                if (n == 0 || (n > 1 && (flags & ENCODE_ASCII)) ||
                    ((flags & ENCODE_BACKSLASH) && strncmp(text, "\\x", 2) == 0)) {
                        n = (size_t) sprintf(escape, "\\x%02x", (unsigned char) *text);
                        from = escape;
                        n_from = 1;
                }
                if (n >= size - (size_t) (p - buf))
                        break;
                memcpy(p, from, n);
                p += n;
                text += n_from;
        }

        *p = '\0';
        return (size_t) (p - buf);
}

/** encode_text_new() - as encode_text(), in a new string. Return: 0 or -ENOMEM. */
int encode_text_new(const char *text, enum encode_flags flags, const char *safe, char **ret) {
        size_t size = strlen(text) * strlen("\\xff") + 1;
        char *buf;

        buf = malloc(size);
        if (!buf)
                return -ENOMEM;

        encode_text(text, flags, safe, buf, size);
        *ret = buf;
        return 0;
}

/**
 * encode_json_new() - make a JSON document valid UTF-8 without control characters but newlines
 * @json: valid but for invalid sequences, and control characters from U+007f on, within its strings
 *
 * A control character becomes \u00NN. JSON cannot express an invalid byte, so it becomes the four characters \xNN.
 *
 * Return: 0 or -ENOMEM.
 */
int encode_json_new(const char *json, char **ret) {
        char *buf, *p;

        buf = p = malloc(strlen(json) * strlen("\\u00ff") + 1);
        if (!buf)
                return -ENOMEM;

        while (*json != '\0') {
                uint32_t code;
                size_t n;

                n = decode_character(json, &code);
                if (n == 0)
                        p += sprintf(p, "\\\\x%02x", (unsigned char) *json++);
                else if (is_control(code) && code >= 0x7f)
                        p += sprintf(p, "\\u%04x", code);
                else
                        p = mempcpy(p, json, n);
                json += n;
        }

        *p = '\0';
        *ret = buf;
        return 0;
}
