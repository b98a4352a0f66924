/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>
#include <stdio.h>

#include "error.h"

/**
 * error_set() - store the text of an error
 *
 * Return: @error, for "return error_set(…)".
 */
int error_set(struct error *error, int code, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(error->text, sizeof(error->text), format, ap);
        va_end(ap);
        return code;
}
