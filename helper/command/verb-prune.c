/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "log-report.h"
#include "prune.h"

static int run_prune(int argc, char **argv) {
        static const struct option options[] = {
                { "dry-run", no_argument, NULL, 'n' },
                COMMON_OPTIONS,
                {},
        };
        const struct reporter reporter = LOG_REPORTER;
        bool dry_run = false;
        int option;

        while ((option = getopt_long(argc, argv, "hn", options, NULL)) >= 0)
                if (option != 'n')
                        return parse_common(option, argv, &verb_prune);
                else
                        dry_run = true;
        if (optind < argc)
                return log_error(EXIT_USAGE, "%s: unexpected argument; see 'pcipath prune --help'", argv[optind]);

        ignore_sigpipe();
        return flush_output(links_prune(&reporter, dry_run) < 0 ? EXIT_FAILED : EXIT_DONE);
}

const struct verb verb_prune = {
        .name = "prune",
        .arguments = "[-n]",
        .summary = "Remove stale links by PCI path",
        .options = "Removes each link by PCI path in /dev that leads to no device, or to another device\n"
                   "than the one that it names, and prints a line \"remove LINK NODE\". udevd may run.\n"
                   "\n"
                   "  -n --dry-run      Print the lines, and remove nothing\n"
                   "  -h --help         Show this help\n"
                   "     --version      Show the version\n",
        .run = run_prune,
};
