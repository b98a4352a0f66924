/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machine.h"

/** struct label_key - where a backend finds a label; the row without a key is the last */
struct label_key {
        enum label label;
        const char *key;
};

#define LABEL_NORMALIZED_MAX 40

bool label_normalize(const char *text, char buf[static LABEL_NORMALIZED_MAX]);
int device_set_label(struct device *device, enum label label, const char *text);
