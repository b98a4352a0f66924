/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Text of devices, documents and command lines, made fit for a terminal, a log or JSON. A byte that is not part of a
 * printable character of UTF-8 becomes \xNN: control characters (C0, DEL, C1 and U+0080 to U+009F) and invalid
 * sequences.
 */

#include <stdbool.h>
#include <stddef.h>

enum encode_flags {
        ENCODE_ASCII = 1 << 0,     /* encode every character that is not ASCII, too */
        ENCODE_BACKSLASH = 1 << 1, /* encode the backslash of "\x", so that the text can be decoded */
};

bool text_is_printable(const char *text);
size_t encode_text(const char *text, enum encode_flags flags, const char *safe, char *buf, size_t size);
int encode_text_new(const char *text, enum encode_flags flags, const char *safe, char **ret);
int encode_json_new(const char *json, char **ret);
