/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "enumerate.h"
#include "kind.h"
#include "subtree.h"
#include "table.h"

#define OPTION_FULL 0x200

enum {
        COLUMN_PATH,
        COLUMN_ADDRESS,
        COLUMN_KIND,
        COLUMN_NAMES
};

struct tree {
        struct table_options table_options;
        struct subtrees subtrees;
        struct libscols_table *table;
        const struct function *of_root; /* the last function that began a root */
        struct libscols_line *root;
};

static int add_columns(struct libscols_table *table) {
        struct libscols_column *names;

        if (!scols_table_new_column(table, "PATH", 0, SCOLS_FL_TREE) ||
            !scols_table_new_column(table, "ADDRESS", 0, 0) ||
            !scols_table_new_column(table, "KIND", 0, SCOLS_FL_TRUNC))
                return -ENOMEM;

        /* Prints several names on a line each, and as an array in JSON, like MOUNTPOINTS of lsblk. */
        names = scols_table_new_column(table, "NAMES", 0, SCOLS_FL_WRAP);
        if (!names || scols_column_set_wrapfunc(names, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL) < 0 ||
            scols_column_set_safechars(names, "\n") < 0 || scols_column_set_color(names, "green") < 0 ||
            scols_column_set_json_type(names, SCOLS_JSON_ARRAY_STRING) < 0)
                return -ENOMEM;

        return 0;
}

static bool have_same_root(const struct function *a, const struct function *b) {
        struct pci_path x = { .root = a->path.root }, y = { .root = b->path.root };

        return pci_path_is_within(&x, &y);
}

/* Adds the line of a root bus before that of its first function. */
static int begin_root(struct tree *tree, const struct function *f) {
        const struct pci_root *root = &f->path.root;
        char text[40], *p = text;

        if (tree->of_root && have_same_root(tree->of_root, f))
                return 0;

        if (root->type == PCI_ROOT_BUS)
                sprintf(text, "%04x:%02x", root->domain, root->bus);
        else
                for (size_t i = 0; i < sizeof(root->guid); i++)
                        p += sprintf(p, "%02x", root->guid[i]);

        tree->of_root = f;
        tree->root = table_add_root_bus(tree->table, COLUMN_PATH, text, COLUMN_KIND);
        return tree->root ? 0 : -ENOMEM;
}

/* The names of the function's devices, with newlines between them, or NULL if there are none. */
static int join_names(const struct function *f, char **ret) {
        static const struct selector what_it_is_for = { .any_sub_function = true };
        const char *type, *separator = "";
        char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        *ret = NULL;
        if (f->children.n == 0)
                return 0;
        type = selector_default_type(f->syspath, &f->children);

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < f->children.n; i++)
                if (child_device_is_selected(&f->children.items[i], &what_it_is_for, type, &f->path) > 0) {
                        fprintf(out, "%s%s", separator, f->children.items[i].name);
                        separator = "\n";
                }
        r = finish_memstream(out, &text);
        if (r < 0)
                return r;

        if (size > 0)
                *ret = text;
        else
                free(text);
        return 0;
}

static int add_function(struct tree *tree, struct function *f) {
        struct libscols_line *line, *above;
        char path[PCI_PATH_STRING_MAX], *shown = path;
        struct pci_kind kind;
        char *names;
        int r;

        r = begin_root(tree, f);
        if (r < 0)
                return r;

        above = f->bridge && f->bridge->userdata ? f->bridge->userdata : tree->root;
        f->userdata = line = scols_table_new_line(tree->table, above);
        if (!line)
                return -ENOMEM;

        pci_path_print(&f->path, PCI_PATH_CANONICAL, path);
        if (above != tree->root)
                shown = table_shorten_path(&tree->table_options, path);
        pci_function_get_kind(f->syspath, &kind);
        if (scols_line_set_data(line, COLUMN_PATH, shown) < 0 ||
            scols_line_set_data(line, COLUMN_ADDRESS, f->address) < 0 ||
            scols_line_set_data(line, COLUMN_KIND, kind.name) < 0)
                return -ENOMEM;

        r = join_names(f, &names);
        return r < 0 ? r : scols_line_refer_data(line, COLUMN_NAMES, names);
}

static int fill_table(struct tree *tree, const struct enumeration *enumeration) {
        int r;

        r = add_columns(tree->table);
        for (size_t i = 0; r >= 0 && i < enumeration->n; i++) {
                struct function *f = enumeration->functions[i];

                /* A function without a path cannot be placed in the tree. */
                if (f->path.n_hops > 0 && subtrees_have(&tree->subtrees, f))
                        r = add_function(tree, f);
        }

        return r;
}

static int print_tree(struct tree *tree) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        _cleanup_table_ struct libscols_table *table = NULL;
        int r;

        r = enumerate_readable_functions(&enumeration);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot read the PCI devices: %s", strerror(-r));
        r = subtrees_check(&tree->subtrees, &enumeration);
        if (r != EXIT_DONE)
                return r;

        tree->table = table = table_new("roots", &tree->table_options);
        if (!table || fill_table(tree, &enumeration) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        r = table_print(table);
        return log_unreadable_error(&enumeration) == EXIT_DONE ? r : EXIT_FAILED;
}

static int parse_argv(struct tree *tree, int argc, char **argv) {
        int option;

        while ((option = verb_next_option(&verb_tree, argc, argv)) >= 0)
                switch (option) {
                case OPTION_FULL:
                        tree->table_options.full = true;
                        break;
                case 'J':
                        tree->table_options.json = true;
                        break;
                case 'n':
                        tree->table_options.no_headings = true;
                        break;
                default:
                        return parse_common(option, argv, &verb_tree);
                }

        return -1;
}

static int run_tree(int argc, char **argv) {
        struct tree tree = {};
        int r;

        r = parse_argv(&tree, argc, argv);
        if (r >= 0)
                return r;

        r = subtrees_parse(argv + optind, (size_t) (argc - optind), &tree.subtrees);
        if (r == EXIT_DONE)
                r = print_tree(&tree);
        subtrees_clear(&tree.subtrees);
        return r;
}

const struct verb verb_tree = {
        .name = "tree",
        .operands = "[PATH...]",
        .summary = "Draw the PCI topology with the names of the devices",
        .description = "With PATH, draws only the functions at and behind it.",
        .option_rows = (const struct option_row[]){
                { OPTION_FULL, "full", NULL, "Print whole paths, not only the last hop" },
                { 'J', "json", NULL, "Print JSON" },
                { 'n', "noheadings", NULL, "Do not print the headings" },
                COMMON_ROWS,
                {},
        },
        .run = run_tree,
};
