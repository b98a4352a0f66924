/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * From what is asked for to what is there.
 */

#include <stdbool.h>
#include <stddef.h>

#include "pci-resolve.h"
#include "device-spec.h"

/** struct lookup - what a look at one target found; cleared with lookup_clear() */
struct lookup {
        struct pci_resolution resolution;
        struct child_devices children; /* the selected first */
        size_t n_selected;
        bool is_there; /* what is asked for: the function itself, or something selected */
};

int lookup_device(const struct device_spec *spec, struct lookup *ret);
const char *lookup_address(const struct lookup *lookup);
int lookup_diagnose(const struct device_spec *spec, const struct lookup *lookup, char **ret);
void lookup_clear(struct lookup *lookup);
