/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From a device spec to the devices that exist. */

#include <stdbool.h>
#include <stddef.h>

#include "pci-resolve.h"
#include "device-spec.h"

/** struct lookup - the result for one device spec; cleared with lookup_clear() */
struct lookup {
        struct pci_resolution resolution;
        struct child_devices children; /* the selected devices come first */
        size_t n_selected;
        bool is_there; /* the function itself was selected and exists, or a child device was */
};

int lookup_device(const struct device_spec *spec, struct lookup *ret);
const char *lookup_address(const struct lookup *lookup);
int lookup_diagnose(const struct device_spec *spec, const struct lookup *lookup, char **ret);
void lookup_clear(struct lookup *lookup);
