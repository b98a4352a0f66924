/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sub-functions are parts of a PCI function that are devices of their own, its children on the auxiliary bus. Each has
 * a number that the administrator chose.
 */

#define SUB_FUNCTION_MAX 10 /* decimal digits of a 32-bit number */

int sub_function_read(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]);
int sub_function_find(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]);
