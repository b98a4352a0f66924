/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The error of a backend. The verb prints it, once.
 */

#include "util.h"

struct error {
        char text[512];
};

_printf_(3, 4) int error_set(struct error *error, int code, const char *format, ...);
