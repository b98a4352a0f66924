/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The files that container runtimes read, one for each kind of device in a directory. Each is replaced as a whole, and
 * removed while the machine has no device of its kind.
 */

#include "cdi.h"

/* Both report their errors. @kind: NULL for all kinds. Return: an exit status. */
int cdi_files_write(const char *directory, const struct cdi_kind *kind);
int cdi_files_remove(const char *directory, const struct cdi_kind *kind);

int cdi_make_or_report(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret);
int cdi_scan_or_report(struct enumeration *ret);
