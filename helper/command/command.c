/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "alias-list.h"
#include "ascii.h"
#include "command.h"
#include "format-text.h"
#include "uids.h"

#define ALIAS_PREFIX "alias:"

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

/** log_alias_errors() - print a line for each wrong line. Return: EXIT_DONE, or EXIT_FAILED when there is any. */
int log_alias_errors(const struct alias_list *list) {
        for (size_t i = 0; i < list->errors.n; i++)
                log_error(EXIT_FAILED, "%s", list->errors.items[i]);

        return list->errors.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int log_unknown_alias(const char *text, const char *name, const struct alias_list *list) {
        (void) log_alias_errors(list);
        if (alias_list_find(list, name))
                return log_error(EXIT_ABSENT, "%s: the alias '%s' has two targets", text, name);
        return log_error(EXIT_ABSENT, "%s: there is no alias '%s'. 'pcipath alias' lists the aliases", text, name);
}

/**
 * expand_alias() - replace "alias:NAME" at the beginning of a text by the target of the alias
 * @ret: a new text, or NULL when the text begins with no alias
 *
 * Return: EXIT_DONE, or an exit status after an error message.
 */
int expand_alias(const char *text, char **ret) {
        _cleanup_alias_list_ struct alias_list list = {};
        _cleanup_free_ char *name = NULL;
        const struct alias *alias;
        const char *rest;

        *ret = NULL;
        if (strncmp(text, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) != 0)
                return EXIT_DONE;

        rest = text + strcspn(text, ",");
        name = strndup(text + strlen(ALIAS_PREFIX), (size_t) (rest - text) - strlen(ALIAS_PREFIX));
        if (!name || alias_list_read(&list) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        alias = alias_list_find(&list, name);
        if (!alias || alias->is_refused)
                return log_unknown_alias(text, name, &list);
        return format_text(ret, "%s%s", alias->target, rest) < 0 ? log_error(EXIT_FAILED, "out of memory") : EXIT_DONE;
}

/**
 * parse_device_spec() - parse a path and suffix, in any format, or an alias
 * @type: type of the device if @text has none, or NULL
 *
 * Return: EXIT_DONE, or an exit status after an error message.
 */
int parse_device_spec(const char *text, const char *type, struct device_spec *ret) {
        _cleanup_free_ char *expanded = NULL;
        struct uid_map uids = {};
        struct pci_path_error error;
        int r;

        r = expand_alias(text, &expanded);
        if (r != EXIT_DONE)
                return r;

        /* Only UEFI's format needs the _UIDs of the machine. Without ACPI there are none. */
        if (ascii_strncasecmp(expanded ?: text, "Pci", 3) == 0)
                (void) uid_map_read(&uids);

        r = device_spec_parse(expanded ?: text, &uids, ret, &error);
        uid_map_clear(&uids);
        if (r < 0)
                return log_path_error(expanded ?: text, &error);

        /* The type is the end of both texts, because no target has a type. */
        if (ret->selector.type && expanded)
                ret->selector.type = text + strlen(text) - strlen(ret->selector.type);
        ret->selector.type = ret->selector.type ?: type;
        if (ret->selector.is_interface && ret->selector.type && !streq(ret->selector.type, "net"))
                return log_error(EXIT_USAGE, "%s: a network interface has the type net, not %s", text,
                                 ret->selector.type);
        if (ret->selector.type && !streq(ret->selector.type, "block") && !ret->selector.is_interface &&
            (ret->selector.part > 0 || ret->selector.suffix[0] != '\0'))
                return log_error(EXIT_USAGE, "%s: a disk or partition has the type block, not %s", text,
                                 ret->selector.type);
        return EXIT_DONE;
}
