/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads JSON from its start to its end, without a tree of values. pcipath is in every initramfs, so it does not link a
 * library for the one document that it reads. The text must be complete and strict JSON (RFC 8259) without null bytes
 * in its strings.
 */

#include <stdbool.h>
#include <stddef.h>

struct json_reader {
        const char *text;
        size_t size;
        size_t at;
        const char *reason; /* of the first error, which is at this byte */
};

/* All return a negative errno on failure: -EBADMSG with the reason, or -ENOMEM. */
char json_reader_peek(struct json_reader *reader);
bool json_reader_is_null(struct json_reader *reader);
int json_reader_enter(struct json_reader *reader, char bracket);
int json_reader_next(struct json_reader *reader, char bracket, bool *is_first);
int json_reader_key(struct json_reader *reader, char **ret);
int json_reader_string(struct json_reader *reader, char **ret);
int json_reader_skip(struct json_reader *reader);
int json_reader_end(struct json_reader *reader);
