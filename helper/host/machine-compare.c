/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Compares two machines. The same device is found by its id, else by a label that no other device has. Devices without
 * an id are the same if they are at the same place. Each step joins two sorted lists, so the time is nearly linear.
 */

#include <fnmatch.h>

#include "machine-compare.h"
#include "util.h"

/* The device of the other machine, or NULL; by the index in machine.devices. */
struct pairs {
        const struct machine *machines[2];
        const struct device **partners[2];
};

static const struct device *device_at(const struct pairs *p, int side, size_t index) {
        return p->machines[side]->devices[index];
}

static bool is_single(const struct pairs *p, int side, size_t index) {
        return !p->partners[side][index] && device_get_path(device_at(p, side, index));
}

static void match(struct pairs *p, size_t a, size_t b) {
        p->partners[0][a] = device_at(p, 1, b);
        p->partners[1][b] = device_at(p, 0, a);
}

/** device_compare_places() - compare path and suffix of two devices that have a path */
int device_compare_places(const struct device *a, const struct device *b) {
        int r = pci_path_compare(device_get_path(a), device_get_path(b));

        return r != 0 ? r : strverscmp(a->suffix ?: "", b->suffix ?: "");
}

/* -- By a common text -- */

/* The items with one text, a range in the sorted texts. */
struct group {
        const struct device_text *items;
        size_t n;
};

typedef void (*join_fn)(struct pairs *p, const struct group *a, const struct group *b);

static struct group next_group(const struct device_texts *texts, size_t at) {
        struct group g = { .items = texts->items + at, .n = 1 };

        while (at + g.n < texts->n && streq(g.items[0].text, g.items[g.n].text))
                g.n++;
        return g;
}

static void join(struct pairs *p, const struct device_texts *a, const struct device_texts *b, join_fn callback) {
        size_t i = 0, j = 0;

        while (i < a->n && j < b->n) {
                struct group of_a = next_group(a, i), of_b = next_group(b, j);
                int r = strcmp(of_a.items[0].text, of_b.items[0].text);

                if (r == 0)
                        callback(p, &of_a, &of_b);
                i += r <= 0 ? of_a.n : 0;
                j += r >= 0 ? of_b.n : 0;
        }
}

/* Items are in the order of their devices, which is that of their places. */
static void match_same_places(struct pairs *p, const struct group *a, const struct group *b) {
        size_t i = 0, j = 0;

        while (i < a->n && j < b->n) {
                size_t x = a->items[i].index, y = b->items[j].index;
                int r;

                if (!is_single(p, 0, x) || !is_single(p, 1, y)) {
                        i += !is_single(p, 0, x);
                        j += !is_single(p, 1, y);
                        continue;
                }
                r = device_compare_places(device_at(p, 0, x), device_at(p, 1, y));
                if (r == 0)
                        match(p, x, y);
                i += r <= 0;
                j += r >= 0;
        }
}

static void match_in_order(struct pairs *p, const struct group *a, const struct group *b) {
        size_t i = 0, j = 0;

        while (i < a->n && j < b->n) {
                size_t x = a->items[i].index, y = b->items[j].index;
                bool both = is_single(p, 0, x) && is_single(p, 1, y);

                if (both)
                        match(p, x, y);
                i += both || !is_single(p, 0, x);
                j += both || !is_single(p, 1, y);
        }
}

static void match_unique(struct pairs *p, const struct group *a, const struct group *b) {
        if (a->n == 1 && b->n == 1)
                match_in_order(p, a, b);
}

/* -- By place -- */

/* Devices with different ids are different devices. Backends do not have the same words for all kinds. */
static bool can_be_same(const struct device *a, const struct device *b) {
        return (!a->id || !b->id) && (streq(a->kind, b->kind) || streq(a->kind, "device") || streq(b->kind, "device"));
}

static void match_places(struct pairs *p) {
        size_t i = 0, j = 0;

        while (i < p->machines[0]->n_devices && j < p->machines[1]->n_devices) {
                const struct device *a = device_at(p, 0, i), *b = device_at(p, 1, j);
                int r;

                if (!is_single(p, 0, i) || !is_single(p, 1, j)) {
                        i += !is_single(p, 0, i);
                        j += !is_single(p, 1, j);
                        continue;
                }
                r = device_compare_places(a, b);
                if (r == 0 && can_be_same(a, b))
                        match(p, i, j);
                i += r <= 0;
                j += r >= 0;
        }
}

/* -- Differences -- */

/* QEMU lists these, other sources do not: its machines have them without being asked. */
static bool is_listed_by_qemu_alone(const struct device *d) {
        static const char *const types[] = {
                "mch",
                "i440FX*",
                "gpex-root",
                "ICH9-LPC",
                "ICH9-SMB",
                "ich9-ahci",
                "PIIX*",
                "piix?-ide*",
        };

        for (size_t i = 0; !d->id && i < ELEMENTSOF(types); i++)
                if (fnmatch(types[i], d->type, 0) == 0)
                        return true;

        return false;
}

static int report_all(const struct pairs *p, difference_fn callback, void *userdata) {
        int r = 0;

        for (size_t i = 0; i < p->machines[0]->n_devices && r >= 0; i++) {
                const struct device *d = device_at(p, 0, i), *partner = p->partners[0][i];

                if (partner ? device_compare_places(d, partner) != 0
                            : device_get_path(d) && !is_listed_by_qemu_alone(d))
                        r = callback(userdata, d, partner);
        }
        for (size_t i = 0; i < p->machines[1]->n_devices && r >= 0; i++)
                if (is_single(p, 1, i) && !is_listed_by_qemu_alone(device_at(p, 1, i)))
                        r = callback(userdata, NULL, device_at(p, 1, i));
        return r;
}

/**
 * machine_compare() - call a function for each device that moved, went or came
 * @callback: gets the device in @a and in @b, one of which may be NULL
 *
 * Return: 0, -ENOMEM, or a negative value from @callback.
 */
int machine_compare(const struct machine *a, const struct machine *b, difference_fn callback, void *userdata) {
        struct pairs p = { .machines = { a, b } };
        int r = -ENOMEM;

        p.partners[0] = calloc(a->n_devices + 1, sizeof(*p.partners[0]));
        p.partners[1] = calloc(b->n_devices + 1, sizeof(*p.partners[1]));
        if (p.partners[0] && p.partners[1]) {
                join(&p, &a->ids, &b->ids, match_same_places);
                join(&p, &a->ids, &b->ids, match_in_order);
                join(&p, &a->labels, &b->labels, match_unique);
                match_places(&p);
                r = report_all(&p, callback, userdata);
        }

        free(p.partners[0]);
        free(p.partners[1]);
        return r;
}
