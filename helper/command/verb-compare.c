/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>

#include "command.h"
#include "compare.h"
#include "document.h"
#include "guest-compare.h"
#include "subtree.h"

static const struct column columns[] = {
        { "CHANGE", "moved, went or came" },
        { "ID", "name in the monitor, from the list" },
        { "TYPE", "type in the monitor, from the list" },
        { "KIND", "kind of device" },
        { "OLD", "PCI path in the list, and the suffix of a disk or interface" },
        { "NEW", "PCI path in this machine, and the suffix of a disk or interface" },
        { "NAME", "device node or network interface" },
        {},
};

static int add_line(void *userdata, const struct list_row *row, const struct guest_device *device) {
        const char *change = !device ? "went" : (row ? "moved" : "came");
        _cleanup_free_ char *old = NULL, *new = NULL;
        struct libscols_table *table = userdata;
        struct libscols_line *line;

        if ((row && compare_print_place(row->path, row->suffix, &old) < 0) ||
            (device && compare_print_place(&device->function->path, device->suffix, &new) < 0))
                return -ENOMEM;
        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, 0, change) < 0 ||
            scols_line_set_data(line, 1, row ? row->texts[LIST_ID] : NULL) < 0 ||
            scols_line_set_data(line, 2, row ? row->texts[LIST_TYPE] : NULL) < 0 ||
            scols_line_set_data(line, 3, row ? row->texts[LIST_KIND] : guest_device_kind(device)) < 0 ||
            scols_line_set_data(line, 4, old) < 0 || scols_line_set_data(line, 5, new) < 0 ||
            scols_line_set_data(line, 6, device && device->child ? device->child->name : NULL) < 0)
                return -ENOMEM;
        return 0;
}

static int print_differences(const struct saved_list *list, struct guest_devices *devices,
                             const struct table_options *options) {
        _cleanup_table_ struct libscols_table *table = compare_table_new(&verb_compare, options);

        if (!table || guest_compare(list, devices, add_line, table) < 0)
                return log_error(EXIT_TROUBLE, "out of memory");
        return compare_table_print(table);
}

static int read_list(const char *name, struct saved_list *ret) {
        _cleanup_free_ char *text = NULL;
        struct error error;
        size_t size;
        int r;

        r = document_read(name, &text, &size, &error);
        if (r >= 0)
                r = saved_list_parse(name, text, size, ret, &error);
        return r < 0 ? log_error(EXIT_TROUBLE, "%s", error.text) : EXIT_DONE;
}

static int compare(const char *name, const struct table_options *options) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        _cleanup_guest_devices_ struct guest_devices devices = {};
        _cleanup_saved_list_ struct saved_list list = {};
        int r;

        r = read_list(name, &list);
        if (r != EXIT_DONE)
                return r;
        r = enumerate_readable_functions(&enumeration);
        if (r >= 0 && log_unreadable_error(&enumeration) != EXIT_DONE)
                return EXIT_TROUBLE;
        if (r >= 0)
                r = guest_devices_find(&enumeration, &devices);
        if (r < 0)
                return log_error(EXIT_TROUBLE, "cannot read the PCI devices: %s", strerror(-r));
        return print_differences(&list, &devices, options);
}

static int run_compare(int argc, char **argv) {
        struct table_options options = {};
        int option;

        while ((option = verb_next_option(&verb_compare, argc, argv)) >= 0)
                switch (option) {
                case 'J':
                        options.json = true;
                        break;
                case 'n':
                        options.no_headings = true;
                        break;
                default:
                        return parse_common(option, argv, &verb_compare);
                }
        if (argc - optind != 1)
                return log_usage_error(&verb_compare, "expected one FILE, not %d", argc - optind);

        return compare(argv[optind], &options);
}

const struct verb verb_compare = {
        .name = "compare",
        .operands = "FILE",
        .summary = "List the devices that differ from a list that the host has saved",
        .description = "FILE has the output of 'pcipath-host list -J'; - is standard input. Exits with\n"
                       "status 0 if nothing differs, with 1 if something does, and with 2 if an error\n"
                       "occurs.",
        .option_rows = (const struct option_row[]){
                { 'J', "json", NULL, "Print JSON" },
                { 'n', "noheadings", NULL, "Do not print the headings" },
                COMMON_ROWS,
                {},
        },
        .columns = columns,
        .run = run_compare,
};
