/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <systemd/sd-hwdb.h>

#include "command.h"
#include "diskseq.h"
#include "enumerate.h"
#include "kind.h"
#include "links.h"
#include "readiness.h"
#include "subtree.h"
#include "sysfs.h"
#include "table.h"

/* A line of the table: one device below a function, or a function with none (child is NULL). */
struct row {
        const struct function *function;
        const struct child_device *child;
        const struct links *links;
        sd_hwdb *hwdb; /* or NULL */
};

/* The text of a cell. Return: @buf, a string that lives as long as the row, or NULL for nothing. */
typedef const char *(*cell_fn)(const struct row *row, char buf[static PCI_PATH_STRING_MAX]);

static const char *print_path(const struct pci_path *path, enum pci_path_form form, char *buf) {
        if (path->n_hops == 0)
                return NULL;

        pci_path_print(path, form, buf);
        return buf;
}

static const char *cell_path(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        return print_path(&row->function->path, PCI_PATH_CANONICAL, buf);
}

static const char *cell_tag(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        return print_path(&row->function->path, PCI_PATH_FLAT, buf);
}

static const char *cell_address(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        (void) buf;
        return row->function->address;
}

static const char *cell_driver(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        return sysfs_read_link_name(row->function->syspath, "driver", buf) < 0 ? NULL : buf;
}

static const char *cell_kind(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        struct pci_kind kind;

        (void) buf;
        pci_function_get_kind(row->function->syspath, &kind);
        return kind.name;
}

static const char *cell_subsystem(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        (void) buf;
        return row->child ? row->child->subsystem : NULL;
}

static const char *cell_name(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        (void) buf;
        return row->child ? row->child->name : NULL;
}

static const char *cell_link(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        const char *link;

        if (!row->child)
                return NULL;
        link = links_find(row->links, row->child->name, print_path(&row->function->path, PCI_PATH_FLAT, buf) ?: "");
        if (!link || streq(row->child->subsystem, "net"))
                return link; /* the kernel has resolved the name */

        /* The node can belong to another device that was removed. */
        return child_device_is_at(row->child, link) > 0 ? link : NULL;
}

/* Gets the name from udev's hardware database, or the number. The text belongs to the database. */
static const char *print_identity(const struct row *row, const char *attribute, const char *property, char *buf) {
        const char *text;

        if (row->hwdb && sysfs_read_attribute(row->function->syspath, "modalias", PCI_PATH_STRING_MAX, buf) >= 0 &&
            sd_hwdb_get(row->hwdb, buf, property, &text) >= 0)
                return text;
        if (sysfs_read_attribute(row->function->syspath, attribute, PCI_PATH_STRING_MAX, buf) < 0)
                return NULL;
        return strncmp(buf, "0x", 2) == 0 ? buf + 2 : buf;
}

static const char *cell_vendor(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        return print_identity(row, "vendor", "ID_VENDOR_FROM_DATABASE", buf);
}

static const char *cell_model(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        return print_identity(row, "device", "ID_MODEL_FROM_DATABASE", buf);
}

static const char *cell_diskseq(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        uint64_t number;

        if (!row->child || !streq(row->child->subsystem, "block") || diskseq_read(row->child->syspath, &number) < 0)
                return NULL;
        sprintf(buf, "%" PRIu64, number);
        return buf;
}

static const char *cell_syspath(const struct row *row, char buf[static PCI_PATH_STRING_MAX]) {
        (void) buf;
        return row->child ? row->child->syspath : row->function->syspath;
}

_Static_assert(PCI_PATH_STRING_MAX > NAME_MAX, "cell_driver() reads a file name into its buffer");

enum {
        COLUMN_PATH,
        COLUMN_ADDRESS,
        COLUMN_DRIVER,
        COLUMN_SUBSYSTEM,
        COLUMN_NAME,
        COLUMN_LINK,
        COLUMN_TAG,
        COLUMN_KIND,
        COLUMN_VENDOR,
        COLUMN_MODEL,
        COLUMN_SYSPATH,
        COLUMN_DISKSEQ,
        N_COLUMNS,
};

static const struct column columns[N_COLUMNS + 1] = {
        [COLUMN_PATH]      = { "PATH",      "PCI path of the function"                                },
        [COLUMN_ADDRESS]   = { "ADDRESS",   "PCI address of the function in this boot"                },
        [COLUMN_DRIVER]    = { "DRIVER",    "driver of the function"                                  },
        [COLUMN_SUBSYSTEM] = { "SUBSYSTEM", "subsystem of the device: block, net and so on"           },
        [COLUMN_NAME]      = { "NAME",      "device node or network interface"                        },
        [COLUMN_LINK]      = { "LINK",      "symlink or alternative name by PCI path"                 },
        [COLUMN_TAG]       = { "TAG",       "PATH in the flat format"                                 },
        [COLUMN_KIND]      = { "KIND",      "kind of the function"                                    },
        [COLUMN_VENDOR]    = { "VENDOR",    "vendor from udev's hardware database, or PCI vendor ID"  },
        [COLUMN_MODEL]     = { "MODEL",     "model from udev's hardware database, or PCI device ID"   },
        [COLUMN_SYSPATH]   = { "SYSPATH",   "directory of the device in /sys"                         },
        [COLUMN_DISKSEQ]   = { "DISKSEQ",   "sequence number of the disk in this boot"                },
};

static const cell_fn cells[N_COLUMNS] = {
        [COLUMN_PATH]      = cell_path,
        [COLUMN_ADDRESS]   = cell_address,
        [COLUMN_DRIVER]    = cell_driver,
        [COLUMN_SUBSYSTEM] = cell_subsystem,
        [COLUMN_NAME]      = cell_name,
        [COLUMN_LINK]      = cell_link,
        [COLUMN_TAG]       = cell_tag,
        [COLUMN_KIND]      = cell_kind,
        [COLUMN_VENDOR]    = cell_vendor,
        [COLUMN_MODEL]     = cell_model,
        [COLUMN_SYSPATH]   = cell_syspath,
        [COLUMN_DISKSEQ]   = cell_diskseq,
};

struct list {
        struct table_options table_options;
        bool all;
        struct table_columns columns;
        struct subtrees subtrees;
        struct libscols_table *table;
        struct links links;
        sd_hwdb *hwdb;
};

static int add_line(struct list *list, const struct function *f, const struct child_device *u) {
        const struct row row = { .function = f, .child = u, .links = &list->links, .hwdb = list->hwdb };
        char buf[PCI_PATH_STRING_MAX];
        struct libscols_line *line;
        int r;

        line = scols_table_new_line(list->table, NULL);
        if (!line)
                return -ENOMEM;

        for (size_t i = 0; i < list->columns.n; i++) {
                r = scols_line_set_data(line, i, cells[list->columns.items[i]](&row, buf));
                if (r < 0)
                        return r;
        }

        return 0;
}

static int add_function(struct list *list, const struct function *f) {
        static const struct selector what_it_is_for = { .any_sub_function = true };
        const char *type = f->children.n > 0 ? selector_default_type(f->syspath, &f->children) : NULL;
        bool any = false;
        int r;

        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if (child_device_is_selected(u, &what_it_is_for, type, &f->path) <= 0)
                        continue;
                r = add_line(list, f, u);
                if (r < 0)
                        return r;
                any = true;
        }

        return any || !list->all ? 0 : add_line(list, f, NULL);
}

static int fill_table(struct list *list, const struct enumeration *enumeration) {
        int r;

        r = table_add_columns(list->table, &list->columns, &verb_list);
        if (r < 0)
                return r;

        for (size_t i = 0; i < enumeration->n; i++) {
                const struct function *f = enumeration->functions[i];

                if (!subtrees_have(&list->subtrees, f))
                        continue;
                r = add_function(list, f);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The database is large, so open it only for columns that need it. It may not be installed. */
static void open_hwdb(struct list *list) {
        for (size_t i = 0; i < list->columns.n && !list->hwdb; i++) {
                size_t column = list->columns.items[i];

                if (column == COLUMN_VENDOR || column == COLUMN_MODEL)
                        (void) sd_hwdb_new(&list->hwdb);
        }
}

static int print_list(struct list *list) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        _cleanup_table_ struct libscols_table *table = NULL;
        int r;

        r = enumerate_readable_functions(&enumeration);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot read the PCI devices: %s", strerror(-r));
        r = subtrees_check(&list->subtrees, &enumeration);
        if (r != EXIT_DONE)
                return r;

        r = links_read(&list->links);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot read the links: %s", strerror(-r));

        open_hwdb(list);
        list->table = table = table_new("functions", &list->table_options);
        if (!table || fill_table(list, &enumeration) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        r = table_print(table);
        return log_unreadable_error(&enumeration) == EXIT_DONE ? r : EXIT_FAILED;
}

static int parse_argv(struct list *list, int argc, char **argv) {
        int option;

        (void) table_parse_columns(verb_list.default_columns, &verb_list, &list->columns);
        while ((option = verb_next_option(&verb_list, argc, argv)) >= 0)
                switch (option) {
                case 'a':
                        list->all = true;
                        break;
                case 'J':
                        list->table_options.json = true;
                        break;
                case 'n':
                        list->table_options.no_headings = true;
                        break;
                case 'o':
                        if (table_parse_columns(optarg, &verb_list, &list->columns) != EXIT_DONE)
                                return EXIT_USAGE;
                        break;
                default:
                        return parse_common(option, argv, &verb_list);
                }

        return -1;
}

static int run_list(int argc, char **argv) {
        struct list list = {};
        int r;

        r = parse_argv(&list, argc, argv);
        if (r >= 0)
                return r;

        r = subtrees_parse(argv + optind, (size_t) (argc - optind), &list.subtrees);
        if (r == EXIT_DONE)
                r = print_list(&list);
        subtrees_clear(&list.subtrees);
        links_clear(&list.links);
        sd_hwdb_unref(list.hwdb);
        return r;
}

const struct verb verb_list = {
        .name = "list",
        .operands = "[PATH...]",
        .summary = "List PCI functions and their devices",
        .description = "With PATH, lists only the functions at and behind it.",
        .option_rows = (const struct option_row[]){
                { 'a', "all", NULL, "List all functions, even those without devices" },
                { 'J', "json", NULL, "Print JSON" },
                { 'n', "noheadings", NULL, "Do not print the headings" },
                COLUMN_ROWS,
                COMMON_ROWS,
                {},
        },
        .columns = columns,
        .default_columns = "PATH,ADDRESS,DRIVER,SUBSYSTEM,NAME,LINK",
        .run = run_list,
};
