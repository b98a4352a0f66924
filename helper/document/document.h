/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reads a document from a file or from standard input.
 */

#include <stddef.h>

#include "error.h"

#define DOCUMENT_MAX_MIB 16U
#define DOCUMENT_MAX (DOCUMENT_MAX_MIB << 20)

int document_read(const char *name, char **ret, size_t *ret_size, struct error *error);
