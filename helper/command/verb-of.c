/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <net/if.h>
#include <stdio.h>
#include <systemd/sd-device.h>

#include "command.h"
#include "device-names.h"
#include "uids.h"

/* Parses "01:00.0", the format of lspci on a machine with one domain. */
static bool is_short_address(const char *text, char address[static sizeof("0000:01:00.0")]) {
        struct pci_hop unused;

        return snprintf(address, sizeof("0000:01:00.0"), "0000:%s", text) < (int) sizeof("0000:01:00.0") &&
               pci_hop_parse_sysname(address, &unused) == 0;
}

static int open_device(const char *text, sd_device **ret) {
        char address[sizeof("0000:01:00.0")];
        struct pci_hop unused;

        if (text[0] == '/')
                return sd_device_new_from_path(ret, text);
        if (pci_hop_parse_sysname(text, &unused) == 0)
                return sd_device_new_from_subsystem_sysname(ret, "pci", text);
        if (is_short_address(text, address))
                return sd_device_new_from_subsystem_sysname(ret, "pci", address);
        return sd_device_new_from_ifname(ret, text);
}

static int log_device_error(const char *text, int r) {
        if (r == -E2BIG || r == -EBADMSG)
                return log_error(EXIT_ABSENT, "%s: no PCI path is defined for this device", text);
        return log_error(EXIT_FAILED, "%s: cannot read the device: %s", text, strerror(-r));
}

struct printer {
        FILE *out;
        const struct format *format;
        const struct uid_map *uids;
};

/* Prints a line for each path of an NVMe multipath head, and for each function of an IOMMU group. */
static int print_paths_of(const struct printer *p, const char *text, sd_device *device) {
        _cleanup_names_ struct names names = {};
        char buf[FORMAT_MAX];
        const char *reason;
        int r;

        r = device_get_names(device, &names);
        if (r < 0)
                return log_device_error(text, r);
        if (names.n == 0)
                return log_error(EXIT_ABSENT, "%s: not below a PCI function", text);

        for (size_t i = 0; i < names.n; i++) {
                if (p->format->print(&names.items[i].path, p->uids, buf, &reason) < 0)
                        return log_error(EXIT_USAGE, "%s: cannot be written as %s: %s", text, p->format->name, reason);
                fprintf(p->out, "%s\n", buf);
        }

        return EXIT_DONE;
}

static int print_device(const struct printer *p, const char *text) {
        _cleanup_device_ sd_device *device = NULL;
        int r;

        r = open_device(text, &device);
        if (errno_is_absent(r) || r == -EINVAL || r == -ENOTBLK)
                return log_error(EXIT_ABSENT, "%s: no such device%s", text,
                                 text[0] == '/' ? "" : ", PCI address or network interface");
        return r < 0 ? log_device_error(text, r) : print_paths_of(p, text, device);
}

/* Prints the paths of all devices, or nothing. */
static int print_all(char **devices, int n, const struct format *format, const struct uid_map *uids) {
        struct printer printer = { .format = format, .uids = uids };
        _cleanup_free_ char *output = NULL;
        int status = EXIT_DONE;
        size_t size;

        printer.out = open_memstream(&output, &size);
        if (!printer.out)
                return log_error(EXIT_FAILED, "out of memory");

        for (int i = 0; i < n && status == EXIT_DONE; i++)
                status = print_device(&printer, devices[i]);

        if (finish_memstream(printer.out, &output) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        if (status == EXIT_DONE)
                fputs(output, stdout);
        return status == EXIT_DONE ? flush_output(status) : status;
}

enum {
        OPTION_TO = 0x200
};

static int run_of(int argc, char **argv) {
        const struct format *format = format_find("path");
        struct uid_map uids = {};
        int c, r;

        while ((c = verb_next_option(&verb_of, argc, argv)) >= 0) {
                if (c != OPTION_TO)
                        return parse_common(c, argv, &verb_of);
                format = format_find(optarg);
                if (!format)
                        return log_usage_error(&verb_convert, "--to=%s: unknown format", optarg);
        }
        if (optind == argc)
                return log_usage_error(&verb_of, "no device given");

        /* A machine without ACPI has no _UIDs. This is not an error. */
        (void) uid_map_read(&uids);
        r = print_all(argv + optind, argc - optind, format, &uids);
        uid_map_clear(&uids);
        return r;
}

const struct verb verb_of = {
        .name = "of",
        .operands = "DEVICE...",
        .summary = "Print the PCI path of each device",
        .description = "DEVICE is a device node or symlink in /dev, a network interface, a PCI address\n"
                       "of this machine (0000:01:00.0), or a directory in /sys. A device below a PCI\n"
                       "function has the path of the function.",
        .option_rows = (const struct option_row[]){
                { OPTION_TO, "to", "FORMAT", "Print paths in this format, as for 'pcipath convert' [path]" },
                COMMON_ROWS,
                {},
        },
        .run = run_of,
};
