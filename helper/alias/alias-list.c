/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "alias-list.h"
#include "array.h"
#include "ascii.h"
#include "device-spec.h"
#include "format-text.h"
#include "search.h"
#include "uids.h"
#include "util.h"

/* A text of nothing but wrong lines must not fill the log. */
#define ERRORS_MAX 64

static void alias_clear(struct alias *alias) {
        free(alias->name);
        free(alias->target);
        free(alias->link);
        free(alias->interface);
        free(alias->source);
}

void alias_list_clear(struct alias_list *list) {
        for (size_t i = 0; i < list->n; i++)
                alias_clear(&list->items[i]);
        free(list->items);
        string_list_clear(&list->errors);
        uid_map_clear(&list->uids);
        *list = (struct alias_list){};
}

/**
 * alias_list_add_error() - record why a line does not count
 * @line: its number, or 0
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_add_error(struct alias_list *list, const char *source, unsigned line, const char *reason) {
        _cleanup_free_ char *text = NULL;
        int r;

        if (list->errors.n > ERRORS_MAX)
                return 0;
        if (list->errors.n == ERRORS_MAX)
                return string_list_add(&list->errors, "further lines are wrong, too");

        r = line > 0 ? format_text(&text, "%s:%u: %s", source, line, reason)
                     : format_text(&text, "%s: %s", source, reason);
        return r < 0 ? r : string_list_add(&list->errors, text);
}

/* As alias_list_add_error(), for a byte of the target. */
static int add_target_error(struct alias_list *list, const char *source, unsigned line, const char *name,
                            const struct pci_path_error *error) {
        _cleanup_free_ char *reason = NULL;

        if (format_text(&reason, "the target of '%s' is not a path, at byte %zu: %s", name, error->offset,
                        error->reason) < 0)
                return -ENOMEM;
        return alias_list_add_error(list, source, line, reason);
}

static int print_interface_name(const struct device_spec *spec, char name[static INTERFACE_NAME_MAX + 1]) {
        return interface_print_name(&spec->path, spec->selector.sub_function, spec->selector.suffix,
                                    INTERFACE_NAME_MAX + 1, name) > INTERFACE_NAME_MAX
                       ? -E2BIG
                       : 0;
}

/* @link: set to the link of a disk or the name of an interface. Return: 0, or -EINVAL with the reason. */
static int parse_target(struct alias_list *list, const char *text, struct device_spec *ret,
                        char link[static DEVICE_SPEC_LINK_MAX], struct pci_path_error *error) {
        /* Only UEFI's format needs the _UIDs of the machine. Without ACPI there are none. */
        if (ascii_strncasecmp(text, "Pci", 3) == 0 && !list->has_uids) {
                (void) uid_map_read(&list->uids);
                list->has_uids = true;
        }
        if (device_spec_parse(text, &list->uids, ret, error) < 0)
                return -EINVAL;

        if (ret->selector.type) {
                *error = (struct pci_path_error){ (size_t) (ret->selector.type - text), "a target has no type" };
                return -EINVAL;
        }
        if (ret->selector.is_interface) {
                *error = (struct pci_path_error){ INTERFACE_NAME_MAX, "the name of the interface would be too long" };
                return print_interface_name(ret, link) < 0 ? -EINVAL : 0;
        }
        *error = (struct pci_path_error){ LINK_NAME_MAX, "the name of its link would be too long" };
        return device_spec_print_link(ret, link) < 0 ? -EINVAL : 0;
}

/* The name by PCI path of the interface. Return: 0, also when there can be none, or -ENOMEM. */
static int make_interface_name(const struct device_spec *spec, char **ret) {
        const struct selector *selector = &spec->selector;
        char name[INTERFACE_NAME_MAX + 1];

        if (!selector->is_interface && (selector->part > 0 || selector->suffix[0] != '\0'))
                return 0;
        if (print_interface_name(spec, name) < 0)
                return 0;
        *ret = strdup(name);
        return *ret ? 0 : -ENOMEM;
}

/* Takes over @name and @target. */
static int add_alias(struct alias_list *list, char *name, char *target, const struct device_spec *spec,
                     const char *link, const char *source, unsigned line) {
        struct alias alias = { .name = name, .target = target, .line = line, .order = list->n };

        alias.is_whole = spec->selector.part == 0;
        alias.link = link ? strdup(link) : NULL;
        alias.source = strdup(source);
        if ((link && !alias.link) || !alias.source || make_interface_name(spec, &alias.interface) < 0 ||
            array_grow(list->items, list->n, 1) < 0) {
                alias_clear(&alias);
                return -ENOMEM;
        }

        list->items[list->n++] = alias;
        return 0;
}

static int parse_alias(struct alias_list *list, const char *text, size_t n, const char *equals, const char *source,
                       unsigned line) {
        size_t n_name = (size_t) (equals - text);
        _cleanup_free_ char *name = strndup(text, n_name), *target = strndup(equals + 1, n - n_name - 1);
        char link[DEVICE_SPEC_LINK_MAX];
        struct pci_path_error error;
        struct device_spec spec;
        int r;

        if (!name || !target)
                return -ENOMEM;
        if (parse_target(list, target, &spec, link, &error) < 0)
                return add_target_error(list, source, line, name, &error);

        r = add_alias(list, name, target, &spec, spec.selector.is_interface ? NULL : link + strlen(DISK_LINKS), source,
                      line);
        name = target = NULL;
        return r;
}

/**
 * alias_list_add_line() - add the alias of a line, or record what is wrong with it
 * @text: need not end with a null byte; an empty line or comment is no alias
 * @line: its number, or 0
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_add_line(struct alias_list *list, const char *text, size_t n, const char *source, unsigned line) {
        static const char blanks[] = " \t\r";
        const char *equals, *fault;

        for (; n > 0 && memchr(blanks, text[0], strlen(blanks)); n--)
                text++;
        while (n > 0 && memchr(blanks, text[n - 1], strlen(blanks)))
                n--;
        if (n == 0 || text[0] == '#')
                return 0;

        equals = memchr(text, '=', n);
        if (memchr(text, '\0', n))
                fault = "the line contains a null byte";
        else if (!equals)
                fault = "the line is not NAME=TARGET";
        else
                fault = alias_name_find_fault(text, (size_t) (equals - text));
        if (!fault && list->n == ALIASES_MAX) {
                fault = list->is_full ? "" : "more than 4096 aliases: this one and all further ones are ignored";
                list->is_full = true;
        }

        if (fault)
                return *fault != '\0' ? alias_list_add_error(list, source, line, fault) : 0;
        return parse_alias(list, text, n, equals, source, line);
}

/** alias_list_add_text() - add the aliases of a text of several lines. Return: 0, or -ENOMEM. */
int alias_list_add_text(struct alias_list *list, const char *text, size_t n, const char *source) {
        int r = 0;

        for (unsigned line = 1; n > 0 && r >= 0; line++) {
                const char *newline = memchr(text, '\n', n);
                size_t span = newline ? (size_t) (newline - text) : n;

                r = alias_list_add_line(list, text, span, source, line);
                span += newline != NULL;
                text += span;
                n -= span;
        }

        return r;
}

/* Aliases of one name are in the order in which they were given. */
static int compare_aliases(const void *a, const void *b) {
        const struct alias *x = a, *y = b;

        return strcmp(x->name, y->name) ?: (x->order > y->order) - (x->order < y->order);
}

static int print_place(const struct alias *alias, char **ret) {
        return alias->line > 0 ? format_text(ret, "%s:%u", alias->source, alias->line)
                               : format_text(ret, "%s", alias->source);
}

/* No link of a disk begins as the name of an interface. One of both is there. */
static bool is_same_target(const struct alias *a, const struct alias *b) {
        return streq(a->link ?: a->interface, b->link ?: b->interface);
}

static int refuse(struct alias_list *list, struct alias *aliases, size_t n, const struct alias *other) {
        _cleanup_free_ char *reason = NULL, *place = NULL;

        for (size_t i = 0; i < n; i++)
                aliases[i].is_refused = true;
        if (print_place(other, &place) < 0 ||
            format_text(&reason, "'%s' has another target at %s: no name is made", aliases->name, place) < 0)
                return -ENOMEM;
        return alias_list_add_error(list, aliases->source, aliases->line, reason);
}

/* The same alias twice is one. Return: how many of the @n with one name remain, or -ENOMEM. */
static int merge(struct alias_list *list, struct alias *aliases, size_t n, size_t *ret_n) {
        const struct alias *other = NULL;

        for (size_t i = 1; i < n && !other; i++)
                if (!is_same_target(&aliases[i], &aliases[0]))
                        other = &aliases[i];
        *ret_n = other ? n : 1;
        if (other)
                return refuse(list, aliases, n, other);
        for (size_t i = 1; i < n; i++)
                alias_clear(&aliases[i]);
        return 0;
}

/**
 * alias_list_finish() - sort the aliases, and refuse names that have two targets
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_finish(struct alias_list *list) {
        size_t n = list->n, to = 0, kept, r_n;
        int r = 0;

        if (n > 1)
                qsort(list->items, n, sizeof(list->items[0]), compare_aliases);
        for (size_t i = 0; i < n; i += r_n) {
                for (r_n = 1; i + r_n < n && streq(list->items[i].name, list->items[i + r_n].name); r_n++)
                        ;
                if (merge(list, &list->items[i], r_n, &kept) < 0)
                        r = -ENOMEM;
                memmove(&list->items[to], &list->items[i], kept * sizeof(list->items[0]));
                to += kept;
        }

        list->n = to;
        return r;
}

struct wanted_alias {
        const struct alias_list *list;
        const char *name;
};

static int compare_name(size_t i, const void *wanted) {
        const struct wanted_alias *w = wanted;

        return strcmp(w->name, w->list->items[i].name);
}

/** alias_list_find() - find an alias of a finished list. Return: NULL when there is none; it can be refused. */
const struct alias *alias_list_find(const struct alias_list *list, const char *name) {
        size_t i = search_first(list->n, compare_name, &(struct wanted_alias){ list, name });

        return i < list->n && streq(list->items[i].name, name) ? &list->items[i] : NULL;
}

/* Does @link belong to the alias? Return: what follows the alias in the name of its link, "" or "-part1"; or NULL. */
static const char *match_link(const struct alias *alias, const char *link) {
        size_t n = alias->link ? strlen(alias->link) : 0;
        const char *part = link + n;

        if (alias->is_refused || n == 0 || strncmp(link, alias->link, n) != 0)
                return NULL;
        if (*part == '\0')
                return part;
        if (!alias->is_whole || strncmp(part, PARTITION_SUFFIX, strlen(PARTITION_SUFFIX)) != 0)
                return NULL;
        return part[strlen(PARTITION_SUFFIX) + strspn(part + strlen(PARTITION_SUFFIX), "0123456789")] == '\0' ? part
                                                                                                              : NULL;
}

static int add_links_of(const struct alias *alias, const struct string_list *links, struct string_list *ret) {
        for (size_t i = 0; i < links->n; i++) {
                const char *link = links->items[i], *part = NULL;
                char name[ALIAS_NAME_MAX + sizeof("-part4294967295")];

                if (strncmp(link, DISK_DIRECTORY "/", strlen(DISK_DIRECTORY "/")) == 0)
                        part = match_link(alias, link + strlen(DISK_DIRECTORY "/"));
                if (part && snprintf(name, sizeof(name), "%s%s", alias->name, part) < (int) sizeof(name))
                        return string_list_join(ret, ALIAS_DIRECTORY, name);
        }

        return 0;
}

/**
 * alias_list_get_links() - the links by alias of a disk or partition
 * @links: its links by PCI path, below /dev
 * @ret: they are appended
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_get_links(const struct alias_list *list, const struct string_list *links, struct string_list *ret) {
        int r = 0;

        for (size_t i = 0; i < list->n && r >= 0; i++)
                r = add_links_of(&list->items[i], links, ret);
        return r;
}
