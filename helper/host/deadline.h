/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A timeout for the whole run, whether it waits for a socket or a pipe, reads, or computes.
 */

#include "util.h"

int deadline_start(double seconds, const char *subject, const char *hint);
void deadline_stop(void);
