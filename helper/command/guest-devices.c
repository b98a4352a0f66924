/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "array.h"
#include "device-names.h"
#include "disk-serial.h"
#include "guest-devices.h"
#include "sysfs.h"
#include "util.h"

void guest_devices_clear(struct guest_devices *devices) {
        for (size_t i = 0; i < devices->n; i++) {
                free(devices->items[i].suffix);
                free(devices->items[i].label);
        }
        free(devices->items);
        *devices = (struct guest_devices){};
}

/* The part of a disk's link after the path of @function. Return: 1, 0 if the disk has no link, or a negative errno. */
static int find_disk_suffix(const struct child_device *child, const struct function *function, char **ret) {
        _cleanup_names_ struct names names = {};
        char flat[PCI_PATH_STRING_MAX];
        size_t n;
        int r;

        r = syspath_get_names(child->syspath, &names);
        if (r < 0)
                return r;
        n = pci_path_print(&function->path, PCI_PATH_FLAT, flat);
        for (size_t i = 0; i < names.n; i++) {
                const char *link = names.items[i].link;

                if (*link == '\0' || pci_path_compare(&names.items[i].path, &function->path) != 0)
                        continue;
                *ret = strdup(link[n] == '-' ? link + n + 1 : "");
                return *ret ? 1 : -ENOMEM;
        }
        return 0;
}

/* The part of an interface's name after the path; empty if it has no name. Return: 1, or a negative errno. */
static int find_interface_suffix(const struct child_device *child, const struct function *function, char **ret) {
        char name[INTERFACE_NAME_MAX + 1], flat[PCI_PATH_STRING_MAX];
        size_t n = strlen(INTERFACE_PREFIX) + pci_path_print(&function->path, PCI_PATH_FLAT, flat);
        int r = child_device_get_interface_name(child, &function->path, name);

        if (r < 0)
                return r;
        *ret = strdup(r > 0 ? name + n : "");
        return *ret ? 1 : -ENOMEM;
}

/* An interface of a bond has the address of the bond. */
static int read_mac(const char *syspath, char buf[static DISK_SERIAL_MAX]) {
        int r;

        r = sysfs_read_attribute(syspath, "bonding_slave/perm_hwaddr", DISK_SERIAL_MAX, buf);
        return r < 0 ? sysfs_read_attribute(syspath, "address", DISK_SERIAL_MAX, buf) : r;
}

/* Return: 1, 0 for a device that the host does not know, or a negative errno. */
static int fill_child(struct guest_device *device) {
        const struct child_device *child = device->child;
        bool is_disk = streq(child->subsystem, "block");
        char label[DISK_SERIAL_MAX];
        int r;

        if ((!is_disk && !streq(child->subsystem, "net")) || child->part > 0 || child->sub_function[0] != '\0')
                return 0;

        device->name = is_disk ? LIST_NAME_DISK : LIST_NAME_INTERFACE;
        r = is_disk ? find_disk_suffix(child, device->function, &device->suffix)
                    : find_interface_suffix(child, device->function, &device->suffix);
        if (r <= 0)
                return r;

        if ((is_disk ? disk_read_serial(child->syspath, label) : read_mac(child->syspath, label)) < 0)
                return 1;
        device->label = strdup(label);
        return device->label ? 1 : -ENOMEM;
}

static int add(struct guest_devices *devices, const struct guest_device *device) {
        if (array_grow(devices->items, devices->n, 1) < 0)
                return -ENOMEM;
        devices->items[devices->n++] = *device;
        return 0;
}

static int add_function(struct guest_devices *devices, const struct function *function) {
        struct guest_device device = { .function = function };
        int r;

        pci_function_get_kind(function->syspath, &device.function_kind);
        device.suffix = strdup("");
        r = device.suffix ? add(devices, &device) : -ENOMEM;
        for (size_t i = 0; i < function->children.n && r >= 0; i++) {
                device.child = &function->children.items[i];
                device.suffix = device.label = NULL;
                r = fill_child(&device);
                if (r > 0)
                        r = add(devices, &device);
                else
                        free(device.suffix);
        }
        return r;
}

/**
 * guest_devices_find() - find the functions that have a path, their disks and their interfaces
 * @ret: to be cleared with guest_devices_clear(); untouched on failure
 *
 * Return: 0, or a negative errno.
 */
int guest_devices_find(const struct enumeration *enumeration, struct guest_devices *ret) {
        struct guest_devices devices = {};
        int r = 0;

        for (size_t i = 0; i < enumeration->n && r >= 0; i++)
                if (enumeration->functions[i]->path.n_hops > 0)
                        r = add_function(&devices, enumeration->functions[i]);
        if (r < 0) {
                guest_devices_clear(&devices);
                return r;
        }
        *ret = devices;
        return 0;
}

/** guest_device_kind() - describe the device in the words of pcipath-host */
const char *guest_device_kind(const struct guest_device *device) {
        if (device->name == LIST_NAME_DISK)
                return strncmp(device->child->name, "/dev/sr", strlen("/dev/sr")) == 0 ? "optical drive" : "disk";
        return device->name == LIST_NAME_INTERFACE ? "network controller" : device->function_kind.name;
}
