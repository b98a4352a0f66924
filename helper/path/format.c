/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The formats that resemble pcipath's own. pci_path_parse() parses them, after each row here has rejected texts of
 * another format. A path that a format cannot express is an error, because half a path names another device.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ascii.h"
#include "format.h"
#include "util.h"

static int refuse(struct pci_path_error *ret_error, size_t offset, const char *reason) {
        if (ret_error)
                *ret_error = (struct pci_path_error){ .offset = offset, .reason = reason };
        return -EINVAL;
}

/* Rejects a text that contains one of @characters. */
static int refuse_any_of(const char *text, const char *characters, const char *reason,
                         struct pci_path_error *ret_error) {
        size_t at = strcspn(text, characters);

        return text[at] == '\0' ? 0 : refuse(ret_error, at, reason);
}

static int parse_path(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error) {
        int r;

        (void) uids;
        r = refuse_any_of(text, "-_", "'-' and '_' belong to the flat form", ret_error);
        return r < 0 ? r : pci_path_parse(text, ret, ret_error);
}

static int parse_flat(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error) {
        int r;

        (void) uids;
        r = refuse_any_of(text, "/:", "the flat form has '-' and '_' for '/' and ':'", ret_error);
        return r < 0 ? r : pci_path_parse(text, ret, ret_error);
}

static int print_path(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason) {
        (void) uids;
        (void) ret_reason;
        pci_path_print(path, PCI_PATH_CANONICAL, buf);
        return 0;
}

static int print_flat(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason) {
        (void) uids;
        (void) ret_reason;
        pci_path_print(path, PCI_PATH_FLAT, buf);
        return 0;
}

/*
 * Kata Containers: src/libs/kata-types and the agent's src/pci.rs read "02/03" and "02.0/03.0"; the runtime
 * writes the first. The root is the machine's first one.
 */
static int parse_kata(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error) {
        int r;

        (void) uids;
        r = refuse_any_of(text, ":-_vV", "Kata has slots, functions and '/' only", ret_error);
        return r < 0 ? r : pci_path_parse(text, ret, ret_error);
}

/* The kernel assigns higher domains to nested host bridges. Other programs do not know them. */
#define DOMAIN_MAX 0xffff

static bool is_first_root(const struct pci_root *root) {
        return root->type == PCI_ROOT_BUS && root->domain == 0 && root->bus == 0;
}

/**
 * format_reason_plain() - why the root's number, slots and functions do not identify a path
 *
 * The kernel chooses the domain below VMD and VMBus, and the bus and slot of a virtual function.
 *
 * Return: NULL when it can.
 */
const char *format_reason_plain(const struct pci_path *path) {
        if (path->root.type != PCI_ROOT_BUS)
                return "the format cannot express a VMBus root";
        if (path->root.domain > DOMAIN_MAX)
                return "a domain above ffff is the kernel's own number for a nested host bridge";

        for (size_t i = 0; i < path->n_hops; i++) {
                if (path->hops[i].bus != PCI_HOP_NO_BUS)
                        return "the format cannot express a nested host bridge";
                if (path->hops[i].vf != PCI_HOP_NO_VF)
                        return "the format cannot express a virtual function";
        }

        return NULL;
}

static int print_kata(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason) {
        const char *reason = format_reason_plain(path);
        char *p = buf;

        (void) uids;
        if (!reason && !is_first_root(&path->root))
                reason = "the format cannot express a root other than 0000:00";
        for (size_t i = 0; !reason && i < path->n_hops; i++)
                if (path->hops[i].function != 0)
                        reason = "the format cannot express a function other than 0";
        if (reason) {
                *ret_reason = reason;
                return -EINVAL;
        }

        for (size_t i = 0; i < path->n_hops; i++)
                p += sprintf(p, i > 0 ? "/%02x" : "%02x", path->hops[i].slot);
        return 0;
}

/* Return: the length of the root, "domain:bus:" or "bus:"; 0 when there is none. */
static size_t root_length(const char *text) {
        size_t n = strcspn(text, "/");

        while (n > 0 && text[n - 1] != ':')
                n--;
        return n;
}

/* [<domain>:]<bus>:<dev>.<func>[/<dev>.<func>]*, where each later hop may have a bus, too. */
static int parse_numbers(const char *text, struct pci_path *ret, struct pci_path_error *ret_error) {
        int r;

        r = refuse_any_of(text, "-_vV", "no such character is in a path of slots and functions", ret_error);
        if (r < 0)
                return r;
        if (root_length(text) == 0)
                return refuse(ret_error, 0, "the bus of the root, \"00:\" say, must be before the first slot");

        r = pci_path_parse(text, ret, ret_error);
        if (r < 0)
                return r;
        if (ret->root.type != PCI_ROOT_BUS)
                return refuse(ret_error, 0, "a root is [domain:]bus");
        if (ret->root.domain > DOMAIN_MAX)
                return refuse(ret_error, 0, "a domain above ffff is the kernel's own number for a nested host bridge");
        return 0;
}

/* The kernel's documentation, admin-guide/kernel-parameters.txt, "pci=". */
static int parse_kernel(const char *text, const struct uid_map *uids, struct pci_path *ret,
                        struct pci_path_error *ret_error) {
        size_t root = root_length(text);
        struct pci_path path;
        int r;

        (void) uids;
        r = parse_numbers(text, &path, ret_error);
        if (r < 0)
                return r;
        if (strchr(text + root, ':'))
                return refuse(ret_error, root + strcspn(text + root, ":"), "only the root has a bus");

        *ret = path;
        return 0;
}

static int print_hops(const struct pci_path *path, char *p) {
        for (size_t i = 0; i < path->n_hops; i++)
                p += sprintf(p, i > 0 ? "/%02x.%x" : "%02x.%x", path->hops[i].slot, path->hops[i].function);
        return 0;
}

static int print_kernel(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                        const char **ret_reason) {
        const char *reason = format_reason_plain(path);

        (void) uids;
        if (reason) {
                *ret_reason = reason;
                return -EINVAL;
        }

        return print_hops(path, buf + sprintf(buf, "%04x:%02x:", path->root.domain, path->root.bus));
}

/* "lspci -P", and "lspci -PP", which adds to each hop the bus number that the guest assigned. */
static int parse_lspci(const char *text, const struct uid_map *uids, struct pci_path *ret,
                       struct pci_path_error *ret_error) {
        struct pci_path path;
        int r;

        (void) uids;
        r = parse_numbers(text, &path, ret_error);
        if (r < 0)
                return r;

        for (size_t i = 0; i < path.n_hops; i++)
                path.hops[i].bus = PCI_HOP_NO_BUS;
        *ret = path;
        return 0;
}

static int print_lspci(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                       const char **ret_reason) {
        const char *reason = format_reason_plain(path);
        char *p = buf;

        (void) uids;
        if (reason) {
                *ret_reason = reason;
                return -EINVAL;
        }

        if (path->root.domain != 0)
                p += sprintf(p, "%04x:", path->root.domain);
        return print_hops(path, p + sprintf(p, "%02x:", path->root.bus));
}

const struct format format_table[] = {
        { "path",   "02.0/00.0",                           parse_path,          print_path          },
        { "flat",   "02.0-00.0",                           parse_flat,          print_flat          },
        { "kata",   "02/00",                               parse_kata,          print_kata          },
        { "kernel", "0000:00:02.0/00.0",                   parse_kernel,        print_kernel        },
        { "lspci",  "00:02.0/00.0",                        parse_lspci,         print_lspci         },
        { "uefi",   "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)", format_parse_uefi, format_print_uefi },
        { "qemu",   "/pci@i0cf8/pci-bridge@2/@0",          format_parse_qemu, format_print_qemu },
};

const size_t format_table_size = ELEMENTSOF(format_table);

/** format_find() - by name; NULL when there is none */
const struct format *format_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(format_table); i++)
                if (streq(format_table[i].name, name))
                        return &format_table[i];

        return NULL;
}

/**
 * format_parse_any() - parse a path in any format
 *
 * The first character selects the format: '/' for QEMU's, a letter that is no hex digit for UEFI's. The other formats
 * are pcipath's own with parts left out.
 */
int format_parse_any(const char *text, const struct uid_map *uids, struct pci_path *ret,
                     struct pci_path_error *ret_error) {
        if (strncmp(text, "/pci", 4) == 0)
                return format_parse_qemu(text, uids, ret, ret_error);
        if (ascii_strncasecmp(text, "Pci", 3) == 0)
                return format_parse_uefi(text, uids, ret, ret_error);
        return pci_path_parse(text, ret, ret_error);
}
