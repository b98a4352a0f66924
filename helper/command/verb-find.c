/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "command.h"

static int run_find(int argc, char **argv) {
        static const struct option options[] = {
                { "type", required_argument, NULL, 't' },
                COMMON_OPTIONS,
                {},
        };
        struct lookup lookup;
        struct device_spec spec;
        const char *type = NULL;
        int c, r;

        while ((c = getopt_long(argc, argv, "ht:", options, NULL)) >= 0) {
                if (c != 't')
                        return parse_common(c, argv, &verb_find);
                type = optarg;
        }
        if (argc - optind != 1)
                return log_error(EXIT_USAGE, "one path, not %d: pcipath find %s", argc - optind, verb_find.arguments);

        r = parse_device_spec(argv[optind], type, &spec);
        if (r != EXIT_DONE)
                return r;

        r = lookup_device(&spec, &lookup);
        if (r < 0)
                return log_lookup_error(argv[optind], &lookup, r);
        if (r == 0)
                r = log_absent(argv[optind], &spec, &lookup);
        else {
                print_found(&lookup);
                r = flush_output(EXIT_DONE);
        }

        lookup_clear(&lookup);
        return r;
}

const struct verb verb_find = {
        .name = "find",
        .arguments = "[-t TYPE] PATH",
        .summary = "Print the node or interface at a PCI path",
        .options = "PATH can be in any spelling, with ,part=N for a partition and ,SUFFIX for one\n"
                   "of several disks (nvme-2, scsi-0:0:1:0).\n"
                   "\n"
                   "  -t --type=TYPE  What to look for: block, net or another subsystem, pci for\n"
                   "                  the PCI address of the function, or all [default:\n"
                   "                  disks and interfaces if it has any]\n"
                   "  -h --help       Show this help\n"
                   "     --version    Show the version\n",
        .run = run_find,
};
