/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What must hold of every machine that was read, whatever it was read from.
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

                /* On a bus, below a function, or not on PCI, which has a reason. */
                CHECK(d->type && d->kind && !(d->bus && d->function));
                CHECK(d->bus || d->function || d->absent);
                /* Either there is a path or a reason, never both. */
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
