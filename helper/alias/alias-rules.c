/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The aliases as udev's own rules, so that no event starts a process for them, and as a table for pcipath_altname. A
 * name and a link have only letters, digits and "._:-", so no rule can be anything but the comparison and the symlink
 * that it is written as. What is not so is left out.
 *
 * udev's rules give most devices one link. Several are separated by blanks.
 */

#include "alias-list.h"
#include "link-names.h"
#include "util.h"

/* No character of a pattern, a quote, a '$' or a '%'. */
static bool is_plain(const char *text) {
        return text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._:-")] == '\0';
}

static bool is_compiled(const struct alias *alias) {
        return !alias->is_refused && is_plain(alias->name) && (!alias->link || is_plain(alias->link)) &&
               (!alias->interface || is_plain(alias->interface));
}

static bool is_of_disk(const struct alias *alias) {
        return alias->link && is_compiled(alias);
}

/* The partitions of a disk have its link and a number. The number is the end of the kernel's name, too. */
#define ANY_PARTITION PARTITION_SUFFIX "[1-9]*"
#define SAME_PARTITION PARTITION_SUFFIX "%n"

static void print_symlink(FILE *out, const struct alias *alias, const char *part) {
        fprintf(out, ", SYMLINK+=\"" ALIAS_DIRECTORY "/%s%s\"\n", alias->name, part);
}

static void print_rule(FILE *out, const struct alias *alias, const char *pattern, const char *part) {
        fprintf(out, "ENV{ID_PCI_PATH_LINK}==\"%s%s\"", alias->link, pattern);
        print_symlink(out, alias, part);
}

static void print_disk(FILE *out, const struct alias *alias) {
        if (alias->is_whole)
                print_rule(out, alias, "", "");
}

static void print_partition(FILE *out, const struct alias *alias) {
        print_rule(out, alias, alias->is_whole ? ANY_PARTITION : "", alias->is_whole ? SAME_PARTITION : "");
}

/* The link is one of several: the only one, the first, the last or one between. */
static void print_rule_of_several(FILE *out, const struct alias *alias, const char *devtype, const char *pattern,
                                  const char *part) {
        static const char *const around[][2] = { { "", "" }, { "|", " *" }, { "|* ", "" }, { "|* ", " *" } };

        fprintf(out, "ENV{DEVTYPE}==\"%s\", ENV{ID_PCI_PATH_LINKS}==\"", devtype);
        for (size_t i = 0; i < ELEMENTSOF(around); i++)
                fprintf(out, "%s" DISK_DIRECTORY "/%s%s%s", around[i][0], alias->link, pattern, around[i][1]);
        fputc('"', out);
        print_symlink(out, alias, part);
}

static void print_several(FILE *out, const struct alias *alias) {
        if (!alias->is_whole) {
                print_rule_of_several(out, alias, "partition", "", "");
                return;
        }
        print_rule_of_several(out, alias, "disk", "", "");
        print_rule_of_several(out, alias, "partition", ANY_PARTITION, SAME_PARTITION);
}

static void print_all(FILE *out, const struct alias_list *list, void (*print)(FILE *out, const struct alias *alias)) {
        for (size_t i = 0; i < list->n; i++)
                if (is_of_disk(&list->items[i]))
                        print(out, &list->items[i]);
}

static bool has_any(const struct alias_list *list) {
        for (size_t i = 0; i < list->n; i++)
                if (is_of_disk(&list->items[i]))
                        return true;

        return false;
}

/**
 * alias_list_print_rules() - make udev's rules for the links of disks and partitions
 * @ret: to be freed; NULL when there is no alias
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_print_rules(const struct alias_list *list, char **ret) {
        char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        if (!has_any(list)) {
                *ret = NULL;
                return 0;
        }

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        fputs("# Made by \"pcipath alias --apply\", which overwrites it. See pcipath-aliases(5).\n"
              "ACTION==\"remove\", GOTO=\"pcipath_alias_end\"\n"
              "SUBSYSTEM!=\"block\", GOTO=\"pcipath_alias_end\"\n"
              "ENV{ID_PCI_PATH_LINKS}==\"?*\", GOTO=\"pcipath_alias_several\"\n"
              "ENV{ID_PCI_PATH_LINK}!=\"?*\", GOTO=\"pcipath_alias_end\"\n"
              "ENV{DEVTYPE}==\"partition\", GOTO=\"pcipath_alias_partition\"\n",
              out);
        print_all(out, list, print_disk);
        fputs("GOTO=\"pcipath_alias_end\"\nLABEL=\"pcipath_alias_partition\"\n", out);
        print_all(out, list, print_partition);
        fputs("GOTO=\"pcipath_alias_end\"\nLABEL=\"pcipath_alias_several\"\n", out);
        print_all(out, list, print_several);
        fputs("LABEL=\"pcipath_alias_end\"\n", out);

        r = finish_memstream(out, &text);
        if (r >= 0)
                *ret = text;
        return r;
}

/**
 * alias_list_print_interfaces() - make the table of interfaces: the name by PCI path and the alias on each line
 * @ret: to be freed; NULL when there is no alias of what can be an interface
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_print_interfaces(const struct alias_list *list, char **ret) {
        char *text = NULL;
        bool any = false;
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < list->n; i++) {
                const struct alias *alias = &list->items[i];

                if (!is_compiled(alias) || !alias->interface)
                        continue;
                fprintf(out, "%s %s\n", alias->interface, alias->name);
                any = true;
        }

        r = finish_memstream(out, &text);
        if (r < 0)
                return r;
        if (!any) {
                free(text);
                text = NULL;
        }
        *ret = text;
        return 0;
}
