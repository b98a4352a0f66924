/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How udevd changes text of devices before it is part of a link's name (systemd 257, src/shared/udev-util.c). */

#define UDEV_TEXT_MAX 512

void udev_replace_whitespace(char *text);
void udev_replace_characters(char *text, const char *allowed);
int udev_read_attribute(const char *syspath, const char *name, char buf[static UDEV_TEXT_MAX]);
