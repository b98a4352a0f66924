/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udev's helper: it prints the properties of one device. It runs within udev's event for the device, so it prints
 * either all lines or none.
 */

#include <getopt.h>
#include <limits.h>
#include <stdio.h>

#include "pci-function.h"
#include "device-util.h"
#include "devlinks.h"
#include "exit-status.h"
#include "format-text.h"
#include "interface-name.h"
#include "device-names.h"
#include "node-link.h"
#include "nvme.h"
#include "string-list.h"
#include "util.h"
#include "vfio.h"

/* The size of udev's buffer for SYMLINK, with the null byte (systemd src/udev/udev-def.h, 252 and later). */
#define UDEV_PATH_SIZE 1024

/* udevd's log of a helper's messages can reach a terminal, so all quoted text is encoded. */
static _printf_(2, 3) int log_error(int status, const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        va_list ap;

        va_start(ap, format);
        (void) format_line_va(ENCODE_ASCII, &line, format, ap);
        va_end(ap);
        fprintf(stderr, "pcipath_id: %s\n", line ?: "out of memory");
        return status;
}

static int finish_output(void) {
        return fflush(stdout) == 0 ? EXIT_DONE : log_error(EXIT_FAILED, "cannot write: %s", strerror(errno));
}

static int help(void) {
        puts("pcipath_id [OPTIONS] [SYSPATH|NODE]\n"
             "\n"
             "Print the PCI path of a device as properties for udev. Without an argument, use\n"
             "the device in $DEVPATH, as in IMPORT{program}.\n"
             "\n"
             "     --vfio-group  Print the name in /sys/class/vfio of the function's IOMMU\n"
             "                   group instead\n"
             "  -h --help        Show this help\n"
             "     --version     Show the version\n"
             "\n"
             "See pcipath_id(8) for the exit statuses, and pcipath-names(7).");
        return finish_output();
}

static int explain(const char *name, int r) {
        switch (r) {
        case -E2BIG:
                return log_error(EXIT_ABSENT, "%s: the device is behind more than %d bridges", name, PCI_PATH_HOPS_MAX);
        case -EBADMSG:
                return log_error(EXIT_ABSENT,
                                 "%s: unknown format in the device tree, or a domain that the host does not know: "
                                 "the device gets no name",
                                 name);
        default:
                return log_error(EXIT_FAILED, "%s: cannot read the device: %s", name, strerror(-r));
        }
}

/* Print the links that fit into udev's buffer, in the format of SYMLINK. */
static void print_links(const struct string_list *links, const char *shown) {
        char text[UDEV_PATH_SIZE], *end = text;

        for (size_t i = 0; i < links->n; i++) {
                if ((size_t) (end - text) + (i > 0) + strlen(links->items[i]) >= sizeof(text)) {
                        log_error(0, "%s: the links are longer than %d bytes in total: those from %s on are not made",
                                  shown, UDEV_PATH_SIZE - 1, strrchr(links->items[i], '/') + 1);
                        break;
                }
                end = stpcpy(stpcpy(end, i > 0 ? " " : ""), links->items[i]);
        }

        if (end > text)
                printf("ID_PCI_PATH_LINKS=%s\n", text);
}

static int print_vfio_group(sd_device *device, const char *shown) {
        char group[NAME_MAX + 1];
        const char *syspath;
        int r;

        r = sd_device_get_syspath(device, &syspath);
        if (r >= 0)
                r = vfio_find_group(syspath, group);
        if (r < 0)
                return explain(shown, r);
        if (r == 0)
                return EXIT_ABSENT;
        puts(group);
        return finish_output();
}

/*
 * Make the name of an interface directly below its function or virtio device, as pcipath_altname does. The result is
 * empty for an interface without a name, and for other devices.
 */
static int find_interface_name(sd_device *device, const char *shown, const char *flat,
                               char ret[static INTERFACE_NAME_MAX + 1]) {
        const char *syspath;
        int r;

        ret[0] = '\0';
        r = device_has_interface_name(device);
        if (r > 0)
                r = sd_device_get_syspath(device, &syspath) < 0 ? -ENODEV : 1;
        if (r <= 0)
                return r;

        r = interface_get_name(syspath, flat, ret);
        if (r < 0)
                ret[0] = '\0';
        if (r == -ENAMETOOLONG || r == -EBADMSG)
                log_error(0, "%s: the name would be too long or contain characters that are not allowed: "
                             "no name is added",
                          shown);
        return r == -ENAMETOOLONG || r == -EBADMSG || r == -ENOTUNIQ ? 0 : r;
}

/*
 * Find the class of an input device. udev sets the property in this event or in an earlier one. Return: 0, or a
 * negative errno.
 */
static int find_input_class(sd_device *device, const char **ret) {
        const char *value;
        int r;

        r = device_in_subsystem(device, "input");
        for (size_t i = 0; r > 0 && !*ret && input_classes[i].suffix; i++)
                if (getenv(input_classes[i].property) ||
                    sd_device_get_property_value(device, input_classes[i].property, &value) >= 0)
                        *ret = input_classes[i].suffix;

        return r < 0 ? r : 0;
}

/* All values are read before the first line is printed. */
static int print_suffix(sd_device *device, const struct name *name, const char *shown) {
        char canonical[PCI_PATH_STRING_MAX], flat[PCI_PATH_STRING_MAX], interface[INTERFACE_NAME_MAX + 1];
        int r;

        pci_path_print(&name->path, PCI_PATH_CANONICAL, canonical);
        pci_path_print(&name->path, PCI_PATH_FLAT, flat);
        r = find_interface_name(device, shown, flat, interface);
        if (r < 0)
                return r;

        printf("ID_PCI_PATH=%s\nID_PCI_PATH_TAG=%s\n", canonical, flat);
        if (*name->link)
                printf("ID_PCI_PATH_LINK=%s\n", name->link);
        if (*interface)
                printf("ID_NET_NAME_PCI_PATH=%s\n", interface);
        return 0;
}

/*
 * A device has one path, with two exceptions: an NVMe multipath head can have several or none, and an IOMMU group has
 * those of its functions. A link that cannot be made does not prevent the others.
 */
static int print_properties(sd_device *device, const char *shown) {
        _cleanup_string_list_ struct string_list links = {};
        _cleanup_names_ struct names names = {};
        const char *input_class = NULL;
        bool has_one_path;
        int left_out = 0, r;
        sd_device *head;

        if (nvme_head_find(device, &head) > 0)
                nvme_head_await_paths(head);

        r = device_get_names(device, &names);
        if (r >= 0)
                r = find_input_class(device, &input_class);
        if (r >= 0)
                r = device_get_links(device, &names, input_class, &links, &left_out);
        if (r >= 0)
                r = device_in_subsystem(device, "vfio");
        if (r < 0)
                return explain(shown, r);

        has_one_path = names.n == 1 && r == 0;
        if (left_out == -ENAMETOOLONG)
                log_error(0, "%s: the name of the link would be longer than %d bytes: the link is not made", shown,
                          LINK_NAME_MAX);
        else if (left_out < 0 && has_one_path)
                return explain(shown, left_out);

        if (has_one_path) {
                r = print_suffix(device, &names.items[0], shown);
                if (r < 0)
                        return explain(shown, r);
        }
        if (!has_one_path || !*names.items[0].link)
                print_links(&links, shown);
        return finish_output();
}

static int parse_argv(int argc, char **argv, const char **ret_device, bool *ret_vfio_group) {
        enum {
                ARG_VERSION = 0x100,
                ARG_VFIO_GROUP
        };
        static const struct option options[] = {
                { "vfio-group", no_argument, NULL, ARG_VFIO_GROUP },
                { "help",       no_argument, NULL, 'h'            },
                { "version",    no_argument, NULL, ARG_VERSION    },
                {},
        };
        int c;

        opterr = 0; /* getopt's message prints the option unencoded */
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        return help();
                case ARG_VFIO_GROUP:
                        *ret_vfio_group = true;
                        break;
                case ARG_VERSION:
                        puts("pcipath " PROJECT_VERSION);
                        return finish_output();
                default:
                        if (strncmp(argv[optind - 1], "--", 2) != 0)
                                return log_error(EXIT_USAGE, "unknown option '-%c'. Try 'pcipath_id --help'.", optopt);
                        return log_error(EXIT_USAGE, "unknown option '%s'. Try 'pcipath_id --help'.", argv[optind - 1]);
                }

        if (argc - optind > 1)
                return log_error(EXIT_USAGE, "expected one device, not %d. Try 'pcipath_id --help'.", argc - optind);

        *ret_device = argv[optind];
        return -1;
}

static int run(int argc, char **argv) {
        _cleanup_device_ sd_device *device = NULL;
        const char *name = NULL, *devpath;
        char from_env[PATH_MAX];
        bool vfio_group = false;
        int r;

        r = parse_argv(argc, argv, &name, &vfio_group);
        if (r >= 0)
                return r;

        if (!name) {
                devpath = getenv("DEVPATH");
                if (!devpath)
                        return log_error(EXIT_USAGE,
                                         "no device given and $DEVPATH is not set. Try 'pcipath_id --help'.");
                if (snprintf(from_env, sizeof(from_env), "/sys%s", devpath) >= (int) sizeof(from_env))
                        return log_error(EXIT_USAGE, "$DEVPATH is too long");
                name = from_env;
        }

        if (strncmp(name, "/sys/", 5) != 0 && strncmp(name, "/dev/", 5) != 0)
                return log_error(EXIT_USAGE, "%s: the path must be below /sys/ or /dev/", name);

        r = sd_device_new_from_path(&device, name);
        if (r < 0)
                return explain(name, r);

        return vfio_group ? print_vfio_group(device, name) : print_properties(device, name);
}

int main(int argc, char **argv) {
        return run(argc, argv);
}
