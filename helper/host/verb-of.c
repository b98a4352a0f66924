/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "options.h"

#define CANDIDATES_MAX 8

static int print_path(FILE *out, const char *operand, const struct device *d) {
        const struct pci_path *p = device_get_path(d);
        char path[PCI_PATH_STRING_MAX];

        if (!p)
                return log_error(EXIT_ABSENT, "%s: %s", operand,
                                 d->absent ?: "below a function that the guest does not show");
        pci_path_print(p, PCI_PATH_CANONICAL, path);
        fprintf(out, "%s\n", path);
        return EXIT_DONE;
}

/* Several devices have the label. */
static int log_candidates(const struct machine *machine, const char *label) {
        _cleanup_free_ char *text = NULL;
        const struct device *d;
        size_t size, n = 0;
        FILE *out;

        out = open_memstream(&text, &size);
        if (!out)
                return log_error(EXIT_FAILED, "out of memory");
        for (; (d = machine_find_by_label(machine, label, n)); n++) {
                char path[PCI_PATH_STRING_MAX] = "no path";

                if (n >= CANDIDATES_MAX)
                        continue;
                if (device_get_path(d))
                        pci_path_print(device_get_path(d), PCI_PATH_CANONICAL, path);
                fprintf(out, "%s%s (%s)", n > 0 ? ", " : "", d->id ?: d->type, path);
        }
        if (n > CANDIDATES_MAX)
                fprintf(out, " and %zu more", n - CANDIDATES_MAX);

        if (finish_memstream(out, &text) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        return log_error(EXIT_FAILED, "%s: ambiguous: %s. Use an ID, or another value from "
                                      "'%s list -o +MAC,SOURCE,SERIAL,HOST,BACKEND'",
                         label, text, program.name);
}

/* An id is looked for first. Several devices can have one, such as the paths of an NVMe namespace. */
static int print_paths_of(FILE *out, const struct machine *machine, const char *operand) {
        const struct device *d = machine_find(machine, operand, 0);
        int status = EXIT_DONE;

        for (size_t n = 0; d && status == EXIT_DONE; d = machine_find(machine, operand, ++n))
                status = print_path(out, operand, d);
        if (status != EXIT_DONE || machine_find(machine, operand, 0))
                return status;

        d = machine_find_by_label(machine, operand, 0);
        if (!d)
                return log_error(EXIT_ABSENT, "%s: no such device, or none that has a PCI path", operand);
        if (machine_find_by_label(machine, operand, 1))
                return log_candidates(machine, operand);
        return print_path(out, operand, d);
}

/* Print the paths of all operands, or nothing. */
static int print_all(const struct machine *machine, char **operands, int n) {
        _cleanup_free_ char *output = NULL;
        int status = EXIT_DONE;
        size_t size;
        FILE *out;

        out = open_memstream(&output, &size);
        if (!out)
                return log_error(EXIT_FAILED, "out of memory");
        for (int i = 0; i < n && status == EXIT_DONE; i++)
                status = print_paths_of(out, machine, operands[i]);

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
                return log_usage_error(&verb_of, "no ID given");
        machine.wants_labels = true;

        r = options_read(&options, 0, &machine);
        if (r != EXIT_DONE)
                return r;
        r = print_all(&machine, argv + optind, argc - optind);
        if (r == EXIT_ABSENT)
                options_warn(&options, 0, &machine);
        return r;
}

const struct verb verb_of = {
        .name = "of",
        .operands = "SOURCE ID...",
        .summary = "Print the PCI path of each device",
        .description = "ID is the name of a device in the monitor. If several devices have this name, a\n"
                       "path is printed for each. ID can also be a MAC address, the file, volume or\n"
                       "network behind the device, a serial number, the host's address of a device that\n"
                       "is passed through, or the id of a netdev or drive, if only one device has it.",
        .option_rows = (const struct option_row[]){ SOURCE_ROWS, {} },
        .run = run_of,
};
