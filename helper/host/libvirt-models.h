/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libvirt's models of PCI controllers, https://libvirt.org/formatdomain.html#controllers: a table with a row for each.
 */

#include "machine.h"

enum controller {
        CONTROLLER_BRIDGE,
        CONTROLLER_ROOT,          /* a host bridge, on no bus */
        CONTROLLER_EXPANDER,      /* a function that adds a root bus, numbered by target/busNr */
        CONTROLLER_EXPANDER_BRIDGE, /* the same, with a bridge on that bus which is not in the document */
        CONTROLLER_UNKNOWN,
};

struct libvirt_model {
        const char *name;
        enum controller controller;
        bool takes_plugs;
        uint8_t first_slot, last_slot;
};

const struct libvirt_model *libvirt_model_find(const char *name);
