/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * New strings by a format of printf(), with this project's rules for outputs.
 */

#include <stdarg.h>

#include "encode.h"
#include "util.h"

_printf_(2, 3) int format_text(char **ret, const char *format, ...);
int format_text_va(char **ret, const char *format, va_list ap);
int format_line_va(enum encode_flags flags, char **ret, const char *format, va_list ap);
