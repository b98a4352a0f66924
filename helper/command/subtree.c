/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"
#include "subtree.h"

void subtrees_clear(struct subtrees *subtrees) {
        free(subtrees->paths);
        *subtrees = (struct subtrees){};
}

/**
 * subtrees_parse() - read what the user named
 * @ret: to be cleared with subtrees_clear(), whatever is returned
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int subtrees_parse(char **texts, size_t n, struct subtrees *ret) {
        *ret = (struct subtrees){ .texts = texts };
        if (n == 0)
                return EXIT_DONE;

        ret->paths = calloc(n, sizeof(ret->paths[0]));
        if (!ret->paths)
                return complain(EXIT_FAILED, "out of memory");

        for (; ret->n < n; ret->n++) {
                struct target target;
                int r;

                r = parse_target(texts[ret->n], NULL, &target);
                if (r != EXIT_DONE)
                        return r;
                if (target.choice.part > 0 || target.choice.suffix[0] != '\0' || target.choice.sub_function[0] != '\0')
                        return complain(EXIT_USAGE, "%s: a disk and not a function", texts[ret->n]);
                ret->paths[ret->n] = target.path;
        }

        return EXIT_DONE;
}

static bool is_in_inventory(const struct pci_path *path, const struct inventory *inventory) {
        for (size_t i = 0; i < inventory->n; i++)
                if (inventory->functions[i]->path.n_hops > 0 &&
                    pci_path_compare(&inventory->functions[i]->path, path) == 0)
                        return true;

        return false;
}

/** complain_of_unreadable() - a line for each device that is missing in the inventory. Return: EXIT_DONE, or EXIT_FAILED. */
int complain_of_unreadable(const struct inventory *inventory) {
        for (size_t i = 0; i < inventory->unreadable.n; i++)
                complain(EXIT_FAILED, "cannot read %s", inventory->unreadable.items[i]);

        return inventory->unreadable.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

/**
 * subtrees_check() - complain of the first path that is not there
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int subtrees_check(const struct subtrees *subtrees, const struct inventory *inventory) {
        for (size_t i = 0; i < subtrees->n; i++) {
                struct target target = { .path = subtrees->paths[i], .choice.type = CHOICE_PCI };
                struct lookup lookup;
                int r;

                if (is_in_inventory(&target.path, inventory))
                        continue;
                r = lookup_target(&target, &lookup);
                if (r < 0)
                        return complain_of_lookup(subtrees->texts[i], &lookup, r);
                r = complain_of_absence(subtrees->texts[i], &target, &lookup);
                lookup_clear(&lookup);
                return r;
        }

        return EXIT_DONE;
}

/** subtrees_have() - is the function one of those that were asked for? */
bool subtrees_have(const struct subtrees *subtrees, const struct function *f) {
        for (size_t i = 0; i < subtrees->n; i++)
                if (f->path.n_hops > 0 && pci_path_is_within(&f->path, &subtrees->paths[i]))
                        return true;

        return subtrees->n == 0;
}
