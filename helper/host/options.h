/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shared by the verbs of pcipath-host: options, and reading and printing the machine.
 */

#include "machine.h"
#include "program.h"
#include "backend.h"
#include "table.h"

#define SOURCES_MAX 2

/** struct source - a backend, and the socket or file to read */
struct source {
        const struct backend *backend;
        const char *name;
};

/** struct options - the options of a verb */
struct options {
        struct source sources[SOURCES_MAX];
        size_t n_sources;
        uint64_t timeout; /* nanoseconds */
        struct table_options table_options;
        struct table_columns columns; /* of a verb with --output */
        const char *to; /* a format, or NULL */
};

extern const struct verb verb_list, verb_of, verb_free, verb_tree, verb_compare, verb_alias;

#define OPTION_TIMEOUT 0x200
#define OPTION_FULL 0x201
#define OPTION_TO 0x202
#define OPTION_SOURCE 0x300 /* plus the index of the backend */

// clang-format off
#define TABLE_ROWS \
        { 'J', "json", NULL, "Print JSON" }, \
        { 'n', "noheadings", NULL, "Do not print the line of headings" }

#define SOURCE_ROWS \
        { OPTION_TIMEOUT, "timeout", "SECONDS", "Give up after this time [10]" }, \
        COMMON_ROWS, \
        { .help = "SOURCE is one of these; FILE can be - for standard input:" }, \
        { OPTION_SOURCE, "qmp", "SOCKET", "QEMU, by a QMP socket" }, \
        { OPTION_SOURCE + 1, "libvirt", "FILE", "libvirt, by the XML of a domain" }, \
        { OPTION_SOURCE + 2, "cloud-hypervisor", "SOCKET|FILE", "Cloud Hypervisor, by its API or vm.info" }, \
        { OPTION_SOURCE + 3, "firecracker", "SOCKET|FILE", "Firecracker before it starts, by its API or\n" \
                                                           "its configuration" }, \
        { OPTION_SOURCE + 4, "list", "FILE", "the output of 'pcipath-host list -J'" }
// clang-format on

int options_parse(int argc, char **argv, const struct verb *verb, struct options *ret);
int options_read(const struct options *options, size_t number, struct machine *ret);
void options_warn(const struct options *options, size_t number, const struct machine *machine);
int options_refuse_argument(char **argv, const struct verb *verb);

/** struct verb_table - the table or tree that a verb prints */
struct verb_table {
        const char *name; /* of the array in JSON */
        int (*fill)(struct libscols_table *table, const struct options *options, const struct machine *machine);
        bool needs_buses;
        bool wants_room; /* see struct machine */
        size_t label_column; /* from this column on, columns are labels; 0 if the verb has none */
        void (*print_notes)(const struct machine *machine, const char *source); /* on standard error */
};

int options_print_table(int argc, char **argv, const struct verb *verb, const struct verb_table *contents);
