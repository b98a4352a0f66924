/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Scans after each event until one scan finds all devices ready. Events that arrive during a scan cause another
 * scan. Prints the devices only then, so standard output is empty after a failure.
 */

#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "deadline.h"
#include "diagnose.h"
#include "readiness.h"
#include "util.h"

struct wait {
        const char *type;
        uint64_t timeout; /* nanoseconds, or DEADLINE_NEVER */
        bool removed;
        bool updated;
        bool kernel;
        enum uevent_source source;
        char **texts;
        struct device_spec *specs;
        struct lookup *lookups;
        size_t n;
};

static void clear_lookups(struct wait *w) {
        for (size_t i = 0; i < w->n; i++)
                lookup_clear(&w->lookups[i]);
}

static void wait_clear(struct wait *w) {
        clear_lookups(w);
        for (size_t i = 0; i < w->n; i++)
                free(w->texts[i]);
        free(w->texts);
        free(w->specs);
        free(w->lookups);
}

static bool is_arrived(const struct wait *w, size_t i) {
        return lookup_is_ready(&w->lookups[i], &w->specs[i].path, w->source);
}

/*
 * A partition, or one of several disks, is removed when the device is gone. A whole function is removed when its links
 * are gone, too.
 *
 * Return: 1, 0, or a negative errno.
 */
static int is_removed(const struct wait *w, size_t i) {
        const struct device_spec *spec = &w->specs[i];
        int r;

        if (w->lookups[i].is_there)
                return 0;
        if (spec->selector.part > 0 || spec->selector.suffix[0] != '\0' ||
            spec->selector.sub_function[0] != '\0' || w->source == UEVENT_KERNEL ||
            w->lookups[i].resolution.n_hops == spec->path.n_hops)
                return 1;

        r = path_has_links(&spec->path);
        return r < 0 ? r : r == 0;
}

/* Return: 1 when all devices are in the awaited state, 0 when not, or a negative errno after an error message. */
static int scan(struct wait *w) {
        bool done = true;
        int r;

        clear_lookups(w);
        for (size_t i = 0; i < w->n; i++) {
                r = lookup_device(&w->specs[i], &w->lookups[i]);
                if (r < 0) {
                        (void) log_lookup_error(w->texts[i], &w->lookups[i], r);
                        return r;
                }
                r = w->removed ? is_removed(w, i) : is_arrived(w, i);
                if (r < 0) {
                        (void) log_error(EXIT_FAILED, "cannot scan the devices: %s", strerror(-r));
                        return r;
                }
                done = done && r > 0;
        }

        return done && (!w->updated || udev_is_idle());
}

/* Prints why a device that exists is not ready. */
static void diagnose_unready(const struct wait *w, size_t i) {
        const struct lookup *lookup = &w->lookups[i];
        const char *name = lookup->n_selected > 0 ? lookup->children.items[0].name : "the function";

        for (size_t j = 0; w->source == UEVENT_UDEV && j < lookup->n_selected; j++) {
                const struct child_device *u = &lookup->children.items[j];
                _cleanup_free_ char *stolen = NULL;

                if (child_device_find_stolen_name(u, &w->specs[i].path, &stolen) > 0) {
                        log_error(0, "timed out: %s: %s exists, but another device has its name %s", w->texts[i],
                                  u->name, stolen);
                        return;
                }
        }

        log_error(0, "timed out: %s: %s exists, but %s has not finished with it", w->texts[i], name,
                  w->source == UEVENT_UDEV ? "udev" : "the kernel");
}

static int diagnose_timeout(const struct wait *w) {
        for (size_t i = 0; i < w->n; i++) {
                const struct lookup *lookup = &w->lookups[i];
                const char *name = lookup->n_selected > 0 ? lookup->children.items[0].name : "the function";

                if (w->removed && lookup->is_there)
                        log_error(0, "timed out: %s: %s still exists", w->texts[i], name);
                else if (w->removed && is_removed(w, i) == 0)
                        log_error(0, "timed out: %s: the device is gone, but its links still exist", w->texts[i]);
                else if (!w->removed && !lookup->is_there)
                        log_absent(w->texts[i], &w->specs[i], lookup);
                else if (!w->removed && !is_arrived(w, i))
                        diagnose_unready(w, i);
        }
        if (w->updated && !udev_is_idle())
                log_error(0, "timed out: udev's queue is not empty");

        return EXIT_TIMEOUT;
}

/* A PCI address can be parsed as a path on a root bus that does not exist. Do not wait for such a bus. */
static int refuse_addresses(const struct wait *w) {
        for (size_t i = 0; i < w->n; i++) {
                const struct device_spec *spec = &w->specs[i];
                struct pci_path unused;

                if (!w->lookups[i].resolution.has_root && pci_address_find_path(&spec->path, &unused) > 0)
                        return log_absent(w->texts[i], spec, &w->lookups[i]);
        }

        return EXIT_DONE;
}

static int wait_with(struct wait *w, struct uevent_monitor *monitor) {
        uint64_t deadline = deadline_after(w->timeout);
        bool first = true;
        int r;

        for (;;) {
                r = scan(w);
                if (r < 0)
                        return EXIT_FAILED;
                if (r > 0)
                        return EXIT_DONE;

                if (first && !w->removed) {
                        r = refuse_addresses(w);
                        if (r != EXIT_DONE)
                                return r;
                }
                first = false;

                r = uevent_monitor_wait(monitor, deadline);
                if (r < 0)
                        return log_error(EXIT_FAILED, "cannot wait for events: %s", strerror(-r));
                if (r == 0)
                        return diagnose_timeout(w);
        }
}

/* Prints what is missing also on SIGTERM, because systemd and timeout(1) have timeouts of their own. */
static int end_on_sigterm(struct uevent_monitor *monitor) {
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        return uevent_monitor_end_on(monitor, &signals);
}

static int wait_and_print(struct wait *w) {
        struct uevent_monitor monitor = UEVENT_MONITOR_NULL;
        int r;

        w->source = w->kernel || !udev_is_running() ? UEVENT_KERNEL : UEVENT_UDEV;
        r = uevent_monitor_open(&monitor, w->source);
        if (r >= 0)
                r = end_on_sigterm(&monitor);
        r = r < 0 ? log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r)) : wait_with(w, &monitor);
        uevent_monitor_close(&monitor);

        if (r == EXIT_DONE && !w->removed)
                for (size_t i = 0; i < w->n; i++)
                        print_found(&w->lookups[i]);
        return r == EXIT_DONE ? flush_output(r) : r;
}

enum {
        OPTION_TIMEOUT = 0x200,
        OPTION_REMOVED,
        OPTION_SETTLED,
        OPTION_KERNEL
};

/* Return: -1 to continue, or an exit status. */
static int parse_option(struct wait *w, int option, char **argv) {
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
        struct wait w = { .timeout = DEADLINE_NEVER };
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
                COMMON_ROWS,
                {},
        },
        .run = run_wait,
};
