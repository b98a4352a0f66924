/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The end of the time that a run may take, whatever it does then: waits for a socket or a pipe, reads, or computes.
 */

#include "util.h"

int deadline_start(double seconds, const char *subject, const char *hint);
void deadline_stop(void);
