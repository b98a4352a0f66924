/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waiting with a deadline: an absolute time in nanoseconds of CLOCK_MONOTONIC, so that a loop needs no arithmetic.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define DEADLINE_NEVER UINT64_MAX

static inline struct timespec timespec_from_nsec(uint64_t nsec) {
        return (struct timespec){ .tv_sec = (time_t) (nsec / NSEC_PER_SEC), .tv_nsec = (long) (nsec % NSEC_PER_SEC) };
}

uint64_t deadline_after(uint64_t nsec);
bool deadline_has_passed(uint64_t deadline);
int deadline_poll(struct pollfd *fds, size_t n, uint64_t deadline);
