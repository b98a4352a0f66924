/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The formats of PCI paths in other programs. No I/O: the caller passes the data of the machine that a format needs.
 */

#include <stddef.h>
#include <stdint.h>

#include "pci-path.h"

/** struct uid_map - which root bus has which ACPI _UID, for UEFI's PciRoot() */
struct uid_map {
        size_t n;
        struct uid_map_row {
                uint32_t uid;
                struct pci_root root;
        } * rows;
};

/* The longest text: "/pci-bridge@1f,7" for each hop, and the root. */
#define FORMAT_MAX (PCI_PATH_HOPS_MAX * 16 + 64)

/**
 * struct format - one way to write a path
 * @parse: as pci_path_parse(); @uids may be NULL
 * @print: Return: 0, or -EINVAL with the reason why this format cannot express the path
 */
struct format {
        const char *name;
        const char *example;
        int (*parse)(const char *text, const struct uid_map *uids, struct pci_path *ret,
                     struct pci_path_error *ret_error);
        int (*print)(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                     const char **ret_reason);
};

extern const struct format format_table[];
extern const size_t format_table_size;

const struct format *format_find(const char *name);
int format_parse_any(const char *text, const struct uid_map *uids, struct pci_path *ret,
                     struct pci_path_error *ret_error);

/* Rows of the table that have a file of their own. */
int format_parse_uefi(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error);
int format_print_uefi(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason);
int format_parse_qemu(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error);
int format_print_qemu(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason);
const char *format_reason_plain(const struct pci_path *path);
