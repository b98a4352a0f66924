/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdatomic.h>

#include "deadline.h"
#include "program.h"
#include "run-timeout.h"

static struct {
        uint64_t nsec;
        const char *subject, *hint;
        timer_t timer;
        atomic_bool over; /* set by the timer or by run_timeout_stop(), whichever is first */
} timeout;

/* Runs in its own thread, so it can print while the main thread waits or computes. */
static void time_out(union sigval value) {
        (void) value;
        if (atomic_exchange(&timeout.over, true))
                return;
        _exit(log_error(EXIT_TIMEOUT, "%s: timed out after %g s%s", timeout.subject, (double) timeout.nsec / 1e9,
                        timeout.hint));
}

/**
 * run_timeout_start() - exit with EXIT_TIMEOUT unless run_timeout_stop() comes first
 * @subject: of the error message
 * @hint: appended to the error message
 */
int run_timeout_start(uint64_t nsec, const char *subject, const char *hint) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = time_out };
        struct itimerspec time = { .it_value = timespec_from_nsec(nsec | 1) }; /* 0 would disarm the timer */

        timeout.nsec = nsec;
        timeout.subject = subject;
        timeout.hint = hint;
        if (timer_create(CLOCK_MONOTONIC, &event, &timeout.timer) < 0 ||
            timer_settime(timeout.timer, 0, &time, NULL) < 0)
                return negative_errno();
        return 0;
}

/** run_timeout_stop() - cancel the timeout */
void run_timeout_stop(void) {
        while (atomic_exchange(&timeout.over, true))
                pause();
        timer_delete(timeout.timer);
}
