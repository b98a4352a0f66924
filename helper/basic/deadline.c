/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "deadline.h"
#include "util.h"

static uint64_t monotonic_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

/** deadline_after() - the time @nsec from now; DEADLINE_NEVER stays what it is */
uint64_t deadline_after(uint64_t nsec) {
        uint64_t deadline;

        return __builtin_add_overflow(monotonic_now(), nsec, &deadline) ? DEADLINE_NEVER : deadline;
}

bool deadline_has_passed(uint64_t deadline) {
        return monotonic_now() >= deadline;
}

/**
 * deadline_poll() - sleep until a file descriptor is ready, or until the deadline
 * @fds: as for poll(); those with a negative descriptor are ignored
 * @n: 0 to sleep until the deadline
 *
 * Signals do not shorten the time. After the deadline no descriptor is looked at, so that one that is always ready
 * cannot keep a loop alive.
 *
 * Return: the number of descriptors that are ready, 0 after the deadline, or a negative errno.
 */
int deadline_poll(struct pollfd *fds, size_t n, uint64_t deadline) {
        for (;;) {
                uint64_t now = monotonic_now();
                struct timespec timeout;
                int ready;

                if (now >= deadline)
                        return 0;
                timeout = timespec_from_nsec(deadline - now);
                ready = ppoll(fds, n, deadline == DEADLINE_NEVER ? NULL : &timeout, NULL);
                if (ready > 0 || (ready < 0 && errno != EINTR))
                        return ready > 0 ? ready : negative_errno();
        }
}
