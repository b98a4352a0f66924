/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files that everybody can read and that are replaced as a whole.
 */

int file_replace(const char *path, const char *temporary, int fd, const char *text);
int file_remove(const char *path);
