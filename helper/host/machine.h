/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A virtual machine as its monitor has it: buses, the functions plugged into them, and what is below the functions.
 * Every monitor's reader fills one; machine_complete() makes the names; the verbs read it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pci-path.h"

struct device;

enum slots {
        SLOTS_BUS,  /* conventional, or a root bus or switch: any slot */
        SLOTS_LINK, /* what a PCIe port leads to: slot 0 */
};

/** struct bus - a PCI bus */
struct bus {
        char *name;              /* what the monitor wants to hear in order to plug a device in there, or NULL */
        struct device *bridge;   /* that leads to it; NULL for a root bus */
        struct pci_root root;    /* of a root bus */
        const char *nameless;    /* of a root bus: why the guest's name for it cannot be known, or NULL */
        enum slots slots;
        bool takes_plugs;        /* while the machine runs */
        uint8_t first_slot;      /* of those that a device can be plugged into */
        uint8_t last_slot;
        uint32_t used;           /* slots with any function; of machine_complete() */
        uint32_t shown;          /* slots with a function 0; of machine_complete() */
};

/* What the guest has of a device, apart from the PCI function. */
enum node {
        NODE_NONE,
        NODE_DISK,
        NODE_INTERFACE,
};

/** struct device - a PCI function, or something below one */
struct device {
        char *id;                /* the monitor's, or NULL */
        char *other_id;          /* by which it can be named as well, or NULL */
        char *type;              /* in the monitor's words */
        const char *kind;        /* in words */
        struct bus *bus;         /* that a function is plugged into; NULL for what is below a function, or not on PCI at all */
        struct pci_hop hop;      /* of a function */
        struct device *function; /* of what is below one: that function */
        enum node node;
        char *suffix;            /* after the flat form, in the link of a disk; NULL when there are no words for it */
        const char *absent;      /* why the guest does not show it, or NULL */
        const char *until;       /* of a function: why it may not be there yet, though its path is known; or NULL */
        struct pci_path *path;   /* see device_get_path() */
        bool twin;               /* something else has its place; of machine_complete() */
        void *userdata;          /* of who walks the machine; NULL before */
};

/** struct device_id - an id and the place in machine.devices of a device that has it */
struct device_id {
        const char *id;
        size_t index;
};

struct machine {
        struct bus **buses;
        size_t n_buses;
        struct device **devices; /* by path after machine_complete() */
        size_t n_devices;
        struct device_id *ids;   /* sorted; of machine_complete() */
        size_t n_ids;
        const char *no_hotplug;  /* why no bus takes a device while the machine runs, and what to do; or NULL */
        const char *no_room;     /* what to do when all slots are in use, or NULL */
        char *reason;            /* of devices that are absent, where it is no constant; or NULL */
};

/* "/dev/disk/by-pci-path/" and a file name. */
#define NAME_IN_GUEST_MAX (22 + 255 + 1)

struct bus *machine_add_bus(struct machine *machine, struct device *bridge);
struct device *machine_add_device(struct machine *machine, struct bus *bus, struct device *function);
int machine_complete(struct machine *machine);
void machine_clear(struct machine *machine);

struct device *machine_find(const struct machine *machine, const char *id, size_t n);
const struct pci_path *device_get_path(const struct device *device);
const char *device_why_absent(const struct device *device);
const char *device_name_in_guest(const struct device *device, char buf[static NAME_IN_GUEST_MAX]);
const char *bus_find_fault(const struct bus *bus);
int bus_get_path(const struct bus *bus, uint8_t slot, struct pci_path *ret);

#define _cleanup_machine_ __attribute__((__cleanup__(machine_clear)))
