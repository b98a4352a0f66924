/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "cdi-files.h"
#include "command.h"
#include "deadline.h"
#include "lock.h"
#include "log-report.h"
#include "uevent-monitor.h"

/* Container runtimes read /var/run/cdi for specifications that do not outlive a boot. */
#define DEFAULT_DIRECTORY "/run/cdi"

/* In a burst of events, the files are written after this time if udev is not idle before. */
#define BURST_NSEC (200 * NSEC_PER_MSEC)

struct cdi_options {
        const struct cdi_kind *kind; /* or NULL */
        const char *directory;       /* or NULL to print it */
        bool follow;
};

static int print_specification(const struct cdi_kind *kind) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = cdi_scan_or_report(&enumeration);
        if (r != EXIT_DONE)
                return r;
        r = cdi_make_or_report(kind, &enumeration, &text);
        if (r < 0)
                return EXIT_FAILED;
        if (r == 0)
                return log_error(EXIT_ABSENT, "no device of the kind " CDI_VENDOR "/%s", kind->name);

        fputs(text, stdout);
        return flush_output(EXIT_DONE);
}

/* Makes sure that no other process writes and, at its end, removes the files. */
static int follow_alone(const char *directory, struct lock *lock) {
        _cleanup_close_ int fd = -1;
        int r;

        r = directory_make(AT_FDCWD, directory, 0755);
        if (r >= 0)
                r = fd = lock_open_directory(lock, "follow", directory, false);
        if (r == -EBUSY)
                return log_error(EXIT_FAILED, "%s: another 'pcipath cdi --follow' writes there", directory);
        return r < 0 ? log_error(EXIT_FAILED, "%s: %s", directory, strerror(-r)) : EXIT_DONE;
}

static int open_monitor(struct uevent_monitor *monitor) {
        sigset_t signals;
        int r;

        r = uevent_monitor_open(monitor, udev_is_running() ? UEVENT_UDEV : UEVENT_KERNEL);
        if (r < 0)
                return r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        return uevent_monitor_end_on(monitor, &signals);
}

/* Return: 1 after an event and those that came with it, 0 when a signal says to end, or a negative errno. */
static int wait_for_events(struct uevent_monitor *monitor) {
        uint64_t deadline;
        int r;

        r = uevent_monitor_wait(monitor, DEADLINE_NEVER);
        deadline = deadline_after(BURST_NSEC);
        while (r > 0 && !udev_is_idle())
                if (uevent_monitor_wait(monitor, deadline) <= 0)
                        break; /* the next call finds a signal or an error again */
        return r;
}

static int follow(const struct cdi_options *options) {
        _cleanup_(lock_release) struct lock lock = LOCK_NULL;
        _cleanup_(uevent_monitor_close) struct uevent_monitor monitor = UEVENT_MONITOR_NULL;
        int status, r;

        keep_heap_small();
        status = follow_alone(options->directory, &lock);
        if (status != EXIT_DONE)
                return status;
        r = open_monitor(&monitor);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r));

        status = cdi_files_write(options->directory, options->kind);
        if (status != EXIT_DONE)
                return status;
        (void) sd_notify(0, "READY=1");

        /* After a failure, which has been reported, the next event causes another attempt. */
        while ((r = wait_for_events(&monitor)) > 0)
                (void) cdi_files_write(options->directory, options->kind);
        if (r < 0)
                status = log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r));

        (void) sd_notify(0, "STOPPING=1");
        r = cdi_files_remove(options->directory, options->kind);
        return status == EXIT_DONE ? r : status;
}

enum {
        OPTION_WRITE = 0x200,
        OPTION_FOLLOW
};

/* Return: -1 to continue, or an exit status. */
static int parse_argv(struct cdi_options *options, int argc, char **argv) {
        int option;

        while ((option = verb_next_option(&verb_cdi, argc, argv)) >= 0)
                switch (option) {
                case 'k':
                        options->kind = cdi_kind_find(optarg);
                        if (!options->kind)
                                return log_usage_error(&verb_cdi, "--kind=%s: unknown kind", optarg);
                        break;
                case OPTION_WRITE:
                        options->directory = optarg ?: DEFAULT_DIRECTORY;
                        break;
                case OPTION_FOLLOW:
                        options->follow = true;
                        break;
                default:
                        return parse_common(option, argv, &verb_cdi);
                }
        if (optind < argc)
                return log_usage_error(&verb_cdi, "%s: unexpected argument", argv[optind]);

        return -1;
}

static int run_cdi(int argc, char **argv) {
        struct cdi_options options = {};
        int r;

        r = parse_argv(&options, argc, argv);
        if (r >= 0)
                return r;
        if (options.follow && !options.directory)
                options.directory = DEFAULT_DIRECTORY;
        if (!options.directory)
                return print_specification(options.kind ?: &cdi_kinds[0]);

        ignore_sigpipe();
        return options.follow ? follow(&options) : cdi_files_write(options.directory, options.kind);
}

const struct verb verb_cdi = {
        .name = "cdi",
        .operands = "",
        .summary = "Print or write a specification for container runtimes (CDI)",
        .description = "Prints a specification of the Container Device Interface. With it, podman and\n"
                       "others give a container a device such as pcipath.dev/disk=02.0-00.0.",
        .option_rows = (const struct option_row[]){
                { 'k', "kind", "KIND", "disk: disks and partitions; vfio: functions that have a VFIO\n"
                                       "driver; rdma: functions with RDMA; net: network interfaces;\n"
                                       "alias: what aliases name [disk; with --write and --follow\n"
                                       "all]" },
                { OPTION_WRITE, "write", "[=DIR]", "Write DIR/pcipath.dev-KIND.json, or remove it if there is no\n"
                                                   "device of this kind [/run/cdi]" },
                { OPTION_FOLLOW, "follow", NULL, "Write now and whenever devices change, and remove the files\n"
                                                 "at the end (SIGTERM or SIGINT)" },
                COMMON_ROWS,
                {},
        },
        .run = run_cdi,
};
