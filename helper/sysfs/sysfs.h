/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads single attributes and links of sysfs by name, without an sd_device. */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

bool sysfs_is_printable(const char *name);
int sysfs_exists(const char *dir, const char *name);
int sysfs_read_link_name(const char *dir, const char *name, char buf[static NAME_MAX + 1]);
int sysfs_read_lines(const char *dir, const char *name, size_t size, char buf[static size]);
int sysfs_read_attribute(const char *dir, const char *name, size_t size, char buf[static size]);
int sysfs_read_property(const char *syspath, const char *property, size_t size, char buf[static size]);

/* Called with the syspath and the name of an entry. Return: 0 to continue, or any other value to stop. */
typedef int (*sysfs_sibling_fn)(const char *sibling, const char *name, void *userdata);
int sysfs_for_each_sibling(const char *syspath, sysfs_sibling_fn fn, void *userdata);
