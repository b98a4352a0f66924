/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "children.h"
#include "diagnose.h"
#include "lookup.h"
#include "sysfs.h"
#include "util.h"

void lookup_clear(struct lookup *lookup) {
        child_devices_clear(&lookup->children);
        *lookup = (struct lookup){};
}

/* Move the selected devices to the front and keep the order. Return: 0, or a negative errno. */
static int select_children(struct lookup *lookup, const struct device_spec *spec) {
        struct child_devices *u = &lookup->children;
        const char *default_type = selector_default_type(lookup->resolution.syspath, u);
        int r;

        for (size_t i = 0; i < u->n; i++) {
                struct child_device selected = u->items[i];

                r = child_device_is_selected(&selected, &spec->selector, default_type, &spec->path);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                memmove(&u->items[lookup->n_selected + 1], &u->items[lookup->n_selected],
                        (i - lookup->n_selected) * sizeof(selected));
                u->items[lookup->n_selected++] = selected;
        }

        return 0;
}

/**
 * lookup_device() - find the device of a device spec
 * @ret: to be cleared with lookup_clear(); on failure only resolution.syspath is set, to the path that could not be
 * read
 *
 * Return: 1 when the device exists, 0 when it does not, or a negative errno.
 */
int lookup_device(const struct device_spec *spec, struct lookup *ret) {
        struct lookup lookup = {};
        int r;

        *ret = (struct lookup){};
        r = pci_path_resolve(&spec->path, &lookup.resolution);
        if (r < 0) {
                strcpy(ret->resolution.syspath, lookup.resolution.syspath);
                return r;
        }

        if (r > 0 && spec->selector.type && streq(spec->selector.type, SELECTOR_PCI))
                lookup.is_there = true;
        else if (r > 0) {
                strcpy(ret->resolution.syspath, lookup.resolution.syspath);
                r = child_devices_find(lookup.resolution.syspath, &lookup.children, ret->resolution.syspath);
                if (r >= 0)
                        r = select_children(&lookup, spec);
                if (r < 0) {
                        lookup_clear(&lookup);
                        return r;
                }
                lookup.is_there = lookup.n_selected > 0;
        }

        *ret = lookup;
        return lookup.is_there;
}

/** lookup_address() - get the PCI address that this machine gave to the function at the end of a complete resolution */
const char *lookup_address(const struct lookup *lookup) {
        return strrchr(lookup->resolution.syspath, '/') + 1;
}

/* Describe the selected device, which does not exist. */
static void print_selector(FILE *out, const struct selector *selector) {
        if (selector->part > 0)
                fprintf(out, "no partition %u", selector->part);
        else
                fputs("no device", out);
        if (selector->type && !streq(selector->type, SELECTOR_ALL))
                fprintf(out, " of type %s", selector->type);
        if (selector->sub_function[0] != '\0')
                fprintf(out, " of sub-function %s", selector->sub_function);
        if (selector->suffix[0] != '\0')
                fprintf(out, " with the suffix %s", selector->suffix);
        fputs(" below it", out);
}

/*
 * A driver creates child devices, which need drivers of their own. A virtio-blk disk needs virtio_pci for the function
 * and virtio_blk for the virtio device. Without either driver there is no disk.
 */
static void print_driverless(FILE *out, const char *syspath) {
        _cleanup_string_list_ struct string_list driverless = {};
        const char *separator = "; no driver has been found for ";
        char modalias[256];

        if (children_find(syspath, NULL, &driverless) < 0)
                return;

        for (size_t i = 0; i < driverless.n; i++)
                if (sysfs_read_attribute(driverless.items[i], "modalias", sizeof(modalias), modalias) >= 0) {
                        fprintf(out, "%s%s (%s)", separator, strrchr(driverless.items[i], '/') + 1, modalias);
                        separator = ", ";
                }
}

/**
 * lookup_diagnose() - explain why the device of a device spec does not exist
 * @ret: one line without a newline; to be freed
 *
 * Return: 0, or -ENOMEM.
 */
int lookup_diagnose(const struct device_spec *spec, const struct lookup *lookup, char **ret) {
        _cleanup_free_ char *resolution = NULL;
        char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        r = pci_resolution_diagnose(&spec->path, &lookup->resolution, &resolution);
        if (r < 0)
                return r;

        out = open_memstream(&text, &size);
        if (!out)
                return negative_errno();

        fputs(resolution, out);
        if (lookup->resolution.n_hops == spec->path.n_hops) {
                fputs(", ", out);
                print_selector(out, &spec->selector);
                if (lookup->children.n == 0)
                        print_driverless(out, lookup->resolution.syspath);
                for (size_t i = 0; i < lookup->children.n; i++)
                        fprintf(out, "%s%s (%s)", i == 0 ? "; there is " : ", ", lookup->children.items[i].name,
                                lookup->children.items[i].subsystem);
        }

        r = finish_memstream(out, &text);
        if (r < 0)
                return r;

        *ret = text;
        return 0;
}
