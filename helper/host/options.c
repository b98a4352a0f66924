/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "deadline.h"
#include "options.h"
#include "run-timeout.h"

static const char *explain_nothing(_unused_ const char *name, _unused_ const struct machine *machine) {
        return "";
}

static const struct backend backends[] = {
        { "qmp",              qemu_explain_timeout, qemu_read             },
        { "libvirt",          explain_nothing,      libvirt_read          },
        { "cloud-hypervisor", explain_nothing,      cloud_hypervisor_read },
        { "firecracker",      explain_nothing,      firecracker_read      },
        { "list",             explain_nothing,      list_read             },
};

/* struct reading - for explain() */
struct reading {
        const struct source *source;
        const struct machine *machine;
};

static const char *explain(const void *userdata) {
        const struct reading *reading = userdata;

        return reading->source->backend->explain_timeout(reading->source->name, reading->machine);
}

static size_t count_needed(const struct verb *verb) {
        return verb == &verb_compare ? 2 : 1;
}

static int add_source(struct options *options, const struct backend *backend, const char *name,
                      const struct verb *verb) {
        if (options->n_sources == count_needed(verb))
                return log_usage_error(verb, "more than %s given",
                                       options->n_sources == 1 ? "one source" : "two sources");
        if (options->n_sources > 0 && streq(name, "-") && streq(options->sources[0].name, "-"))
                return log_usage_error(verb, "both sources are standard input; save one in a file");
        options->sources[options->n_sources++] = (struct source){ backend, name };
        return -1;
}

static int parse_option(struct options *options, int option, char **argv, const struct verb *verb) {
        switch (option) {
        case 'J':
                options->table_options.json = true;
                return -1;
        case 'n':
                options->table_options.no_headings = true;
                return -1;
        case 'o':
                return table_parse_columns(optarg, verb, &options->columns) == EXIT_DONE ? -1 : EXIT_USAGE;
        case OPTION_FULL:
                options->table_options.full = true;
                return -1;
        case OPTION_TO:
                options->to = optarg;
                return -1;
        case OPTION_TIMEOUT:
                return parse_seconds(verb, optarg, &options->timeout) == EXIT_DONE ? -1 : EXIT_USAGE;
        }

        if (option < OPTION_SOURCE)
                return parse_common(option, argv, verb);
        return add_source(options, &backends[option - OPTION_SOURCE], optarg, verb);
}

/**
 * options_parse() - parse the options, and set optind to the first argument
 *
 * Return: -1, or an exit status.
 */
int options_parse(int argc, char **argv, const struct verb *verb, struct options *ret) {
        struct options options = { .timeout = 10 * NSEC_PER_SEC };
        int option, r;

        if (verb->default_columns)
                (void) table_parse_columns(verb->default_columns, verb, &options.columns);
        while ((option = verb_next_option(verb, argc, argv)) >= 0) {
                r = parse_option(&options, option, argv, verb);
                if (r >= 0)
                        return r;
        }
        if (options.n_sources < count_needed(verb))
                return log_usage_error(verb, "%s source given: use --qmp=, --libvirt=, --cloud-hypervisor=, "
                                             "--firecracker= or --list=",
                                       options.n_sources == 0 ? "no" : "only one");

        *ret = options;
        return -1;
}

/**
 * options_read() - read the machine of a source
 * @number: of the source, from 0
 *
 * Return: EXIT_DONE, or an exit status after an error is printed.
 */
int options_read(const struct options *options, size_t number, struct machine *ret) {
        const struct source *source = &options->sources[number];
        const struct reading reading = { source, ret };
        struct error error = {};
        int r;

        r = run_timeout_start(options->timeout, source->name, explain, &reading);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot start a timer: %s", strerror(-r));
        r = source->backend->read(source->name, ret, &error);
        if (r >= 0)
                r = machine_complete(ret) < 0 ? error_set(&error, -ENOMEM, "out of memory") : 0;
        run_timeout_stop();
        return r >= 0 ? EXIT_DONE : log_error(r == -ENXIO ? EXIT_ABSENT : EXIT_FAILED, "%s", error.text);
}

/** options_refuse_argument() - Return: EXIT_USAGE after an error message about the first argument. */
int options_refuse_argument(char **argv, const struct verb *verb) {
        return log_usage_error(verb, "%s: unexpected argument", argv[optind]);
}

/** options_warn() - warn of what the source of a machine has but was not read */
void options_warn(const struct options *options, size_t number, const struct machine *machine) {
        if (machine->unread)
                (void) log_error(EXIT_DONE, "%s: warning: %s", options->sources[number].name, machine->unread);
}

static bool shows_labels(const struct options *options, const struct verb_table *contents) {
        for (size_t i = 0; contents->label_column > 0 && i < options->columns.n; i++)
                if (options->columns.items[i] >= contents->label_column)
                        return true;

        return false;
}

/**
 * options_print_table() - run a verb that takes no argument and prints a table of the machine
 * @contents: its fill() returns 0 or -ENOMEM; its print_notes() can be NULL
 *
 * Return: an exit status.
 */
int options_print_table(int argc, char **argv, const struct verb *verb, const struct verb_table *contents) {
        _cleanup_table_ struct libscols_table *table = NULL;
        _cleanup_machine_ struct machine machine = {};
        struct options options;
        int r;

        r = options_parse(argc, argv, verb, &options);
        if (r >= 0)
                return r;
        if (optind < argc)
                return options_refuse_argument(argv, verb);
        machine.wants_labels = shows_labels(&options, contents);
        machine.wants_room = contents->wants_room;
        r = options_read(&options, 0, &machine);
        if (r != EXIT_DONE)
                return r;
        if (machine.is_list && contents->needs_buses)
                return log_usage_error(verb, "%s: a list does not have the machine's buses; use another source",
                                       options.sources[0].name);

        table = table_new(contents->name, &options.table_options);
        if (!table || contents->fill(table, &options, &machine) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        r = table_print(table);
        if (r != EXIT_DONE)
                return r;
        options_warn(&options, 0, &machine);
        if (contents->print_notes)
                contents->print_notes(&machine, options.sources[0].name);
        return EXIT_DONE;
}
