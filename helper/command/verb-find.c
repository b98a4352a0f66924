/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "found.h"

static int run_find(int argc, char **argv) {
        struct lookup lookup;
        struct device_spec spec;
        struct found_options options = {};
        const char *type = NULL;
        int c, r;

        while ((c = verb_next_option(&verb_find, argc, argv)) >= 0) {
                r = found_parse_option(c, &verb_find, &options);
                if (r < 0 && c != 't')
                        return parse_common(c, argv, &verb_find);
                if (r > 0)
                        return r;
                type = c == 't' ? optarg : type;
        }
        if (argc - optind != 1)
                return log_usage_error(&verb_find, "expected one PATH, not %d", argc - optind);

        r = parse_device_spec(argv[optind], type, &spec);
        if (r != EXIT_DONE)
                return r;

        r = lookup_device(&spec, &lookup);
        if (r < 0)
                return log_lookup_error(argv[optind], &lookup, r);
        if (r == 0)
                r = log_absent(argv[optind], &spec, &lookup);
        else
                r = found_print(&lookup, 1, &verb_find, &options);

        lookup_clear(&lookup);
        return r;
}

const struct verb verb_find = {
        .name = "find",
        .operands = "PATH",
        .summary = "Print the device node or network interface at a PCI path",
        .description = "PATH can have any format. Append ,part=N for a partition, or ,SUFFIX for one of\n"
                       "several disks or interfaces: nvme-2, scsi-0:0:1:0, np0, d1.",
        .option_rows = (const struct option_row[]){
                { 't', "type", "TYPE", "Find devices of this type: block, net or another\n"
                                       "subsystem, pci for the PCI address of the function,\n"
                                       "or all [default: disks and interfaces if there are any]" },
                FOUND_OPTION_ROWS,
                COMMON_ROWS,
                {},
        },
        .columns = found_columns,
        .default_columns = FOUND_DEFAULT_COLUMNS,
        .run = run_find,
};
