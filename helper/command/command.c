/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "ascii.h"
#include "command.h"
#include "uids.h"

/** log_absent() - print why a device is absent */
int log_absent(const char *text, const struct device_spec *spec, const struct lookup *lookup) {
        _cleanup_free_ char *reason = NULL;

        if (lookup_diagnose(spec, lookup, &reason) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        return log_error(EXIT_ABSENT, "%s: %s", text, reason);
}

/** log_lookup_error() - print which file lookup_device() could not read */
int log_lookup_error(const char *text, const struct lookup *lookup, int r) {
        const char *syspath = lookup->resolution.syspath;

        return log_error(EXIT_FAILED, "%s: cannot read %s: %s", text, *syspath != '\0' ? syspath : "/sys",
                         strerror(-r));
}

/**
 * parse_device_spec() - parse a path and suffix, in any format
 * @type: type of the device if @text has none, or NULL
 *
 * Return: EXIT_DONE, or an exit status after an error message.
 */
int parse_device_spec(const char *text, const char *type, struct device_spec *ret) {
        struct uid_map uids = {};
        struct pci_path_error error;
        int r;

        /* Only UEFI's format needs the _UIDs of the machine. Without ACPI there are none. */
        if (ascii_strncasecmp(text, "Pci", 3) == 0)
                (void) uid_map_read(&uids);

        r = device_spec_parse(text, &uids, ret, &error);
        uid_map_clear(&uids);
        if (r < 0)
                return log_path_error(text, &error);

        ret->selector.type = ret->selector.type ?: type;
        if (ret->selector.type && !streq(ret->selector.type, "block") &&
            (ret->selector.part > 0 || ret->selector.suffix[0] != '\0'))
                return log_error(EXIT_USAGE, "%s: a disk or partition has the type block, not %s", text,
                                 ret->selector.type);
        return EXIT_DONE;
}

/** print_found() - print a line for each selected device */
void print_found(const struct lookup *lookup) {
        for (size_t i = 0; i < lookup->n_selected; i++)
                puts(lookup->children.items[i].name);
        if (lookup->n_selected == 0)
                puts(lookup_address(lookup));
}
