/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "prune.h"

static int run_prune(int argc, char **argv) {
        static const struct option options[] = {
                { "dry-run", no_argument, NULL, 'n' },
                COMMON_OPTIONS,
                {},
        };
        bool dry_run = false;
        int option, r;

        while ((option = getopt_long(argc, argv, "hn", options, NULL)) >= 0)
                if (option != 'n')
                        return parse_common(option, argv, &verb_prune);
                else
                        dry_run = true;
        if (optind < argc)
                return log_error(EXIT_USAGE, "%s: prune takes no path", argv[optind]);

        r = links_prune(dry_run);
        return r == EXIT_DONE ? flush_output(r) : r;
}

const struct verb verb_prune = {
        .name = "prune",
        .arguments = "[-n]",
        .summary = "Remove links of what was unplugged while no udevd ran",
        .options = "Removes each link by PCI path in /dev that leads to nothing, or to a node that is\n"
                   "not so called, and prints a line \"remove LINK NODE\". It can run beside udevd.\n"
                   "\n"
                   "  -n --dry-run      Print the lines, and remove nothing\n"
                   "  -h --help         Show this help\n"
                   "     --version      Show the version\n",
        .run = run_prune,
};
