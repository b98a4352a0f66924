/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "log-report.h"
#include "program.h"

/* What is printed has names of links and nodes in it, which anybody may have made. */
static void print_action(const char *text) {
        _cleanup_free_ char *line = NULL;

        if (encode_text_new(text, program_encode_flags(), NULL, &line) < 0)
                log_error(EXIT_FAILED, "out of memory");
        else
                puts(line);
}

/** log_report() - the fn of a struct reporter */
void log_report(enum report_kind kind, const char *text, void *userdata) {
        (void) userdata;

        if (kind == REPORT_ACTION)
                print_action(text);
        else
                log_error(EXIT_FAILED, "%s", text);
}

/** log_open_error() - a manager could not begin. Return: an exit status. */
int log_open_error(const char *directory, int error) {
        if (error == -EBUSY)
                return log_error(EXIT_FAILED, "%s: another 'pcipath monitor' or 'pcipath coldplug' makes links there", directory);
        return log_error(EXIT_FAILED, "%s: %s", directory, strerror(-error));
}

/** ignore_sigpipe() - for verbs that change links or files: they finish their work when nobody reads their output any more */
void ignore_sigpipe(void) {
        (void) signal(SIGPIPE, SIG_IGN);
}
