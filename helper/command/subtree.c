/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "command.h"
#include "subtree.h"

void subtrees_clear(struct subtrees *subtrees) {
        free(subtrees->paths);
        *subtrees = (struct subtrees){};
}

/**
 * subtrees_parse() - parse the paths of "list" and "tree"
 * @ret: clear it with subtrees_clear(), even after an error
 *
 * Return: EXIT_DONE, or an exit status after an error message.
 */
int subtrees_parse(char **texts, size_t n, struct subtrees *ret) {
        *ret = (struct subtrees){ .texts = texts };
        if (n == 0)
                return EXIT_DONE;

        ret->paths = calloc(n, sizeof(ret->paths[0]));
        if (!ret->paths)
                return log_error(EXIT_FAILED, "out of memory");

        for (; ret->n < n; ret->n++) {
                struct device_spec spec;
                int r;

                r = parse_device_spec(texts[ret->n], NULL, &spec);
                if (r != EXIT_DONE)
                        return r;
                if (spec.selector.part > 0 || spec.selector.is_interface || spec.selector.suffix[0] != '\0' ||
                    spec.selector.sub_function[0] != '\0')
                        return log_error(EXIT_USAGE, "%s: expected the path of a function, not of a disk",
                                         texts[ret->n]);
                ret->paths[ret->n] = spec.path;
        }

        return EXIT_DONE;
}

static bool is_enumerated(const struct pci_path *path, const struct enumeration *enumeration) {
        for (size_t i = 0; i < enumeration->n; i++)
                if (enumeration->functions[i]->path.n_hops > 0 &&
                    pci_path_compare(&enumeration->functions[i]->path, path) == 0)
                        return true;

        return false;
}

/** log_unreadable_error() - print a line for each device that could not be read. Return: EXIT_DONE, or EXIT_FAILED. */
int log_unreadable_error(const struct enumeration *enumeration) {
        for (size_t i = 0; i < enumeration->unreadable.n; i++)
                log_error(EXIT_FAILED, "cannot read %s", enumeration->unreadable.items[i]);

        return enumeration->unreadable.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

/**
 * subtrees_check() - check that each path exists, and print an error for the first that does not
 *
 * Return: EXIT_DONE, or an exit status after an error message.
 */
int subtrees_check(const struct subtrees *subtrees, const struct enumeration *enumeration) {
        for (size_t i = 0; i < subtrees->n; i++) {
                struct device_spec spec = { .path = subtrees->paths[i], .selector.type = SELECTOR_PCI };
                struct lookup lookup;
                int r;

                if (is_enumerated(&spec.path, enumeration))
                        continue;
                r = lookup_device(&spec, &lookup);
                if (r < 0)
                        return log_lookup_error(subtrees->texts[i], &lookup, r);
                r = log_absent(subtrees->texts[i], &spec, &lookup);
                lookup_clear(&lookup);
                return r;
        }

        return EXIT_DONE;
}

/** subtrees_have() - is the function at or behind one of the paths? */
bool subtrees_have(const struct subtrees *subtrees, const struct function *f) {
        for (size_t i = 0; i < subtrees->n; i++)
                if (f->path.n_hops > 0 && pci_path_is_within(&f->path, &subtrees->paths[i]))
                        return true;

        return subtrees->n == 0;
}
