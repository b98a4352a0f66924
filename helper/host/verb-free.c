/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "options.h"

static int add_slot(struct libscols_table *table, const struct bus *bus, uint8_t slot) {
        char path[PCI_PATH_STRING_MAX], number[sizeof("ff")];
        struct libscols_line *line;
        struct pci_path p;

        if (bus_get_path(bus, slot, &p) < 0)
                return 0;
        pci_path_print(&p, PCI_PATH_CANONICAL, path);
        sprintf(number, "%02x", slot);

        line = scols_table_new_line(table, NULL);
        if (!line || scols_line_set_data(line, 0, bus->name) < 0 || scols_line_set_data(line, 1, number) < 0 ||
            scols_line_set_data(line, 2, path) < 0)
                return -ENOMEM;
        return 0;
}

static int fill_table(struct libscols_table *table, const struct options *options _unused_,
                      const struct machine *machine) {
        if (!scols_table_new_column(table, "BUS", 0, 0) || !scols_table_new_column(table, "SLOT", 0, 0) ||
            !scols_table_new_column(table, "PATH", 0, 0))
                return -ENOMEM;

        for (size_t i = 0; i < machine->n_buses; i++) {
                const struct bus *bus = machine->buses[i];

                for (unsigned slot = bus->first_slot; bus->takes_plugs && slot <= bus->last_slot; slot++)
                        if ((bus->used & 1U << slot) == 0 && add_slot(table, bus, (uint8_t) slot) < 0)
                                return -ENOMEM;
        }

        return 0;
}

static bool has_free_slot(const struct bus *bus) {
        struct pci_path path;

        for (unsigned slot = bus->first_slot; slot <= bus->last_slot; slot++)
                if ((bus->used & 1U << slot) == 0 && bus_get_path(bus, (uint8_t) slot, &path) >= 0)
                        return true;

        return false;
}

/* The reason why no slot is listed, and what to do. */
static const char *explain_none(const struct machine *machine) {
        bool takes_plugs = false;

        for (size_t i = 0; i < machine->n_buses; i++) {
                if (machine->buses[i]->takes_plugs && has_free_slot(machine->buses[i]))
                        return NULL;
                takes_plugs = takes_plugs || machine->buses[i]->takes_plugs;
        }

        if (takes_plugs)
                return machine->no_room ?: "every slot is in use";
        return machine->no_hotplug ?: "no PCI bus of this machine supports hotplug";
}

static void print_notes(const struct machine *machine, const char *source) {
        const char *text = explain_none(machine);

        if (text)
                (void) log_error(EXIT_DONE, "%s: %s", source, text);
        else if (machine->n_unplaced > 0)
                (void) log_error(EXIT_DONE, "%s: warning: %zu device%s without a known PCI address can use slots that "
                                            "are listed; 'pcipath-host list' says why",
                                 source, machine->n_unplaced, machine->n_unplaced == 1 ? "" : "s");
}

static int run_free(int argc, char **argv) {
        static const struct verb_table table = {
                .name = "slots",
                .fill = fill_table,
                .print_notes = print_notes,
                .needs_buses = true,
                .wants_room = true,
        };

        return options_print_table(argc, argv, &verb_free, &table);
}

const struct verb verb_free = {
        .name = "free",
        .operands = "SOURCE",
        .summary = "List free slots for hotplug",
        .option_rows = (const struct option_row[]){ TABLE_ROWS, SOURCE_ROWS, {} },
        .columns = (const struct column[]){
                { "BUS", "name in the monitor" },
                { "SLOT", "hexadecimal" },
                { "PATH", "PCI path of a device in that slot" },
                {},
        },
        .run = run_free,
};
