/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "options.h"

static int print_paths_of(FILE *out, const struct machine *machine, const char *id) {
        const struct device *d;
        size_t n = 0;

        for (; (d = machine_find(machine, id, n)); n++) {
                const struct pci_path *p = device_get_path(d);
                char path[PCI_PATH_STRING_MAX];

                if (!p)
                        return log_error(EXIT_ABSENT, "%s: %s", id,
                                        d->absent ?: "below a function that the guest does not show");
                pci_path_print(p, PCI_PATH_CANONICAL, path);
                fprintf(out, "%s\n", path);
        }

        return n > 0 ? EXIT_DONE : log_error(EXIT_ABSENT, "%s: no such device, or none that has a PCI path", id);
}

/* Print the paths of all ids, or nothing. */
static int print_all(const struct machine *machine, char **ids, int n) {
        _cleanup_free_ char *output = NULL;
        int status = EXIT_DONE;
        size_t size;
        FILE *out;

        out = open_memstream(&output, &size);
        if (!out)
                return log_error(EXIT_FAILED, "out of memory");
        for (int i = 0; i < n && status == EXIT_DONE; i++)
                status = print_paths_of(out, machine, ids[i]);

        if (fclose(out) != 0)
                return log_error(EXIT_FAILED, "out of memory");
        if (status == EXIT_DONE)
                fputs(output, stdout);
        return status == EXIT_DONE ? flush_output(status) : status;
}

static int run_of(int argc, char **argv) {
        _cleanup_machine_ struct machine machine = {};
        struct options options;
        int r;

        r = options_parse(argc, argv, &verb_of, &options);
        if (r >= 0)
                return r;
        if (optind == argc)
                return log_error(EXIT_USAGE, "No ID given. Try '%s of --help'.", program.name);

        r = options_read(&options, &machine);
        return r == EXIT_DONE ? print_all(&machine, argv + optind, argc - optind) : r;
}

const struct verb verb_of = {
        .name = "of",
        .operands = "SOURCE ID...",
        .summary = "Print the PCI path of each device",
        .description = "ID is the name of a device in the monitor. If several devices have this name, a\n"
                       "path is printed for each.",
        .option_rows = (const struct option_row[]) { SOURCE_ROWS, {} },
        .run = run_of,
};
