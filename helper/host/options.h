/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the verbs of pcipath-host: options, and reading and printing the machine.
 */

#include "machine.h"
#include "program.h"
#include "backend.h"
#include "table.h"

/** struct options - the options of a verb */
struct options {
        const struct backend *backend;
        const char *name;
        double timeout;
        struct table_options table_options;
};

extern const struct verb verb_list, verb_of, verb_free, verb_tree;

/* Lines of help. */
#define TABLE_OPTIONS \
        "\n" \
        "  -J --json             Print JSON\n" \
        "  -n --noheadings       Do not print the line of headings\n"

#define SOURCE_OPTIONS \
        "     --timeout=SECONDS  Give up after this time [10]\n" \
        "  -h --help             Print this help\n" \
        "     --version          Print the version\n" \
        "\n" \
        "SOURCE is one of these; FILE can be - for standard input:\n" \
        "  --qmp=SOCKET                    QEMU, by a QMP socket\n" \
        "  --libvirt=FILE                  libvirt, by the XML of a domain\n" \
        "  --cloud-hypervisor=SOCKET|FILE  Cloud Hypervisor, by its API or vm.info\n" \
        "  --firecracker=SOCKET|FILE       Firecracker before it starts, by its API or\n" \
        "                                  its configuration\n"

/* Tables have more options than lines, and trees have more than tables. */
enum output {
        OUTPUT_LINES,
        OUTPUT_TABLE,
        OUTPUT_TREE,
};

int options_parse(int argc, char **argv, const struct verb *verb, enum output output, struct options *ret);
int options_read(const struct options *options, struct machine *ret);

/** struct verb_table - the table or tree that a verb prints */
struct verb_table {
        const char *name; /* of the array in JSON */
        enum output output;
        int (*fill)(struct libscols_table *table, const struct table_options *options, const struct machine *machine);
        const char *(*note)(const struct machine *machine); /* for standard error; returns NULL if there is none */
};

int options_print_table(int argc, char **argv, const struct verb *verb, const struct verb_table *contents);
