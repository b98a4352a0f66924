/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opens a device and makes sure that it is the device of a spec. */

#include "lookup.h"

int lookup_open(const struct lookup *lookup, const struct device_spec *spec, int flags);
