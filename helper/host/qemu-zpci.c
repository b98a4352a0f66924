/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Devices on s390. The guest sees no topology: the machine has a device "zpci" for each function, and the guest finds
 * the function in a PCI domain of its own, whose number is the uid of that device (hw/s390x/s390-pci-bus.c). A zpci
 * device names its function by the id. QEMU creates those that the user did not, and sets their uids at once.
 */

#include "array.h"
#include "qemu-machines.h"
#include "qemu-walk.h"
#include "search.h"

/** struct zpci - a zpci device */
struct zpci {
        char *target; /* id of its function */
        uint32_t uid;
};

/**
 * walk_add_zpci() - add a zpci device. Return: 0, or -ENOMEM.
 * @values: of the properties in the row of the type
 */
int walk_add_zpci(struct walk *walk, json_object *const values[static QEMU_PROPERTIES_MAX]) {
        int64_t uid = json_object_is_type(values[0], json_type_int) ? json_object_get_int64(values[0]) : 0;
        const char *target = json_get_text(values[1]);

        /* QEMU takes 0 as unset. */
        if (!target || uid <= 0 || uid > UINT16_MAX)
                return 0;
        if (array_grow(walk->zpcis, walk->n_zpcis, 1) < 0)
                return -ENOMEM;
        walk->zpcis[walk->n_zpcis].uid = (uint32_t) uid;
        walk->zpcis[walk->n_zpcis].target = strdup(target);
        return walk->zpcis[walk->n_zpcis++].target ? 0 : -ENOMEM;
}

static int compare_targets(const void *a, const void *b) {
        const struct zpci *x = a, *y = b;

        return strcmp(x->target, y->target);
}

struct wanted {
        const struct walk *walk;
        const char *target;
};

static int compare_wanted(size_t i, const void *wanted) {
        const struct wanted *w = wanted;

        return strcmp(w->target, w->walk->zpcis[i].target);
}

static int name_function(const struct walk *walk, const struct record *r) {
        const struct wanted wanted = { walk, r->device->id };
        size_t at = wanted.target ? search_only(walk->n_zpcis, compare_wanted, &wanted) : walk->n_zpcis;

        if (r->type->is_bridge)
                r->device->absent = BRIDGE_ON_S390;
        else if (!wanted.target)
                r->device->absent = "without an id, so QEMU does not tell its uid";
        else if (at == walk->n_zpcis)
                r->device->absent = "no zpci device has its uid";
        else
                return machine_give_root(walk->machine, r->device, walk->zpcis[at].uid);
        return 0;
}

/** walk_name_by_uid() - on s390, put each function on a root bus of its own. Return: 0, or -ENOMEM. */
int walk_name_by_uid(struct walk *walk) {
        int r = 0;

        if (!walk->has_uids)
                return 0;
        if (walk->n_zpcis > 0)
                qsort(walk->zpcis, walk->n_zpcis, sizeof(*walk->zpcis), compare_targets);
        for (size_t i = 0; i < walk->n_records && r >= 0; i++)
                if (walk->records[i]->on->kind == QEMU_BUS_PCI) /* not the inner device of a function */
                        r = name_function(walk, walk->records[i]);
        return r;
}

void walk_clear_zpcis(struct walk *walk) {
        for (size_t i = 0; i < walk->n_zpcis; i++)
                free(walk->zpcis[i].target);
        free(walk->zpcis);
}
