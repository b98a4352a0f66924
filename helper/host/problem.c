/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdarg.h>
#include <stdio.h>

#include "problem.h"

/**
 * problem_set() - keep what went wrong
 *
 * Return: @error, for "return problem_set(…)".
 */
int problem_set(struct problem *problem, int error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(problem->text, sizeof(problem->text), format, ap);
        va_end(ap);
        return error;
}
