/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The exit statuses of all programs of the package. --help prints the meanings, and the manual pages repeat them.
 */

/* One row for each: name, number, meaning. */
#define EXIT_STATUS_ROWS(ROW)                                 \
        ROW(EXIT_DONE, 0, "success")                          \
        ROW(EXIT_FAILED, 1, "failure")                        \
        ROW(EXIT_USAGE, 2, "usage error")                     \
        ROW(EXIT_ABSENT, 3, "no such device, or no PCI path") \
        ROW(EXIT_TIMEOUT, 4, "timeout")

#define EXIT_STATUS_NAME(name, number, meaning) name = number,

enum exit_status {
        EXIT_STATUS_ROWS(EXIT_STATUS_NAME)
};

#define EXIT_STATUS_LINE(name, number, meaning) "  " #number "  " meaning "\n"
#define EXIT_STATUS_HELP "Exit status:\n" EXIT_STATUS_ROWS(EXIT_STATUS_LINE)
