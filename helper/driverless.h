/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which driver is missing?
 */

#include <stdio.h>

void driverless_print(FILE *out, const char *syspath, const char *before);
