/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What went wrong while a monitor was asked or its document was read: said once, by the command.
 */

#include "util.h"

struct error {
        char text[512];
};

_printf_(3, 4) int error_set(struct error *error, int code, const char *format, ...);
