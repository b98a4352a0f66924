/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "pci-path.h"

_Static_assert(sizeof("/ff:1f.7v65535") - 1 == 14, "PCI_PATH_STRING_MAX counts on 14 bytes for a hop");

static size_t print_root(const struct pci_root *root, char separator, char *p) {
        char *start = p;

        switch (root->type) {
        case PCI_ROOT_BUS:
                if (root->domain != 0 || root->bus != 0)
                        p += sprintf(p, "%04x%c%02x%c", root->domain, separator, root->bus, separator);
                break;
        case PCI_ROOT_VMBUS:
                for (size_t i = 0; i < 16; i++)
                        p += sprintf(p, "%02x", root->guid[i]);
                *p++ = separator;
                break;
        }

        return (size_t) (p - start);
}

/**
 * pci_path_print() - print a path in its canonical or flat form
 * @path: a path with at least one hop
 * @form: canonical, or flat for file names, interface names and unit instances
 * @buf: large enough for every path
 *
 * Return: the length of the text in @buf, in bytes without the NUL.
 */
size_t pci_path_print(const struct pci_path *path, enum pci_path_form form, char buf[static PCI_PATH_STRING_MAX]) {
        char hop_separator = form == PCI_PATH_FLAT ? '-' : '/';
        char root_separator = form == PCI_PATH_FLAT ? '_' : ':';
        char *p = buf;

        assert(path->n_hops >= 1 && path->n_hops <= PCI_PATH_HOPS_MAX);

        p += print_root(&path->root, root_separator, p);
        for (size_t i = 0; i < path->n_hops; i++) {
                const struct pci_hop *hop = &path->hops[i];

                if (i > 0)
                        *p++ = hop_separator;
                if (hop->bus != PCI_HOP_NO_BUS)
                        p += sprintf(p, "%02x%c", (unsigned) hop->bus & 0xff, root_separator);
                p += sprintf(p, "%02x.%x", hop->slot, hop->function);
                if (hop->vf != PCI_HOP_NO_VF)
                        p += sprintf(p, "v%u", (unsigned) hop->vf & 0xffff);
        }
        *p = '\0';

        return (size_t) (p - buf);
}

static int compare_numbers(int64_t a, int64_t b) {
        return (a > b) - (a < b);
}

static int compare_roots(const struct pci_root *a, const struct pci_root *b) {
        int r;

        r = compare_numbers(a->type, b->type);
        if (r != 0)
                return r;
        if (a->type == PCI_ROOT_VMBUS)
                return memcmp(a->guid, b->guid, sizeof(a->guid));

        r = compare_numbers(a->domain, b->domain);
        return r != 0 ? r : compare_numbers(a->bus, b->bus);
}

static int compare_hops(const struct pci_hop *a, const struct pci_hop *b) {
        int r;

        r = compare_numbers(a->bus, b->bus);
        if (r == 0)
                r = compare_numbers(a->slot, b->slot);
        if (r == 0)
                r = compare_numbers(a->function, b->function);
        if (r == 0)
                r = compare_numbers(a->vf, b->vf);
        return r;
}

/**
 * pci_path_compare() - order paths as in a printed tree: a bridge before the functions behind it, roots by number
 *
 * Return: less than, equal to or greater than 0, as strcmp().
 */
int pci_path_compare(const struct pci_path *a, const struct pci_path *b) {
        int r;

        r = compare_roots(&a->root, &b->root);
        for (size_t i = 0; r == 0 && i < a->n_hops && i < b->n_hops; i++)
                r = compare_hops(&a->hops[i], &b->hops[i]);

        return r != 0 ? r : compare_numbers((int64_t) a->n_hops, (int64_t) b->n_hops);
}

/** pci_path_is_within() - is @path equal to @above, or behind it? */
bool pci_path_is_within(const struct pci_path *path, const struct pci_path *above) {
        if (compare_roots(&path->root, &above->root) != 0 || path->n_hops < above->n_hops)
                return false;

        for (size_t i = 0; i < above->n_hops; i++)
                if (compare_hops(&path->hops[i], &above->hops[i]) != 0)
                        return false;

        return true;
}
