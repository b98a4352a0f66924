/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pcipath-host prints the PCI paths of a virtual machine's devices on the host. Each verb-*.c is a verb, and each
 * backend-*.c reads from one kind of monitor.
 */

#include "options.h"

static const struct verb *const verbs[] = { &verb_list, &verb_of, &verb_free, &verb_tree, &verb_compare, &verb_alias };

const struct program program = {
        .name = "pcipath-host",
        .summary = "Print the PCI paths of a virtual machine's devices on its host.",
        .verbs = verbs,
        .n_verbs = ELEMENTSOF(verbs),
};

int main(int argc, char **argv) {
        return program_run(argc, argv);
}
