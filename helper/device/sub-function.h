/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sub-functions: parts of a PCI function that are devices of their own, children of it on the auxiliary bus. Each has a
 * number, which the administrator chose.
 */

#define SUB_FUNCTION_MAX 10 /* digits of a number of 32 bits */

int sub_function_read(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]);
int sub_function_find(const char *syspath, char ret[static SUB_FUNCTION_MAX + 1]);
