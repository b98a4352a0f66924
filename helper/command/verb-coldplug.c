/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "manager.h"
#include "uevent-monitor.h"

static int coldplug(struct manager *m, bool beside_udev) {
        int r;

        r = manager_open(m);
        if (r < 0)
                r = log_error(EXIT_FAILED, "%s: %s", m->directory, strerror(-r));
        else if (m->tree.is_dev && !m->dry_run && !beside_udev && udev_is_running())
                r = log_error(EXIT_FAILED, "udevd is running: the links in /dev are its to make (see pcipath coldplug --help)");
        else
                r = manager_scan_until_quiet(m);

        manager_close(m);
        return r;
}

enum { OPTION_MODULES = 0x200, OPTION_LINKS, OPTION_BESIDE_UDEV };

static int run_coldplug(int argc, char **argv) {
        static const struct option options[] = {
                { "dry-run",     no_argument,       NULL, 'n'                },
                { "modules",     no_argument,       NULL, OPTION_MODULES     },
                { "links",       optional_argument, NULL, OPTION_LINKS       },
                { "beside-udev", no_argument,       NULL, OPTION_BESIDE_UDEV },
                COMMON_OPTIONS,
                {},
        };
        struct manager m = MANAGER_NULL;
        bool beside_udev = false;
        int option, r;

        while ((option = getopt_long(argc, argv, "hn", options, NULL)) >= 0)
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
                return log_error(EXIT_USAGE, "%s: coldplug takes no path", argv[optind]);
        if (!m.want_modules && !m.directory)
                return log_error(EXIT_USAGE, "nothing to do: --modules, --links or both");

        r = coldplug(&m, beside_udev);
        return r == EXIT_DONE ? flush_output(r) : r;
}

const struct verb verb_coldplug = {
        .name = "coldplug",
        .arguments = "[--modules] [--links[=DIR]] [-n]",
        .summary = "Load drivers and make links for what is there, without udevd",
        .options = "What can be done is done; each failure is one line, and the exit status 1.\n"
                   "\n"
                   "     --modules      Load the drivers of PCI functions and of devices below them,\n"
                   "                    as modprobe -b does\n"
                   "     --links[=DIR]  Make the links by PCI path, and those in by-uuid, by-label,\n"
                   "                    by-partuuid and by-partlabel, below DIR [/dev]; remove\n"
                   "                    those there that are no device's any more. Below /dev they\n"
                   "                    are udev's to the letter and interfaces get their names, too;\n"
                   "                    elsewhere they lead to /dev/...\n"
                   "     --beside-udev  Make the links in /dev though udevd is running\n"
                   "  -n --dry-run      Print what would be done first, and do nothing\n"
                   "  -h --help         Show this help\n"
                   "     --version      Show the version\n",
        .run = run_coldplug,
};
