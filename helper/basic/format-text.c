/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "format-text.h"

/**
 * format_text_va() - vasprintf() that leaves its output untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int format_text_va(char **ret, const char *format, va_list ap) {
        char *text;

        if (vasprintf(&text, format, ap) < 0)
                return -ENOMEM;

        *ret = text;
        return 0;
}

/** format_text() - as format_text_va() */
int format_text(char **ret, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = format_text_va(ret, format, ap);
        va_end(ap);
        return r;
}

/** format_line_va() - as format_text_va(), and encode the whole text for a terminal or log, whatever it quotes */
int format_line_va(enum encode_flags flags, char **ret, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = format_text_va(&text, format, ap);
        return r < 0 ? r : encode_text_new(text, flags, NULL, ret);
}
