/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A function without further selection means its disks and interfaces, if it has any: a SCSI disk also has sg and bsg
 * nodes, and a USB controller with a stick has nodes for both. For other functions it means all nodes. An NVMe
 * controller has a node before its namespaces have theirs. So for storage and network controllers only disks and
 * interfaces count, unless the function has a vfio driver and a node of its IOMMU group.
 */

#include <stdio.h>

#include "selector.h"
#include "kind.h"
#include "device-names.h"
#include "util.h"

#define MAIN_USE ""

static bool is_main_use(const struct child_device *u) {
        return streq(u->subsystem, "block") || streq(u->subsystem, "net") || streq(u->subsystem, "vfio");
}

/**
 * selector_default_type() - get the type of child devices that the function at @function_syspath means
 *
 * Return: a type for child_device_is_selected().
 */
const char *selector_default_type(const char *function_syspath, const struct child_devices *children) {
        struct pci_kind kind;

        for (size_t i = 0; i < children->n; i++)
                if (is_main_use(&children->items[i]))
                        return MAIN_USE;

        pci_function_get_kind(function_syspath, &kind);
        return kind.base_class == PCI_CLASS_STORAGE || kind.base_class == PCI_CLASS_NETWORK ? MAIN_USE
                                                                                            : SELECTOR_ALL;
}

static bool is_of_type(const struct child_device *u, const char *type) {
        return streq(type, MAIN_USE) ? is_main_use(u)
                                     : streq(type, SELECTOR_ALL) || streq(type, u->subsystem);
}

/* Is one of the device's link names, existing or not, that of @path with @suffix? Return: 1, 0, or a negative errno. */
static int has_suffix(const struct child_device *u, const char *suffix, const struct pci_path *path) {
        char sub_function[sizeof("-" SUFFIX_SUB_FUNCTION) + SUB_FUNCTION_MAX] = "";
        char flat[PCI_PATH_STRING_MAX], wanted[sizeof(flat) + sizeof(sub_function) + LINK_NAME_MAX + 16];
        _cleanup_names_ struct names names = {};
        int r;

        r = syspath_get_names(u->syspath, &names);
        if (r < 0)
                return r;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (u->sub_function[0] != '\0')
                sprintf(sub_function, "-" SUFFIX_SUB_FUNCTION "%s", u->sub_function);
        snprintf(wanted, sizeof(wanted), u->part > 0 ? "%s%s-%s-part%u" : "%s%s-%s", flat, sub_function, suffix,
                 u->part);
        for (size_t i = 0; i < names.n; i++)
                if (streq(names.items[i].link, wanted))
                        return 1;

        return 0;
}

/* Is the device the interface that has this port? */
static int has_port(const struct child_device *u, const struct selector *selector, const struct pci_path *path) {
        char wanted[PCI_PATH_STRING_MAX + SUB_FUNCTION_MAX + LINK_NAME_MAX + 8], name[INTERFACE_NAME_MAX + 1];
        int r;

        r = child_device_get_interface_name(u, path, name);
        if (r <= 0)
                return r;
        interface_print_name(path, selector->sub_function, selector->suffix, sizeof(wanted), wanted);
        return streq(name, wanted);
}

/**
 * child_device_is_selected() - does the selector match this child device?
 * @default_type: used when @selector has no type; from selector_default_type()
 * @path: of the function above @u
 *
 * Return: 1, 0, or a negative errno, but only if @selector has a suffix.
 */
int child_device_is_selected(const struct child_device *u, const struct selector *selector, const char *default_type,
                             const struct pci_path *path) {
        const char *type = selector->type ?: default_type;

        if (selector->part > 0 || selector->suffix[0] != '\0')
                type = "block";
        if (selector->is_interface)
                type = "net";
        if (!is_of_type(u, type) || (!selector->any_sub_function && !streq(u->sub_function, selector->sub_function)))
                return 0;
        if (u->part != selector->part && !(selector->part == 0 && streq(type, SELECTOR_ALL)))
                return 0;

        if (selector->suffix[0] == '\0')
                return 1;
        return selector->is_interface ? has_port(u, selector, path) : has_suffix(u, selector->suffix, path);
}
