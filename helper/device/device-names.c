/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "array.h"
#include "pci-function.h"
#include "device-util.h"
#include "device-names.h"
#include "nvme.h"
#include "util.h"
#include "vfio.h"

void names_clear(struct names *names) {
        free(names->items);
        *names = (struct names){};
}

/*
 * @below: the device itself, or one path of an NVMe multipath head. Return: 1, 0 when it is not below PCI, or a
 * negative errno.
 */
static int names_add(struct names *names, sd_device *device, sd_device *below) {
        struct ancestor function;
        struct name *name;
        int r;

        r = device_get_pci_function(below, &function);
        if (r <= 0)
                return r;

        if (array_grow(names->items, names->n, 1) < 0)
                return -ENOMEM;
        name = &names->items[names->n];
        name->link[0] = '\0';

        r = pci_function_get_path(function.syspath, &name->path);
        if (r < 0)
                return r;
        r = device_get_link_name(device, below, &function, &name->path, name->link);
        if (r == -ENOMEM)
                return r;

        name->link_error = r < 0 ? r : 0;
        names->n++;
        return 1;
}

static int compare_names(const void *a, const void *b) {
        const struct name *x = a, *y = b;

        return pci_path_compare(&x->path, &y->path);
}

/* For one of several names: a missing name or device does not prevent the other names. */
static int names_add_one_of(struct names *names, sd_device *device, sd_device *below) {
        int r;

        r = names_add(names, device, below);
        return r == -E2BIG || r == -EBADMSG || errno_is_absent(r) ? 0 : r;
}

static int names_add_head(struct names *names, sd_device *device, sd_device *head) {
        _cleanup_nvme_paths_ struct nvme_paths paths = {};
        int r;

        r = nvme_head_find_paths(head, &paths);
        if (r < 0)
                return r;

        for (size_t i = 0; i < paths.n && r >= 0; i++)
                r = names_add_one_of(names, device, paths.items[i]);
        return r;
}

static int add_function_of_group(const char *syspath, void *userdata) {
        _cleanup_device_ sd_device *function = NULL;
        int r;

        r = sd_device_new_from_syspath(&function, syspath);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        return names_add_one_of(userdata, function, function);
}

static int names_add_group(struct names *names, sd_device *group) {
        const char *sysname;
        int r;

        r = sd_device_get_sysname(group, &sysname);
        return r < 0 ? r : vfio_for_each_function(sysname, add_function_of_group, names);
}

/**
 * device_get_names() - find all names of a device
 * @ret: to be cleared with names_clear(); untouched on failure
 *
 * Return: 0, also when the device is not below PCI and has no name, or a negative errno of pci_function_get_path().
 */
int device_get_names(sd_device *device, struct names *ret) {
        struct names names = {};
        sd_device *head;
        int r;

        r = device_in_subsystem(device, "vfio");
        if (r > 0)
                r = names_add_group(&names, device);
        else if (r == 0) {
                r = nvme_head_find(device, &head);
                if (r >= 0)
                        r = r > 0 ? names_add_head(&names, device, head) : names_add(&names, device, device);
        }
        if (r < 0) {
                names_clear(&names);
                return r;
        }

        if (names.n > 1)
                qsort(names.items, names.n, sizeof(names.items[0]), compare_names);
        *ret = names;
        return 0;
}

/**
 * syspath_get_names() - find all names of the device at a syspath
 * @ret: to be cleared with names_clear(); untouched on failure
 *
 * Return: 0, also when the device has disappeared or has no name, or a negative errno.
 */
int syspath_get_names(const char *syspath, struct names *ret) {
        _cleanup_device_ sd_device *device = NULL;
        int r;

        r = sd_device_new_from_syspath(&device, syspath);
        if (r >= 0)
                r = device_get_names(device, ret);
        return errno_is_absent(r) || r == -EBADMSG || r == -E2BIG ? 0 : r;
}
