/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The model of a virtual machine: buses, the functions on them, and the devices below functions. A backend fills it,
 * machine_complete() sets the paths, and the verbs print from it.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link-names.h"
#include "pci-path.h"
#include "util.h"

struct device;

enum slots {
        SLOTS_BUS,  /* conventional bus, root bus or bus of a switch: any slot */
        SLOTS_LINK, /* behind a PCIe port: slot 0 only */
};

/** struct bus - a PCI bus */
struct bus {
        char *name;              /* for the command of the monitor that plugs a device in, or NULL */
        struct device *bridge;   /* to this bus; NULL for a root bus */
        struct pci_root root;    /* of a root bus */
        const char *nameless;    /* of a root bus: the reason why its number in the guest is unknown, or NULL */
        enum slots slots;
        bool takes_plugs;        /* supports hotplug */
        uint8_t first_slot;      /* range of slots for hotplug */
        uint8_t last_slot;
        uint32_t used;           /* bits of slots with any function; set by machine_complete() */
        uint32_t shown;          /* bits of slots with a function 0; set by machine_complete() */
};

/* The kind of device node or interface that the guest has for a device. */
enum node {
        NODE_NONE,
        NODE_DISK,
        NODE_INTERFACE,
};

/* What a host knows of a device besides its id. No label needs to be unique. */
enum label {
        LABEL_MAC,     /* lower case, with colons */
        LABEL_SOURCE,  /* file, device, volume, network or socket on the host that is behind the device */
        LABEL_SERIAL,  /* of a disk */
        LABEL_HOST,    /* of a device that is passed through: its PCI address or UUID on the host */
        LABEL_BACKEND, /* id of the netdev or drive of the monitor */
        N_LABELS,
};

/** struct device - a PCI function, or a device below one */
struct device {
        char *id;                /* in the monitor, or NULL */
        char *other_id;          /* a second id, or NULL */
        char *labels[N_LABELS];  /* or NULL; see device_set_label() */
        char *type;              /* in the monitor's terms */
        const char *kind;        /* for users */
        struct bus *bus;         /* of a function; NULL for devices below a function or not on PCI */
        struct pci_hop hop;      /* of a function */
        struct device *function; /* of a device below a function: that function */
        enum node node;
        char *suffix;            /* after the flat form in the name of a disk or interface; NULL if unknown */
        const char *absent;      /* the reason why the guest does not show the device, or NULL */
        char *absent_text;       /* owned text of absent, or NULL; see device_set_absent() */
        const char *until;       /* of a function: the reason why it may not exist yet, or NULL */
        struct pci_path *path;   /* see device_get_path() */
        bool has_standby;        /* a card that has a standby interface, too */
        bool twin;               /* another device has the same address; set by machine_complete() */
        void *userdata;          /* for the verb that prints the machine; NULL initially */
};

/** struct device_text - an id or label, and the index in machine.devices of its device */
struct device_text {
        const char *text;
        size_t index;
};

/** struct device_texts - ids or labels, sorted */
struct device_texts {
        struct device_text *items;
        size_t n;
};

struct machine {
        struct bus **buses;
        size_t n_buses;
        struct device **devices; /* sorted by path by machine_complete() */
        size_t n_devices;
        struct device_texts ids, labels; /* set by machine_complete() */
        atomic_bool has_answered; /* set by the backend: the monitor serves this client */
        bool wants_labels;       /* set by the verb: read labels even if that takes more time */
        bool wants_room;         /* set by the verb: find out which buses support hotplug */
        const char *no_hotplug;  /* the reason why no bus supports hotplug, and what to do; or NULL */
        const char *no_room;     /* what to do if all slots are in use, or NULL */
        size_t n_unplaced;       /* devices that use a slot, but which one is not known */
        char *reason;            /* owned text of device.absent, or NULL */
        char *unread;            /* warning: what the source has but was not read, or NULL */
        bool is_list;            /* read from a list: devices have paths, but there are no buses */
        void *document;          /* has texts of devices; put_document() frees it */
        void (*put_document)(void *document);
};

#define NAME_IN_GUEST_MAX (sizeof(DISK_LINKS) + LINK_NAME_MAX)

struct bus *machine_add_bus(struct machine *machine, struct device *bridge);
struct device *machine_add_device(struct machine *machine, struct bus *bus, struct device *function);
int machine_give_root(struct machine *machine, struct device *function, uint32_t domain);
_printf_(2, 3) int device_set_absent(struct device *device, const char *format, ...);
int machine_complete(struct machine *machine);
int machine_index(struct machine *machine);
void machine_clear(struct machine *machine);

struct device *machine_find(const struct machine *machine, const char *id, size_t n);
struct device *machine_find_by_label(const struct machine *machine, const char *label, size_t n);
const struct pci_path *device_get_path(const struct device *device);
const char *device_why_absent(const struct device *device);
const char *device_name_in_guest(const struct device *device, char buf[static NAME_IN_GUEST_MAX]);
const char *bus_find_fault(const struct bus *bus);
int bus_get_path(const struct bus *bus, uint8_t slot, struct pci_path *ret);

#define _cleanup_machine_ __attribute__((__cleanup__(machine_clear)))
