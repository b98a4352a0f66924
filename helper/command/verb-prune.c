/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "log-report.h"
#include "prune.h"

static int run_prune(int argc, char **argv) {
        const struct reporter reporter = LOG_REPORTER;
        bool dry_run = false;
        int option;

        while ((option = verb_next_option(&verb_prune, argc, argv)) >= 0)
                if (option != 'n')
                        return parse_common(option, argv, &verb_prune);
                else
                        dry_run = true;
        if (optind < argc)
                return log_usage_error(&verb_prune, "%s: unexpected argument", argv[optind]);

        ignore_sigpipe();
        return flush_output(links_prune(&reporter, dry_run) < 0 ? EXIT_FAILED : EXIT_DONE);
}

const struct verb verb_prune = {
        .name = "prune",
        .operands = "",
        .summary = "Remove stale links by PCI path",
        .description = "Removes each link by PCI path in /dev that leads to no device, or to another\n"
                       "device than the one that it names, and prints a line \"remove LINK NODE\".\n"
                       "udevd may run.",
        .option_rows = (const struct option_row[]){
                { 'n', "dry-run", NULL, "Print the lines, and remove nothing" },
                COMMON_ROWS,
                {},
        },
        .run = run_prune,
};
