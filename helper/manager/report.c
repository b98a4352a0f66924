/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "format-text.h"
#include "report.h"

/** report() - tell a reporter; without memory for the text it is told that */
void report(const struct reporter *reporter, enum report_kind kind, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = format_text_va(&text, format, ap);
        va_end(ap);

        if (r >= 0)
                reporter->fn(kind, text, reporter->userdata);
        else
                reporter->fn(REPORT_ERROR, "out of memory", reporter->userdata);
}
