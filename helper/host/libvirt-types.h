/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The elements of a domain that are PCI devices or disks (https://libvirt.org/formatdomain.html), and what libvirt
 * makes of them: a table with a row for each.
 */

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

/** struct libvirt_numbers - the aliases of elements: a prefix and a number */
struct libvirt_numbers {
        const char *element, *prefix;
        const char *key, *value; /* as in the table of types; NULL for every element */
        bool skips_aliased;      /* a device that has an alias of the user's gets no number */
};

#define LIBVIRT_NUMBERS_MAX 32

const char *libvirt_find_qemu_type(const xmlNode *element);
const struct libvirt_numbers *libvirt_find_numbers(const xmlNode *element, size_t *ret_counter);
