/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>

#include "pci-function.h"
#include "diagnose.h"
#include "kind.h"
#include "sysfs.h"
#include "util.h"

#define PCI_BUSES "/sys/class/pci_bus"

/* The path up to hop @n, for the middle of a sentence. */
static const char *print_first_hops(const struct pci_path *path, size_t n, char buf[static PCI_PATH_STRING_MAX]) {
        struct pci_path first = *path;

        first.n_hops = n;
        pci_path_print(&first, PCI_PATH_CANONICAL, buf);
        return buf;
}

/* One hop, without the hops before it. */
static const char *print_hop(const struct pci_hop *hop, char buf[static PCI_PATH_STRING_MAX]) {
        struct pci_path alone = { .n_hops = 1, .hops = { *hop } };

        alone.hops[0].bus = PCI_HOP_NO_BUS;
        pci_path_print(&alone, PCI_PATH_CANONICAL, buf);
        return buf;
}

static void print_roots(FILE *out) {
        struct dirent **list;
        const char *separator = "it has ";
        int n;

        n = scandir(PCI_BUSES, &list, NULL, alphasort);
        for (int i = 0; i < n; i++) {
                if (pci_is_root_bus(list[i]->d_name)) {
                        fprintf(out, "%s%s", separator, list[i]->d_name);
                        separator = ", ";
                }
                free(list[i]);
        }
        if (n >= 0)
                free(list);
        if (separator[0] != ',')
                fputs("it has no PCI", out);
}

/* Print the functions directly below @syspath, without their bus numbers. Return: the number of functions. */
static int print_functions(FILE *out, const char *syspath, const char *before) {
        char buf[PCI_PATH_STRING_MAX];
        struct dirent **list;
        struct pci_hop hop;
        int n;

        n = pci_list_functions(syspath, &list);
        for (int i = 0; i < n; i++) {
                if (pci_hop_parse_sysname(list[i]->d_name, &hop) == 0)
                        fprintf(out, "%s%s", i == 0 ? before : ", ", print_hop(&hop, buf));
                free(list[i]);
        }
        if (n >= 0)
                free(list);
        return n;
}

static void diagnose_root(FILE *out, const struct pci_path *path) {
        struct pci_path device;
        char buf[PCI_PATH_STRING_MAX];

        if (path->root.type == PCI_ROOT_VMBUS) {
                fputs("this machine has no PCI bus on such a VMBus device", out);
                return;
        }

        fprintf(out, "this machine has no root bus %04x:%02x; ", path->root.domain, path->root.bus);
        print_roots(out);
        if (pci_address_find_path(path, &device) > 0)
                fprintf(out, ". %04x:%02x:%02x.%x is the PCI address that this machine gave to the device at path %s",
                        path->root.domain, path->root.bus, path->hops[0].slot, path->hops[0].function,
                        print_first_hops(&device, device.n_hops, buf));
}

static void diagnose_first_hop(FILE *out, const struct pci_path *path, const struct pci_resolution *resolution) {
        char buf[PCI_PATH_STRING_MAX];

        if (resolution->is_unknown) {
                fputs("the host does not ensure that uids are unique, so no function has a path", out);
                return;
        }
        fprintf(out, "no %s %s", path->n_hops > 1 ? "bridge" : "function", print_hop(&path->hops[0], buf));
        if (print_functions(out, resolution->syspath, "; on the root bus there are ") <= 0)
                fputs("; the root bus is empty", out);
}

static const char *article(const char *noun) {
        return strchr("AEIOUaeio", noun[0]) ? "an" : "a";
}

static void diagnose_hop(FILE *out, const struct pci_path *path, const struct pci_resolution *resolution) {
        const struct pci_hop *missing = &path->hops[resolution->n_hops];
        char buf[PCI_PATH_STRING_MAX];
        struct pci_kind kind;

        pci_function_get_kind(resolution->syspath, &kind);
        fprintf(out, "%s is there: %s %s", print_first_hops(path, resolution->n_hops, buf), article(kind.name),
                kind.name);

        if (missing->bus != PCI_HOP_NO_BUS)
                fprintf(out, " without a function %s on a bus %02x below it", print_hop(missing, buf),
                        (unsigned) missing->bus & 0xff);
        else if (print_functions(out, resolution->syspath, "; behind it there are ") > 0)
                fprintf(out, ", but no %s", print_hop(missing, buf));
        else
                fputs(kind.is_bridge ? " with an empty slot" : ", with nothing behind it", out);
}

static void diagnose_function(FILE *out, const struct pci_path *path, const char *syspath) {
        char buf[PCI_PATH_STRING_MAX], driver[NAME_MAX + 1], vendor[16] = "?", device[16] = "?";
        struct pci_kind kind;

        pci_function_get_kind(syspath, &kind);
        (void) sysfs_read_attribute(syspath, "vendor", sizeof(vendor), vendor);
        (void) sysfs_read_attribute(syspath, "device", sizeof(device), device);

        fprintf(out, "%s is there: %s %s", print_first_hops(path, path->n_hops, buf), article(kind.name), kind.name);
        if (sysfs_read_link_name(syspath, "driver", driver) == 0)
                fprintf(out, " with the driver %s", driver);
        else
                fprintf(out, " (%s:%s) without a driver", vendor, device);
}

/**
 * pci_resolution_diagnose() - explain how far @resolution followed @path, and what exists instead of the rest
 * @ret: one line without a newline; to be freed
 *
 * Return: 0, or -ENOMEM.
 */
int pci_resolution_diagnose(const struct pci_path *path, const struct pci_resolution *resolution, char **ret) {
        char *text = NULL;
        size_t size;
        FILE *out;
        int r;

        out = open_memstream(&text, &size);
        if (!out)
                return negative_errno();

        if (!resolution->has_root)
                diagnose_root(out, path);
        else if (resolution->n_hops == 0)
                diagnose_first_hop(out, path, resolution);
        else if (resolution->n_hops < path->n_hops)
                diagnose_hop(out, path, resolution);
        else
                diagnose_function(out, path, resolution->syspath);

        r = finish_memstream(out, &text);
        if (r < 0)
                return r;

        *ret = text;
        return 0;
}

/**
 * pci_address_find_path() - find the path of a device whose PCI address was mistaken for a path
 *
 * As a path, "0000:01:00.0" is slot 00.0 on root bus 0000:01. As an address, it is the device on the bus to which this
 * machine gave the number 01.
 *
 * Return: 1, 0 when @path has another form, is the device's own path, or no device has this address, or a negative
 * errno.
 */
int pci_address_find_path(const struct pci_path *path, struct pci_path *ret) {
        _cleanup_device_ sd_device *device = NULL;
        char address[sizeof("ffffffff:ff:1f.7")];
        struct pci_path found;
        const char *syspath;
        int r;

        if (path->n_hops != 1 || path->root.type != PCI_ROOT_BUS || path->hops[0].vf != PCI_HOP_NO_VF)
                return 0;

        snprintf(address, sizeof(address), "%04x:%02x:%02x.%x", path->root.domain, path->root.bus,
                 path->hops[0].slot & 0x1fU, path->hops[0].function & 7U);
        r = sd_device_new_from_subsystem_sysname(&device, "pci", address);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        r = sd_device_get_syspath(device, &syspath);
        if (r >= 0)
                r = pci_function_get_path(syspath, &found);
        if (r < 0)
                return r;
        if (pci_path_compare(&found, path) == 0)
                return 0;

        *ret = found;
        return 1;
}
