/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Describes a PCI function for users: "PCIe root port", "network controller". */

#include <stdbool.h>
#include <stdint.h>

/* Base classes of the PCI Code and ID Assignment Specification that the code uses. */
enum pci_base_class {
        PCI_CLASS_OLD = 0x00, /* from before classes were defined; some virtio devices */
        PCI_CLASS_STORAGE = 0x01,
        PCI_CLASS_NETWORK = 0x02,
        PCI_CLASS_BRIDGE = 0x06,
        PCI_CLASS_OTHER = 0xff,
};

/** struct pci_kind - class and description of a function */
struct pci_kind {
        uint8_t base_class;
        bool is_bridge; /* to another bus */
        const char *name;
};

void pci_function_get_kind(const char *syspath, struct pci_kind *ret);
int pci_kind_find_class(const char *name);
