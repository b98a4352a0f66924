/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "below.h"
#include "explain.h"
#include "lookup.h"
#include "sysfs.h"
#include "util.h"

void lookup_clear(struct lookup *lookup) {
        usables_clear(&lookup->usables);
        *lookup = (struct lookup){};
}

/* Moves the chosen to the front; their order among themselves stays. Return: 0, or a negative errno. */
static int choose(struct lookup *lookup, const struct target *target) {
        struct usables *u = &lookup->usables;
        const char *default_type = choice_default_type(lookup->descent.syspath, u);
        int r;

        for (size_t i = 0; i < u->n; i++) {
                struct usable chosen = u->items[i];

                r = usable_is_chosen(&chosen, &target->choice, default_type, &target->path);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                memmove(&u->items[lookup->n_chosen + 1], &u->items[lookup->n_chosen],
                        (i - lookup->n_chosen) * sizeof(chosen));
                u->items[lookup->n_chosen++] = chosen;
        }

        return 0;
}

/**
 * lookup_target() - look for a target
 * @ret: to be cleared with lookup_clear(); on failure nothing is set but descent.syspath, to what could not be read
 *
 * Return: 1 when it is there, 0 when it is not, or a negative errno.
 */
int lookup_target(const struct target *target, struct lookup *ret) {
        struct lookup lookup = {};
        int r;

        *ret = (struct lookup){};
        r = pci_path_descend(&target->path, &lookup.descent);
        if (r < 0) {
                strcpy(ret->descent.syspath, lookup.descent.syspath);
                return r;
        }

        if (r > 0 && target->choice.type && streq(target->choice.type, CHOICE_PCI))
                lookup.is_there = true;
        else if (r > 0) {
                strcpy(ret->descent.syspath, lookup.descent.syspath);
                r = usables_find(lookup.descent.syspath, &lookup.usables, ret->descent.syspath);
                if (r >= 0)
                        r = choose(&lookup, target);
                if (r < 0) {
                        lookup_clear(&lookup);
                        return r;
                }
                lookup.is_there = lookup.n_chosen > 0;
        }

        *ret = lookup;
        return lookup.is_there;
}

/** lookup_address() - the PCI address that this machine gave to the function at the end of a complete descent */
const char *lookup_address(const struct lookup *lookup) {
        return strrchr(lookup->descent.syspath, '/') + 1;
}

/* A name for what is asked for below the function. */
static void print_choice(FILE *out, const struct choice *choice) {
        fputs("nothing", out);
        if (choice->type && !streq(choice->type, CHOICE_ALL))
                fprintf(out, " of type %s", choice->type);
        if (choice->sub_function[0] != '\0')
                fprintf(out, " of sub-function %s", choice->sub_function);
        if (choice->suffix[0] != '\0')
                fprintf(out, " called %s", choice->suffix);
        if (choice->part > 0)
                fprintf(out, " that is partition %u", choice->part);
        fputs(" to use below it", out);
}

/*
 * A driver makes the devices below a device, which want drivers of their own: a virtio-blk disk needs virtio_pci for the
 * function and virtio_blk for what that makes of it. Whichever is missing, there is no disk.
 */
static void print_driverless(FILE *out, const char *syspath) {
        _cleanup_string_list_ struct string_list driverless = {};
        const char *separator = "; no driver has been found for ";
        char modalias[256];

        if (below_find(syspath, NULL, &driverless) < 0)
                return;

        for (size_t i = 0; i < driverless.n; i++)
                if (sysfs_read_attribute(driverless.items[i], "modalias", sizeof(modalias), modalias) >= 0) {
                        fprintf(out, "%s%s (%s)", separator, strrchr(driverless.items[i], '/') + 1, modalias);
                        separator = ", ";
                }
}

/**
 * lookup_explain() - say why a target is not there
 * @ret: one line without a newline; to be freed
 *
 * Return: 0, or -ENOMEM.
 */
int lookup_explain(const struct target *target, const struct lookup *lookup, char **ret) {
        _cleanup_free_ char *descent = NULL;
        char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        r = pci_descent_explain(&target->path, &lookup->descent, &descent);
        if (r < 0)
                return r;

        out = open_memstream(&text, &size);
        if (!out)
                return negative_errno();

        fputs(descent, out);
        if (lookup->descent.n_hops == target->path.n_hops) {
                fputs(", ", out);
                print_choice(out, &target->choice);
                if (lookup->usables.n == 0)
                        print_driverless(out, lookup->descent.syspath);
                for (size_t i = 0; i < lookup->usables.n; i++)
                        fprintf(out, "%s%s (%s)", i == 0 ? "; there is " : ", ", lookup->usables.items[i].name,
                                lookup->usables.items[i].subsystem);
        }

        r = finish_memstream(out, &text);
        if (r < 0)
                return r;

        *ret = text;
        return 0;
}
