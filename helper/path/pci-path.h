/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The PCI path: where a PCI function is plugged in, as host and guest both know it. See pcipath-names(7).
 *
 *     [root:]hop/hop/…        hop = [bus:]slot.function[vVF]
 *
 * A path is a plain value: copy it, compare it, print it. Nothing here does I/O or allocates.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_PATH_HOPS_MAX 255
#define PCI_HOP_NO_BUS (-1)
#define PCI_HOP_NO_VF (-1)

/** struct pci_hop - one step of the way: a function on the bus that the step before leads to */
struct pci_hop {
        int16_t bus;      /* 0x00…0xff: the bus number of a host bridge nested below the hop before
                           * (rule 2), or PCI_HOP_NO_BUS */
        uint8_t slot;     /* 0x00…0x1f */
        uint8_t function; /* 0…7 */
        int32_t vf;       /* 0…65535: virtual function vf of this function (rule 4), or PCI_HOP_NO_VF */
};

enum pci_root_type {
        PCI_ROOT_BUS,   /* domain:bus, not printed when it is 0000:00 */
        PCI_ROOT_VMBUS, /* below a Hyper-V VMBus device: its GUID */
};

struct pci_root {
        enum pci_root_type type;
        uint32_t domain;
        uint8_t bus;
        uint8_t guid[16]; /* in the order in which the text form has the digits */
};

struct pci_path {
        struct pci_root root;
        size_t n_hops; /* 1…PCI_PATH_HOPS_MAX */
        struct pci_hop hops[PCI_PATH_HOPS_MAX];
};

enum pci_path_form {
        PCI_PATH_CANONICAL, /* 0000:40:00.0/00.0 */
        PCI_PATH_FLAT,      /* 0000_40_00.0-00.0 */
};

/* GUID and separator, then for each hop "/bb:ss.fv65535", then the NUL. */
#define PCI_PATH_STRING_MAX (33 + PCI_PATH_HOPS_MAX * 14 + 1)

/** struct pci_path_error - where and why a text is not a PCI path */
struct pci_path_error {
        size_t offset; /* of the first byte that cannot be part of a path */
        const char *reason;
};

int pci_path_parse(const char *text, struct pci_path *ret, struct pci_path_error *ret_error);
size_t pci_path_print(const struct pci_path *path, enum pci_path_form form, char buf[static PCI_PATH_STRING_MAX]);
int pci_path_compare(const struct pci_path *a, const struct pci_path *b);
bool pci_path_is_within(const struct pci_path *path, const struct pci_path *above);

int pci_hop_parse_sysname(const char *sysname, struct pci_hop *ret);
int pci_root_parse_sysname(const char *sysname, struct pci_root *ret);
int pci_root_parse_guid(const char *text, struct pci_root *ret);
