/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "encode.h"
#include "log-report.h"
#include "program.h"

/* Encodes the text because it can contain names of links and nodes that any user has made. */
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

/** log_open_error() - print why manager_open() failed. Return: an exit status. */
int log_open_error(const char *directory, int error) {
        if (error == -EBUSY)
                return log_error(EXIT_FAILED, "%s: another 'pcipath monitor' or 'pcipath coldplug' "
                                              "is using this directory",
                                 directory);
        return log_error(EXIT_FAILED, "%s: %s", directory, strerror(-error));
}

/** ignore_sigpipe() - let verbs that change links or files finish when the reader of their output has exited */
void ignore_sigpipe(void) {
        (void) signal(SIGPIPE, SIG_IGN);
}
