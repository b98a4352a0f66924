/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "deadline.h"
#include "program.h"

static struct {
        double seconds;
        const char *subject, *hint;
        timer_t timer;
        atomic_bool over; /* set by the timer or by deadline_stop(), whichever is first */
} deadline;

/* Runs in its own thread, so it can print while the main thread waits or computes. */
static void time_out(union sigval value) {
        (void) value;
        if (atomic_exchange(&deadline.over, true))
                return;
        _exit(log_error(EXIT_TIMEOUT, "%s: timed out after %g s%s", deadline.subject, deadline.seconds, deadline.hint));
}

/**
 * deadline_start() - exit with EXIT_TIMEOUT unless deadline_stop() comes first
 * @subject: of the error message
 * @hint: appended to the error message
 */
int deadline_start(double seconds, const char *subject, const char *hint) {
        struct sigevent event = { .sigev_notify = SIGEV_THREAD, .sigev_notify_function = time_out };
        struct itimerspec time = { .it_value.tv_sec = (time_t) seconds };

        /* 0 would disarm the timer. */
        time.it_value.tv_nsec = (long) ((seconds - (double) time.it_value.tv_sec) * 1e9) | 1;
        deadline.seconds = seconds;
        deadline.subject = subject;
        deadline.hint = hint;
        if (timer_create(CLOCK_MONOTONIC, &event, &deadline.timer) < 0 ||
            timer_settime(deadline.timer, 0, &time, NULL) < 0)
                return negative_errno();
        return 0;
}

/** deadline_stop() - cancel the timeout */
void deadline_stop(void) {
        while (atomic_exchange(&deadline.over, true))
                pause();
        timer_delete(deadline.timer);
}
