/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds devices by their ids and labels, in two sorted indices.
 */

#include "label.h"
#include "machine.h"
#include "search.h"
#include "util.h"

static int compare_texts(const void *a, const void *b) {
        const struct device_text *x = a, *y = b;
        int r = strcmp(x->text, y->text);

        return r != 0 ? r : (x->index > y->index) - (x->index < y->index);
}

static void add_text(struct device_texts *texts, const char *text, size_t index) {
        if (text)
                texts->items[texts->n++] = (struct device_text){ text, index };
}

/* A device can have the same text twice. */
static void sort_texts(struct device_texts *texts) {
        size_t n = 0;

        qsort(texts->items, texts->n, sizeof(*texts->items), compare_texts);
        for (size_t i = 0; i < texts->n; i++)
                if (n == 0 || compare_texts(&texts->items[n - 1], &texts->items[i]) != 0)
                        texts->items[n++] = texts->items[i];
        texts->n = n;
}

/** machine_index() - collect the ids and labels of the sorted devices. Return: 0, or -ENOMEM. */
int machine_index(struct machine *machine) {
        machine->ids.items = calloc(2 * machine->n_devices + 1, sizeof(*machine->ids.items));
        machine->labels.items = calloc(N_LABELS * machine->n_devices + 1, sizeof(*machine->labels.items));
        if (!machine->ids.items || !machine->labels.items)
                return -ENOMEM;

        for (size_t i = 0; i < machine->n_devices; i++) {
                const struct device *d = machine->devices[i];

                add_text(&machine->ids, d->id, i);
                add_text(&machine->ids, d->other_id, i);
                for (size_t j = 0; j < N_LABELS; j++)
                        add_text(&machine->labels, d->labels[j], i);
        }

        sort_texts(&machine->ids);
        sort_texts(&machine->labels);
        return 0;
}

struct wanted {
        const struct device_texts *texts;
        const char *text;
};

static int compare_wanted(size_t i, const void *wanted) {
        const struct wanted *w = wanted;

        return strcmp(w->text, w->texts->items[i].text);
}

static struct device *find(const struct machine *machine, const struct device_texts *texts, const char *text,
                           size_t n) {
        size_t at = search_first(texts->n, compare_wanted, &(struct wanted){ texts, text }) + n;

        return at < texts->n && streq(texts->items[at].text, text) ? machine->devices[texts->items[at].index] : NULL;
}

/**
 * machine_find() - find a device by its id
 * @n: number of the device among those with this id, from 0
 *
 * Return: NULL if there are no more.
 */
struct device *machine_find(const struct machine *machine, const char *id, size_t n) {
        return find(machine, &machine->ids, id, n);
}

/**
 * machine_find_by_label() - find a device by one of its labels
 * @label: addresses and UUIDs in any form
 * @n: number of the device among those with this label, from 0
 *
 * Return: NULL if there are no more.
 */
struct device *machine_find_by_label(const struct machine *machine, const char *label, size_t n) {
        char normalized[LABEL_NORMALIZED_MAX];
        struct device *device;
        size_t n_literal = 0;

        device = find(machine, &machine->labels, label, n);
        if (device || !label_normalize(label, normalized) || streq(label, normalized))
                return device;
        while (find(machine, &machine->labels, label, n_literal))
                n_literal++;
        return find(machine, &machine->labels, normalized, n - n_literal);
}
