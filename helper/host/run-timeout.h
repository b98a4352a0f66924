/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A timeout for the whole run, whether it waits for a socket or a pipe, reads, or computes.
 */

#include <stdint.h>

int run_timeout_start(uint64_t nsec, const char *subject, const char *(*hint)(const void *userdata),
                      const void *userdata);
void run_timeout_stop(void);
