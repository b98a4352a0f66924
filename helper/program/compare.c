/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "compare.h"
#include "format-text.h"

/** compare_table_new() - make a table with all columns of the verb. Return: NULL without memory. */
struct libscols_table *compare_table_new(const struct verb *verb, const struct table_options *options) {
        struct libscols_table *table = table_new("changes", options);

        for (const struct column *column = verb->columns; table && column->name; column++)
                if (!scols_table_new_column(table, column->name, 0, 0)) {
                        scols_unref_table(table);
                        return NULL;
                }

        return table;
}

/** compare_table_print() - print the table, which has a line for each difference. Return: an exit status. */
int compare_table_print(struct libscols_table *table) {
        if (table_print(table) != EXIT_DONE)
                return EXIT_TROUBLE;
        return scols_table_get_nlines(table) > 0 ? EXIT_DIFFERENT : EXIT_SAME;
}

/** compare_print_place() - print a path and suffix as pcipath find takes them. Return: 0, or -ENOMEM. */
int compare_print_place(const struct pci_path *path, const char *suffix, char **ret) {
        char text[PCI_PATH_STRING_MAX];

        pci_path_print(path, PCI_PATH_CANONICAL, text);
        return format_text(ret, "%s%s%s", text, *suffix != '\0' ? "," : "", suffix);
}
