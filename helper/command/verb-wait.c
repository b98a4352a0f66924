/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints the devices when all are ready, so standard output is empty after a failure. */

#include <getopt.h>

#include "command.h"
#include "deadline.h"
#include "found.h"
#include "util.h"
#include "wait.h"

static int wait_and_print(struct wait *w) {
        int r = wait_run(w);

        return r == EXIT_DONE && !w->removed ? found_print(w->lookups, w->n, &verb_wait, w->userdata) : r;
}

enum {
        OPTION_TIMEOUT = 0x200,
        OPTION_REMOVED,
        OPTION_SETTLED,
        OPTION_KERNEL
};

/* Return: -1 to continue, or an exit status. */
static int parse_option(struct wait *w, int option, char **argv) {
        int r = found_parse_option(option, &verb_wait, w->userdata);

        if (r >= 0)
                return r == EXIT_DONE ? -1 : r;
        switch (option) {
        case 't':
                w->type = optarg;
                return -1;
        case OPTION_TIMEOUT:
                return parse_seconds(&verb_wait, optarg, &w->timeout) == EXIT_DONE ? -1 : EXIT_USAGE;
        case OPTION_REMOVED:
                w->removed = true;
                return -1;
        case OPTION_SETTLED:
                w->updated = true;
                return -1;
        case OPTION_KERNEL:
                w->kernel = true;
                return -1;
        default:
                return parse_common(option, argv, &verb_wait);
        }
}

static int parse_argv(struct wait *w, int argc, char **argv) {
        int option, r;

        while ((option = verb_next_option(&verb_wait, argc, argv)) >= 0) {
                r = parse_option(w, option, argv);
                if (r >= 0)
                        return r;
        }
        if (optind == argc)
                return log_usage_error(&verb_wait, "no path given");
        if (w->updated && w->kernel)
                return log_usage_error(&verb_wait, "--settled and --kernel cannot be used together");

        return -1;
}

static size_t count_device_specs(char **lists, size_t n) {
        size_t count = n;

        for (size_t i = 0; i < n; i++)
                for (const char *p = strchr(lists[i], ','); p; p = strchr(p + 1, ','))
                        count++;

        return count;
}

/* Splits a list at its commas into device specs. */
static int parse_list(struct wait *w, const char *list) {
        for (;;) {
                size_t span = device_spec_list_span(list);
                char *text;
                int r;

                text = strndup(list, span);
                if (!text)
                        return log_error(EXIT_FAILED, "out of memory");
                w->texts[w->n] = text;
                r = parse_device_spec(text, w->type, &w->specs[w->n++]);
                if (r != EXIT_DONE || list[span] == '\0')
                        return r;
                list += span + 1;
        }
}

static int parse_lists(struct wait *w, char **lists, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int r = parse_list(w, lists[i]);

                if (r != EXIT_DONE)
                        return r;
        }

        return EXIT_DONE;
}

static int run_wait(int argc, char **argv) {
        struct found_options options = {};
        struct wait w = { .timeout = DEADLINE_NEVER, .userdata = &options };
        size_t most;
        int r;

        r = parse_argv(&w, argc, argv);
        if (r >= 0)
                return r;

        most = count_device_specs(argv + optind, (size_t) (argc - optind));
        w.texts = calloc(most, sizeof(w.texts[0]));
        w.specs = calloc(most, sizeof(w.specs[0]));
        w.lookups = calloc(most, sizeof(w.lookups[0]));
        if (w.texts && w.specs && w.lookups)
                r = parse_lists(&w, argv + optind, (size_t) (argc - optind));
        else
                r = log_error(EXIT_FAILED, "out of memory");

        if (r == EXIT_DONE)
                r = wait_and_print(&w);
        wait_clear(&w);
        return r;
}

const struct verb verb_wait = {
        .name = "wait",
        .operands = "PATH[,PATH...]...",
        .summary = "Wait until devices are ready, and print them as find does",
        .description = "PATH is as for 'pcipath find', and can have a type of its own: ,type=TYPE. With\n"
                       "several paths, waits for all. Bridges on the way need not exist yet.",
        .option_rows = (const struct option_row[]){
                { 't', "type", "TYPE", "Wait for devices of this type, as for 'pcipath find'" },
                { OPTION_TIMEOUT, "timeout", "SECONDS", "Give up after this time, and print what is missing" },
                { OPTION_REMOVED, "removed", NULL, "Wait until the devices are removed; prints nothing" },
                { OPTION_SETTLED, "settled", NULL, "Wait until udev's queue is empty, too" },
                { OPTION_KERNEL, "kernel", NULL, "Do not wait for udev, even if it is running" },
                FOUND_OPTION_ROWS,
                COMMON_ROWS,
                {},
        },
        .columns = found_columns,
        .default_columns = FOUND_DEFAULT_COLUMNS,
        .run = run_wait,
};
