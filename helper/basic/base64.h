/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Base64 as in RFC 4648, with padding and without line breaks. */

#include <stddef.h>

#define BASE64_ENCODED_SIZE(n) (((n) + 2) / 3 * 4 + 1)

void base64_encode(const char *data, size_t n, char *buf);
int base64_decode(const char *text, size_t n, char *buf, size_t *ret_n);
