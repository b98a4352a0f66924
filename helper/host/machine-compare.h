/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

typedef int (*difference_fn)(void *userdata, const struct device *before, const struct device *after);

int device_compare_places(const struct device *a, const struct device *b);
int machine_compare(const struct machine *a, const struct machine *b, difference_fn callback, void *userdata);
