/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The formats of firmware, in which each hop is a node with a name of its own.
 *
 *     UEFI     PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)     UEFI 2.10, 10.6.1.2 and 10.6.1.6: Pci(Device,Function)
 *     QEMU     /pci@i0cf8/pci-bridge@2/scsi@0             Open Firmware's, IEEE 1275 PCI binding 2.1, 2.2.1.3:
 *                                                         name@DD,F in hex without leading zeros, ",0" left out
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ascii.h"
#include "format.h"
#include "util.h"

struct reader {
        const char *text;
        size_t at;
        struct pci_path_error error;
};

static int fail_at(struct reader *r, size_t offset, const char *reason) {
        r->error = (struct pci_path_error){ .offset = offset, .reason = reason };
        return -EINVAL;
}

static int fail(struct reader *r, const char *reason) {
        return fail_at(r, r->at, reason);
}

static bool skip_text(struct reader *r, const char *word) {
        size_t n = strlen(word);

        if (ascii_strncasecmp(r->text + r->at, word, n) != 0)
                return false;

        r->at += n;
        return true;
}

static int digit_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        c = ascii_tolower(c);
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Parses digits of @base, a number of at most 32 bits. */
static int parse_number(struct reader *r, int base, uint32_t *ret) {
        size_t start = r->at;
        uint64_t value = 0;

        for (;; r->at++) {
                int digit = digit_value(r->text[r->at]);

                if (digit < 0 || digit >= base)
                        break;
                value = value * (uint64_t) base + (uint64_t) digit;
                if (value > UINT32_MAX)
                        return fail_at(r, start, "a number too large");
        }
        if (r->at == start)
                return fail(r, "a number is missing");

        *ret = (uint32_t) value;
        return 0;
}

static int set_hop(struct reader *r, size_t offset, uint32_t slot, uint32_t function, struct pci_path *path) {
        if (slot > 0x1f)
                return fail_at(r, offset, "a slot is at most 0x1f");
        if (function > 7)
                return fail_at(r, offset, "a function is at most 7");
        if (path->n_hops == PCI_PATH_HOPS_MAX)
                return fail_at(r, offset, "more than 255 hops");

        path->hops[path->n_hops++] = (struct pci_hop){
                .bus = PCI_HOP_NO_BUS,
                .slot = (uint8_t) slot,
                .function = (uint8_t) function,
                .vf = PCI_HOP_NO_VF,
        };
        return 0;
}

static int finish(struct reader *r, int result, const struct pci_path *path, struct pci_path *ret,
                  struct pci_path_error *ret_error) {
        if (result >= 0 && path->n_hops == 0)
                result = fail(r, "a root without a slot");
        if (result >= 0) {
                *ret = *path;
                return 0;
        }

        if (ret_error)
                *ret_error = r->error;
        return result;
}

static int cannot(const char *reason, const char **ret_reason) {
        *ret_reason = reason;
        return -EINVAL;
}

static int parse_uefi_number(struct reader *r, uint32_t *ret) {
        return parse_number(r, skip_text(r, "0x") ? 16 : 10, ret);
}

static bool is_root(const struct pci_root *a, const struct pci_root *b) {
        return a->type == PCI_ROOT_BUS && b->type == PCI_ROOT_BUS && a->domain == b->domain && a->bus == b->bus;
}

/* Without the _UIDs of a machine, only _UID 0 is known: all firmware gives it to the first root. */
static bool uid_to_root(const struct uid_map *uids, uint32_t uid, struct pci_root *ret) {
        for (size_t i = 0; uids && i < uids->n; i++)
                if (uids->rows[i].uid == uid) {
                        *ret = uids->rows[i].root;
                        return true;
                }

        *ret = (struct pci_root){ .type = PCI_ROOT_BUS };
        return uid == 0 && (!uids || uids->n == 0);
}

static bool root_to_uid(const struct uid_map *uids, const struct pci_root *root, uint32_t *ret) {
        static const struct pci_root first = { .type = PCI_ROOT_BUS };

        for (size_t i = 0; uids && i < uids->n; i++)
                if (is_root(&uids->rows[i].root, root)) {
                        *ret = uids->rows[i].uid;
                        return true;
                }

        *ret = 0;
        return is_root(root, &first) && (!uids || uids->n == 0);
}

static int parse_uefi_root(struct reader *r, const struct uid_map *uids, struct pci_root *ret) {
        size_t start;
        uint32_t uid;
        int k;

        if (!skip_text(r, "PciRoot(") && !skip_text(r, "PcieRoot("))
                return fail(r, "a UEFI path begins with PciRoot(");

        start = r->at;
        k = parse_uefi_number(r, &uid);
        if (k < 0)
                return k;
        if (!uid_to_root(uids, uid, ret))
                return fail_at(r, start,
                               uids ? "no root bus of this machine has this ACPI _UID"
                                    : "only the machine itself knows which root bus has this ACPI _UID (--live)");
        return skip_text(r, ")") ? 0 : fail(r, "a ')' is missing");
}

static int parse_uefi_hop(struct reader *r, struct pci_path *path) {
        uint32_t slot, function;
        size_t start;
        int k;

        if (!skip_text(r, "/Pci("))
                return fail(r, "neither the end of the path nor /Pci(slot,function)");

        start = r->at;
        k = parse_uefi_number(r, &slot);
        if (k < 0)
                return k;
        if (!skip_text(r, ","))
                return fail(r, "a ',' is missing");
        k = parse_uefi_number(r, &function);
        if (k < 0)
                return k;
        if (!skip_text(r, ")"))
                return fail(r, "a ')' is missing");

        return set_hop(r, start, slot, function, path);
}

/** format_parse_uefi() - see struct format */
int format_parse_uefi(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error) {
        struct reader r = { .text = text };
        struct pci_path path = {};
        int k;

        k = parse_uefi_root(&r, uids, &path.root);
        while (k >= 0 && r.text[r.at] != '\0')
                k = parse_uefi_hop(&r, &path);

        return finish(&r, k, &path, ret, ret_error);
}

/** format_print_uefi() - see struct format */
int format_print_uefi(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason) {
        const char *reason = format_reason_plain(path);
        uint32_t uid;
        char *p = buf;

        if (reason)
                return cannot(reason, ret_reason);
        if (!root_to_uid(uids, &path->root, &uid))
                return cannot(uids ? "this machine has no ACPI _UID for such a root bus"
                                   : "only the machine itself knows the ACPI _UID of this root bus (--live)",
                              ret_reason);

        p += sprintf(p, "PciRoot(0x%x)", uid);
        for (size_t i = 0; i < path->n_hops; i++)
                p += sprintf(p, "/Pci(0x%x,0x%x)", path->hops[i].slot, path->hops[i].function);
        return 0;
}

/* Names that QEMU uses below a function: see get_dev_path() in hw/scsi, hw/ide, hw/nvme, hw/usb and net. */
static bool is_below_function(const char *name, size_t n) {
        static const char *const names[] = {
                "channel", "disk", "drive", "ethernet-phy", "hub", "namespace", "storage"
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i]) == n && strncmp(name, names[i], n) == 0)
                        return true;

        return n > 3 && strncmp(name, "usb-", 4) == 0;
}

/*
 * QEMU's hw/pci-host/{i440fx,q35}.c call the root bus of a PC pci@i0cf8. An expander's is pci@i0cf8,N, where N
 * counts the expanders and is not a bus number (hw/pci-bridge/pci_expander_bridge.c, pxb_host_ofw_unit_address()).
 */
static int parse_qemu_root(struct reader *r, struct pci_root *ret) {
        if (!skip_text(r, "/pci@i0cf8"))
                return fail(r, "QEMU's path begins with /pci@i0cf8");
        if (r->text[r->at] == ',')
                return fail(r, "QEMU counts its expander buses: which one this is only QEMU knows");

        *ret = (struct pci_root){ .type = PCI_ROOT_BUS };
        return 0;
}

/*
 * The characters of a node's name: IEEE 1275-1994, 3.2.1.1. Return: the length of the name after the '/', which may be
 * 0, or -EINVAL.
 */
static int measure_node_name(struct reader *r) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-";
        size_t start = r->at + 1, n;

        if (r->text[r->at] != '/')
                return fail(r, "neither the end of the path nor '/'");

        n = strspn(r->text + start, letters);
        if (r->text[start + n] == '\0' || r->text[start + n] == '/')
                return fail_at(r, start + n, "a node without '@'");
        if (r->text[start + n] != '@')
                return fail_at(r, start + n, "no node's name has such a character");
        return (int) n;
}

/* A node below the function: its unit is one or more hexadecimal numbers, separated by commas. */
static int parse_qemu_node_below(struct reader *r) {
        uint32_t unused;
        int n;

        n = measure_node_name(r);
        if (n < 0)
                return n;
        r->at += (size_t) n + 2;

        do {
                int k = parse_number(r, 16, &unused);

                if (k < 0)
                        return k;
        } while (skip_text(r, ","));
        return 0;
}

/* Return: 1, 0 when the next node is below the function, or -EINVAL. */
static int parse_qemu_hop(struct reader *r, struct pci_path *path) {
        uint32_t slot, function = 0;
        size_t start;
        int name, k;

        name = measure_node_name(r);
        if (name < 0)
                return name;
        if (is_below_function(r->text + r->at + 1, (size_t) name))
                return 0;
        r->at += (size_t) name + 2;

        start = r->at;
        k = parse_number(r, 16, &slot);
        if (k < 0)
                return k;
        if (skip_text(r, ",")) {
                k = parse_number(r, 16, &function);
                if (k < 0)
                        return k;
        }

        k = set_hop(r, start, slot, function, path);
        return k < 0 ? k : 1;
}

/** format_parse_qemu() - see struct format; nodes below the function are checked, and left out */
int format_parse_qemu(const char *text, const struct uid_map *uids, struct pci_path *ret,
                      struct pci_path_error *ret_error) {
        struct reader r = { .text = text };
        struct pci_path path = {};
        int k;

        (void) uids;
        k = parse_qemu_root(&r, &path.root);
        if (k >= 0)
                do
                        k = r.text[r.at] != '\0' ? parse_qemu_hop(&r, &path) : 0;
                while (k > 0);
        while (k >= 0 && path.n_hops > 0 && r.text[r.at] != '\0')
                k = parse_qemu_node_below(&r);

        return finish(&r, k, &path, ret, ret_error);
}

/**
 * format_print_qemu() - see struct format
 *
 * The last node has the name of the device, which a path does not contain. Open Firmware allows to omit it.
 */
int format_print_qemu(const struct pci_path *path, const struct uid_map *uids, char buf[static FORMAT_MAX],
                      const char **ret_reason) {
        static const struct pci_root first = { .type = PCI_ROOT_BUS };
        const char *reason = format_reason_plain(path);
        char *p = buf;

        (void) uids;
        if (!reason && !is_root(&path->root, &first))
                reason = "QEMU counts its expander buses: which number this one has only QEMU knows";
        if (reason)
                return cannot(reason, ret_reason);

        p += sprintf(p, "/pci@i0cf8");
        for (size_t i = 0; i < path->n_hops; i++) {
                p += sprintf(p, i + 1 < path->n_hops ? "/pci-bridge@%x" : "/@%x", path->hops[i].slot);
                if (path->hops[i].function != 0)
                        p += sprintf(p, ",%x", path->hops[i].function);
        }
        return 0;
}
