/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Messages of the manager. These files print nothing themselves: their caller gets each message by a callback.
 */

#include "util.h"

enum report_kind {
        REPORT_ERROR,  /* something failed */
        REPORT_NOTICE, /* nothing failed, but somebody could miss something */
        REPORT_ACTION, /* what a dry run would do, or what prune has done */
};

/** struct reporter - gets the messages, each one line without a newline */
struct reporter {
        void (*fn)(enum report_kind kind, const char *text, void *userdata);
        void *userdata;
};

_printf_(3, 4) void report(const struct reporter *reporter, enum report_kind kind, const char *format, ...);
