/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "ascii.h"
#include "command.h"
#include "uids.h"

/** complain_of_absence() - say how far the way to a target goes */
int complain_of_absence(const char *text, const struct target *target, const struct lookup *lookup) {
        _cleanup_free_ char *reason = NULL;

        if (lookup_explain(target, lookup, &reason) < 0)
                return complain(EXIT_FAILED, "out of memory");
        return complain(EXIT_ABSENT, "%s: %s", text, reason);
}

/** complain_of_lookup() - say what lookup_target() could not read */
int complain_of_lookup(const char *text, const struct lookup *lookup, int r) {
        const char *syspath = lookup->descent.syspath;

        return complain(EXIT_FAILED, "%s: cannot read %s: %s", text, *syspath != '\0' ? syspath : "/sys", strerror(-r));
}

/**
 * parse_target() - read what the user asks for, in any format
 * @type: of what is below the function if @text has none, or NULL
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int parse_target(const char *text, const char *type, struct target *ret) {
        struct uid_map uids = {};
        struct pci_path_error error;
        int r;

        /* Only UEFI's format needs the machine to be read. A machine without ACPI has none of it. */
        if (ascii_strncasecmp(text, "Pci", 3) == 0)
                (void) uid_map_read(&uids);

        r = target_parse(text, &uids, ret, &error);
        uid_map_clear(&uids);
        if (r < 0)
                return complain_of_path(text, &error);

        ret->choice.type = ret->choice.type ?: type;
        if (ret->choice.type && !streq(ret->choice.type, "block") && (ret->choice.part > 0 || ret->choice.suffix[0] != '\0'))
                return complain(EXIT_USAGE, "%s: a disk or partition has the type block, not %s", text, ret->choice.type);
        return EXIT_DONE;
}

/** print_found() - a line for each device that was asked for */
void print_found(const struct lookup *lookup) {
        for (size_t i = 0; i < lookup->n_chosen; i++)
                puts(lookup->usables.items[i].name);
        if (lookup->n_chosen == 0)
                puts(lookup_address(lookup));
}
