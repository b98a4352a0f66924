/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "log-report.h"
#include "manager.h"
#include "uevent-monitor.h"

static int coldplug(struct manager *m, bool beside_udev) {
        int r;

        r = manager_open(m);
        if (r < 0)
                return log_open_error(m->directory, r);
        if (m->tree.is_dev && !m->dry_run && !beside_udev && udev_is_running())
                return log_error(EXIT_FAILED, "udevd is running and already does this. Try 'pcipath coldplug --help'.");

        r = manager_scan_until_quiet(m);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot read the machine's devices: %s", strerror(-r));
        return m->has_failed ? EXIT_FAILED : EXIT_DONE;
}

enum {
        OPTION_MODULES = 0x200,
        OPTION_LINKS,
        OPTION_BESIDE_UDEV
};

static int run_coldplug(int argc, char **argv) {
        struct manager m = MANAGER_NULL;
        bool beside_udev = false;
        int option, r;

        while ((option = verb_next_option(&verb_coldplug, argc, argv)) >= 0)
                switch (option) {
                case 'n':
                        m.dry_run = true;
                        break;
                case OPTION_MODULES:
                        m.want_modules = true;
                        break;
                case OPTION_LINKS:
                        m.directory = optarg ?: "/dev";
                        break;
                case OPTION_BESIDE_UDEV:
                        beside_udev = true;
                        break;
                default:
                        return parse_common(option, argv, &verb_coldplug);
                }
        if (optind < argc)
                return log_usage_error(&verb_coldplug, "%s: unexpected argument", argv[optind]);
        if (!m.want_modules && !m.directory)
                return log_usage_error(&verb_coldplug, "nothing to do: use --modules, --links or both");

        ignore_sigpipe();
        m.reporter = (struct reporter) LOG_REPORTER;
        r = coldplug(&m, beside_udev);
        manager_close(&m);
        return r == EXIT_DONE ? flush_output(r) : r;
}

const struct verb verb_coldplug = {
        .name = "coldplug",
        .operands = "",
        .summary = "Load drivers and make links for all devices, without udevd",
        .description = "A failure is one line on standard error and the exit status 1; the rest is done.",
        .option_rows = (const struct option_row[]){
                { OPTION_MODULES, "modules", NULL, "Load the drivers of PCI functions and of the devices below\n"
                                                   "them, as 'modprobe -b' does" },
                { OPTION_LINKS, "links", "[=DIR]", "Make links by PCI path, UUID, label, partition UUID and\n"
                                                   "partition label below DIR, and remove stale ones [/dev].\n"
                                                   "In /dev, name network interfaces, too" },
                { OPTION_BESIDE_UDEV, "beside-udev", NULL, "Make links in /dev even if udevd is running" },
                { 'n', "dry-run", NULL, "Print what would be done first, and change nothing" },
                COMMON_ROWS,
                {},
        },
        .run = run_coldplug,
};
