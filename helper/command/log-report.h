/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Prints what the manager reports: errors and notices on standard error, actions on standard output.
 */

#include "report.h"

void log_report(enum report_kind kind, const char *text, void *userdata);
int log_open_error(const char *directory, int error);
void ignore_sigpipe(void);

#define LOG_REPORTER \
        { .fn = log_report }
