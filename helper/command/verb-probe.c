/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "filesystems.h"
#include "table.h"

enum {
        COLUMN_NAME,
        COLUMN_STATE,
        COLUMN_VALUES
};

/* The names are those of lsblk(8). The columns from COLUMN_VALUES on show values from the disk. */
static const struct column columns[] = {
        { "NAME",      "device node or file"                                  },
        { "STATE",     "found, nothing, corrupt, ambiguous or unreadable"     },
        { "FSTYPE",    "type of the file system"                              },
        { "FSVER",     "version of the file system"                           },
        { "LABEL",     "label of the file system"                             },
        { "UUID",      "UUID of the file system"                              },
        { "PTTYPE",    "type of the partition table"                          },
        { "PTUUID",    "UUID of the partition table"                          },
        { "PARTN",     "number of the partition"                              },
        { "PARTTYPE",  "type of the partition"                                },
        { "PARTLABEL", "label of the partition"                               },
        { "PARTUUID",  "UUID of the partition"                                },
        { "USAGE",     "filesystem, raid, crypto or other"                    },
        {},
};

static const enum filesystem_value values[] = {
        FILESYSTEM_TYPE,        FILESYSTEM_VERSION,   FILESYSTEM_LABEL,     FILESYSTEM_UUID,
        FILESYSTEM_TABLE_TYPE,  FILESYSTEM_TABLE_UUID, FILESYSTEM_PART_NUMBER, FILESYSTEM_PART_TYPE,
        FILESYSTEM_PART_NAME,   FILESYSTEM_PART_UUID, FILESYSTEM_USAGE
};

_Static_assert(ELEMENTSOF(columns) == COLUMN_VALUES + ELEMENTSOF(values) + 1, "each column has a value");

struct probe {
        struct table_options table_options;
        struct table_columns columns;
        struct libscols_table *table;
        bool has_failed;
};

static int add_line(struct probe *p, const char *name, const char *state, const struct filesystem *filesystem) {
        struct libscols_line *line = scols_table_new_line(p->table, NULL);
        int r = line ? 0 : -ENOMEM;

        for (size_t i = 0; i < p->columns.n && r >= 0; i++) {
                size_t column = p->columns.items[i];

                r = scols_line_set_data(line, i,
                                        column == COLUMN_NAME    ? name
                                        : column == COLUMN_STATE ? state
                                                                 : filesystem->values[values[column - COLUMN_VALUES]]);
        }

        return r;
}

/* Return: 0, also when the disk cannot be read, or -ENOMEM. */
static int probe_one(struct probe *p, const char *name) {
        _cleanup_filesystem_ struct filesystem filesystem = FILESYSTEM_NULL;
        const char *state;
        int r;

        r = filesystem_open(&filesystem, name);
        if (r >= 0)
                r = filesystem_probe(&filesystem);
        if (r == -ENOMEM)
                return r;

        if (r > 0)
                state = "found";
        else if (r == 0)
                state = filesystem_is_corrupt(&filesystem) ? "corrupt" : "nothing";
        else if (r == -ENOTUNIQ) {
                state = "ambiguous";
                log_error(EXIT_FAILED, "%s: two different formats were found", name);
        } else {
                state = "unreadable";
                log_error(EXIT_FAILED, "%s: %s", name, strerror(-r));
        }

        p->has_failed = p->has_failed || r < 0;
        return add_line(p, name, state, &filesystem);
}

static bool is_partition_of(const struct child_device *u, const struct child_device *disk) {
        size_t n = strlen(disk->syspath);

        return u->part > 0 && strncmp(u->syspath, disk->syspath, n) == 0 && u->syspath[n] == '/';
}

/* Adds a disk, then its partitions. */
static int probe_disk(struct probe *p, const struct lookup *lookup, const struct child_device *disk) {
        int r;

        r = probe_one(p, disk->name);
        for (size_t i = 0; i < lookup->children.n && r >= 0; i++)
                if (is_partition_of(&lookup->children.items[i], disk))
                        r = probe_one(p, lookup->children.items[i].name);
        return r;
}

/* Return: an exit status. */
static int probe_device_spec(struct probe *p, const char *text) {
        struct device_spec spec;
        struct lookup lookup;
        int status, r;

        status = parse_device_spec(text, "block", &spec);
        if (status != EXIT_DONE)
                return status;
        r = lookup_device(&spec, &lookup);
        if (r < 0)
                return log_lookup_error(text, &lookup, r);

        if (r == 0)
                status = log_absent(text, &spec, &lookup);
        for (size_t i = 0; i < lookup.n_selected && status == EXIT_DONE; i++)
                if (probe_disk(p, &lookup, &lookup.children.items[i]) < 0)
                        status = log_error(EXIT_FAILED, "out of memory");
        lookup_clear(&lookup);
        return status;
}

/* A name of a file begins with '/' or '.': "/dev/vda", "./image". QEMU's format of a path begins with '/', too. */
static bool is_file(const char *text) {
        return (text[0] == '/' && strncmp(text, "/pci", 4) != 0) || text[0] == '.';
}

static int probe_all(struct probe *p, char **texts, size_t n) {
        _cleanup_table_ struct libscols_table *table = NULL;
        int r = EXIT_DONE;

        p->table = table = table_new("blockdevices", &p->table_options);
        if (!table || table_add_columns(table, &p->columns, &verb_probe) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        for (size_t i = 0; i < n && r == EXIT_DONE; i++) {
                if (!is_file(texts[i]))
                        r = probe_device_spec(p, texts[i]);
                else if (probe_one(p, texts[i]) < 0)
                        r = log_error(EXIT_FAILED, "out of memory");
        }
        if (r == EXIT_DONE)
                r = table_print(table);
        return r == EXIT_DONE && p->has_failed ? EXIT_FAILED : r;
}

static int run_probe(int argc, char **argv) {
        struct probe p = {};
        int option;

        (void) table_parse_columns(verb_probe.default_columns, &verb_probe, &p.columns);
        while ((option = verb_next_option(&verb_probe, argc, argv)) >= 0)
                switch (option) {
                case 'J':
                        p.table_options.json = true;
                        break;
                case 'n':
                        p.table_options.no_headings = true;
                        break;
                case 'o':
                        if (table_parse_columns(optarg, &verb_probe, &p.columns) != EXIT_DONE)
                                return EXIT_USAGE;
                        break;
                default:
                        return parse_common(option, argv, &verb_probe);
                }
        if (optind == argc)
                return log_usage_error(&verb_probe, "no path or device given");

        return probe_all(&p, argv + optind, (size_t) (argc - optind));
}

const struct verb verb_probe = {
        .name = "probe",
        .operands = "PATH|DEVICE...",
        .summary = "Print the content of disks and partitions, as libblkid reads it",
        .description = "PATH is as for 'pcipath find'; the partitions of the disk follow it. DEVICE is a\n"
                       "device node, symlink or image: /dev/vda, ./image. Disks are opened read-only.",
        .option_rows = (const struct option_row[]){
                { 'J', "json", NULL, "Print JSON" },
                { 'n', "noheadings", NULL, "Do not print the headings" },
                COLUMN_ROWS,
                COMMON_ROWS,
                {},
        },
        .columns = columns,
        .default_columns = "NAME,STATE,FSTYPE,LABEL,UUID,PTTYPE,PARTN,PARTLABEL,PARTUUID",
        .run = run_probe,
};
