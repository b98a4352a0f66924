/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Checks that hold for every machine, whatever its backend.
 */

#include "fuzz.h"
#include "machine.h"
#include "util.h"

static inline void check_machine(struct machine *machine) {
        char name[NAME_IN_GUEST_MAX], text[PCI_PATH_STRING_MAX];

        if (machine_complete(machine) < 0)
                return;

        for (size_t i = 0; i < machine->n_devices; i++) {
                const struct device *d = machine->devices[i];
                const struct pci_path *path = device_get_path(d);
                struct pci_path again;

                /* A device is on a bus, below a function, or not on PCI with a reason. */
                CHECK(d->type && d->kind && !(d->bus && d->function));
                CHECK(d->bus || d->function || d->absent || machine->is_list);
                /* Labels are not empty, and each finds a device. */
                for (size_t j = 0; j < N_LABELS; j++)
                        CHECK(!d->labels[j] ||
                              (*d->labels[j] != '\0' && machine_find_by_label(machine, d->labels[j], 0)));
                CHECK(!d->id || machine_find(machine, d->id, 0));
                /* A device has either a path or a reason. */
                CHECK(!path != !d->absent);
                if (!path) {
                        CHECK(!device_name_in_guest(d, name));
                        continue;
                }
                pci_path_print(path, PCI_PATH_CANONICAL, text);
                CHECK(pci_path_parse(text, &again, NULL) == 0 && pci_path_compare(path, &again) == 0);
                if (device_name_in_guest(d, name))
                        CHECK(strlen(name) < sizeof(name));
        }
}
