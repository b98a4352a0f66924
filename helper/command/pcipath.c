/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pcipath, the command for users and scripts. Each verb has a file of its own.
 */

#include "command.h"

static const struct verb *const verbs[] = {
        &verb_list,
        &verb_tree,
        &verb_of,
        &verb_find,
        &verb_wait,
        &verb_open,
        &verb_convert,
#if HAVE_MANAGER
        &verb_probe,
        &verb_coldplug,
        &verb_monitor,
#endif
        &verb_prune,
        &verb_cdi,
        &verb_compare,
        &verb_alias,
};

/* For an error message that says why a command of the manual is unknown. */
static const char *const not_built[] = {
#if !HAVE_MANAGER
        "probe",
        "coldplug",
        "monitor",
#endif
        NULL,
};

const struct program program = {
        .name = "pcipath",
        .summary = "Name devices by where they are plugged in, as host and guest both know it.",
        .verbs = verbs,
        .n_verbs = ELEMENTSOF(verbs),
        .not_built = not_built,
};

int main(int argc, char **argv) {
        return program_run(argc, argv);
}
