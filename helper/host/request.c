/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "deadline.h"
#include "request.h"

static const struct source sources[] = {
        { "qmp",              "; a QMP socket serves one client at a time", qemu_read             },
        { "libvirt",          "",                                           libvirt_read          },
        { "cloud-hypervisor", "",                                           cloud_hypervisor_read },
        { "firecracker",      "",                                           firecracker_read      },
};

#define OPTION_TIMEOUT 0x200
#define OPTION_SOURCE 0x300 /* and the number of the source */

static int take_option(struct request *request, int option, char **argv, const struct verb *verb) {
        uint64_t timeout;

        switch (option) {
        case 'J':
                request->table_options.json = true;
                return -1;
        case 'n':
                request->table_options.no_headings = true;
                return -1;
        case OPTION_TIMEOUT:
                if (parse_seconds(optarg, &timeout) != EXIT_DONE)
                        return EXIT_USAGE;
                request->timeout = (double) timeout / 1e9;
                return -1;
        }

        if (option < OPTION_SOURCE)
                return parse_common(option, argv, verb);
        if (request->source)
                return complain(EXIT_USAGE, "more than one source is given. Try '%s %s --help'.", program.name, verb->name);
        request->source = &sources[option - OPTION_SOURCE];
        request->name = optarg;
        return -1;
}

/**
 * request_parse() - read the options, and leave in optind where the arguments begin
 * @has_table: does the verb print one?
 *
 * Return: -1, or an exit status.
 */
int request_parse(int argc, char **argv, const struct verb *verb, bool has_table, struct request *ret) {
        static const struct option options[] = {
                { "json",             no_argument,       NULL, 'J'               },
                { "noheadings",       no_argument,       NULL, 'n'               },
                { "timeout",          required_argument, NULL, OPTION_TIMEOUT    },
                { "qmp",              required_argument, NULL, OPTION_SOURCE     },
                { "libvirt",          required_argument, NULL, OPTION_SOURCE + 1 },
                { "cloud-hypervisor", required_argument, NULL, OPTION_SOURCE + 2 },
                { "firecracker",      required_argument, NULL, OPTION_SOURCE + 3 },
                COMMON_OPTIONS,
                {},
        };
        const char *letters = has_table ? "Jnh" : "h";
        struct request request = { .timeout = 10 };
        int option, r;

        while ((option = getopt_long(argc, argv, letters, has_table ? options : options + 2, NULL)) >= 0) {
                r = take_option(&request, option, argv, verb);
                if (r >= 0)
                        return r;
        }
        if (!request.source)
                return complain(EXIT_USAGE, "No source given: use --qmp=, --libvirt=, --cloud-hypervisor= or --firecracker=");

        *ret = request;
        return -1;
}

/**
 * request_read() - the machine that is asked about
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int request_read(const struct request *request, struct machine *ret) {
        struct problem problem = {};
        int r;

        r = deadline_start(request->timeout, request->name, request->source->on_timeout);
        if (r < 0)
                return complain(EXIT_FAILED, "cannot start a timer: %s", strerror(-r));
        r = request->source->read(request->name, ret, &problem);
        if (r >= 0)
                r = machine_complete(ret) < 0 ? problem_set(&problem, -ENOMEM, "out of memory") : 0;
        deadline_stop();
        return r >= 0 ? EXIT_DONE : complain(r == -ENXIO ? EXIT_ABSENT : EXIT_FAILED, "%s", problem.text);
}

/**
 * request_print_table() - run a verb that takes no argument and prints a table of the machine
 * @name: of the array in JSON
 * @fill: returns 0, or -ENOMEM
 * @note: returns a note for standard error, or NULL; or NULL for none
 *
 * Return: an exit status.
 */
int request_print_table(int argc, char **argv, const struct verb *verb, const char *name, fill_fn fill,
                        note_fn note) {
        _cleanup_table_ struct libscols_table *table = NULL;
        _cleanup_machine_ struct machine machine = {};
        struct request request;
        const char *text;
        int r;

        r = request_parse(argc, argv, verb, true, &request);
        if (r >= 0)
                return r;
        if (optind < argc)
                return complain(EXIT_USAGE, "%s: unexpected argument. Try '%s %s --help'.", argv[optind], program.name, verb->name);
        r = request_read(&request, &machine);
        if (r != EXIT_DONE)
                return r;

        table = table_new(name, &request.table_options);
        if (!table || fill(table, &machine) < 0)
                return complain(EXIT_FAILED, "out of memory");
        r = table_print(table);
        text = r == EXIT_DONE && note ? note(&machine) : NULL;
        return text ? complain(r, "%s: %s", request.name, text) : r;
}
