/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdbool.h>
#include <stdint.h>

#include "base64.h"
#include "util.h"

#define PADDING 64
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

/** base64_encode() - @buf: of BASE64_ENCODED_SIZE(@n) */
void base64_encode(const char *data, size_t n, char *buf) {
        for (size_t i = 0; i < n; i += 3) {
                const unsigned char *p = (const unsigned char *) data + i;
                bool has_second = i + 1 < n, has_third = i + 2 < n;
                unsigned bits = (unsigned) p[0] << 16;

                bits |= has_second ? (unsigned) p[1] << 8 : 0;
                bits |= has_third ? p[2] : 0;
                *buf++ = digits[bits >> 18];
                *buf++ = digits[bits >> 12 & 63];
                *buf++ = digits[has_second ? bits >> 6 & 63 : PADDING];
                *buf++ = digits[has_third ? bits & 63 : PADDING];
        }
        *buf = '\0';
}

/* Return: the value, PADDING, or -1. */
static int decode_digit(char c) {
        const char *found = c != '\0' ? strchr(digits, c) : NULL;

        return found ? (int) (found - digits) : -1;
}

/**
 * base64_decode() - decode a text
 * @text: need not end with a null byte
 * @buf: of @n bytes
 *
 * Return: 0, or -EINVAL.
 */
int base64_decode(const char *text, size_t n, char *buf, size_t *ret_n) {
        size_t n_buf = 0, n_digits = 0;
        bool is_padded = false;
        uint32_t bits = 0;

        for (size_t i = 0; i < n; i++) {
                int digit = decode_digit(text[i]);

                if (digit < 0 || (is_padded && digit < PADDING))
                        return -EINVAL;
                is_padded = digit == PADDING;
                n_digits++;
                if (is_padded)
                        continue;
                bits = bits << 6 | (uint32_t) digit;
                if (n_digits % 4 != 1)
                        buf[n_buf++] = (char) (bits >> (6 - 2 * ((n_digits - 1) % 4)) & 0xff);
        }

        *ret_n = n_buf;
        return n_digits % 4 == 0 ? 0 : -EINVAL;
}
