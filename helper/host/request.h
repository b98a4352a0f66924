/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the verbs of pcipath-host share: the machine that they are asked about.
 */

#include "machine.h"
#include "program.h"
#include "source.h"
#include "table.h"

/** struct request - the options of a verb */
struct request {
        const struct source *source;
        const char *name;
        double timeout;
        struct table_options table_options;
};

extern const struct verb verb_list, verb_of, verb_free, verb_tree;

/* Lines of help. */
#define TABLE_OPTIONS \
        "\n" \
        "  -J --json             JSON\n" \
        "  -n --noheadings       No line of headings\n"

#define SOURCE_OPTIONS \
        "     --timeout=SECONDS  For a socket's answers [10]\n" \
        "  -h --help             Show this help\n" \
        "     --version          Show the version\n" \
        "\n" \
        "SOURCE:\n" \
        "  --qmp=SOCKET                    QEMU, at its monitor\n" \
        "  --libvirt=FILE                  libvirt, a domain's XML; - for stdin\n" \
        "  --cloud-hypervisor=SOCKET|FILE  Cloud Hypervisor, its API or vm.info\n" \
        "  --firecracker=SOCKET|FILE       Firecracker with PCI, before it starts:\n" \
        "                                  its API or its configuration\n"

int request_parse(int argc, char **argv, const struct verb *verb, bool has_table, struct request *ret);
int request_read(const struct request *request, struct machine *ret);

typedef int (*fill_fn)(struct libscols_table *table, const struct machine *machine);
typedef const char *(*note_fn)(const struct machine *machine);
int request_print_table(int argc, char **argv, const struct verb *verb, const char *name, fill_fn fill,
                        note_fn note);
