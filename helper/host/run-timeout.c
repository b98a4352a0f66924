/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdatomic.h>

#include "deadline.h"
#include "program.h"
#include "run-timeout.h"

static struct {
        uint64_t nsec;
        const char *subject;
        const char *(*hint)(const void *userdata);
        const void *userdata;
        timer_t timer;
        int n_runs;
        atomic_int run; /* the number of the current run; the timer or run_timeout_stop(), whichever is first, sets 0 */
} timeout;

static bool end_run(int run) {
        return atomic_compare_exchange_strong(&timeout.run, &run, 0);
}

/* Runs in its own thread, so it can print while the main thread waits or computes. */
static void time_out(union sigval value) {
        if (!end_run(value.sival_int))
                return;
        _exit(log_error(EXIT_TIMEOUT, "%s: timed out after %g s%s", timeout.subject, (double) timeout.nsec / 1e9,
                        timeout.hint(timeout.userdata)));
}

/**
 * run_timeout_start() - exit with EXIT_TIMEOUT unless run_timeout_stop() comes first
 * @subject: of the error message
 * @hint: returns what to append to the error message; called in another thread
 */
int run_timeout_start(uint64_t nsec, const char *subject, const char *(*hint)(const void *userdata),
                      const void *userdata) {
        int run = ++timeout.n_runs;
        struct sigevent event = {
                .sigev_notify = SIGEV_THREAD,
                .sigev_notify_function = time_out,
                .sigev_value.sival_int = run,
        };
        struct itimerspec time = { .it_value = timespec_from_nsec(nsec | 1) }; /* 0 would disarm the timer */

        atomic_store(&timeout.run, run);
        timeout.nsec = nsec;
        timeout.subject = subject;
        timeout.hint = hint;
        timeout.userdata = userdata;
        if (timer_create(CLOCK_MONOTONIC, &event, &timeout.timer) < 0 ||
            timer_settime(timeout.timer, 0, &time, NULL) < 0)
                return negative_errno();
        return 0;
}

/** run_timeout_stop() - cancel the timeout */
void run_timeout_stop(void) {
        while (!end_run(timeout.n_runs))
                pause();
        timer_delete(timeout.timer);
}
