/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pci-function.h"
#include "device-util.h"
#include "devlinks.h"
#include "device-names.h"
#include "node-link.h"
#include "sysfs.h"
#include "util.h"

static int add_vfio_links(const struct names *names, struct string_list *links) {
        char flat[PCI_PATH_STRING_MAX];
        int r = 0;

        for (size_t i = 0; i < names->n && r >= 0; i++)
                if (pci_path_print(&names->items[i].path, PCI_PATH_FLAT, flat) <= LINK_NAME_MAX)
                        r = string_list_join(links, VFIO_DIRECTORY, flat);
        return r;
}

static int add_node_link(sd_device *device, const struct pci_path *path, const char *input_class,
                         struct string_list *links) {
        char link[NODE_LINK_MAX + 1];
        struct ancestor function;
        int r;

        r = device_get_pci_function(device, &function);
        if (r > 0)
                r = device_get_node_link(device, &function, path, input_class, link);
        return r <= 0 ? r : string_list_add(links, link);
}

/* A disk can have one link for each name. A node that is not a disk has one link. */
static int add_links(sd_device *device, const struct names *names, const char *input_class, struct string_list *links,
                     int *left_out) {
        int r = 0;

        for (size_t i = 0; i < names->n; i++) {
                const struct name *name = &names->items[i];

                if (name->link_error < 0)
                        *left_out = name->link_error;
                if (*name->link)
                        r = string_list_join(links, DISK_DIRECTORY, name->link);
                else if (names->n == 1 && name->link_error == 0)
                        r = add_node_link(device, &name->path, input_class, links);
                if (r == -ENAMETOOLONG || r == -EBADMSG)
                        *left_out = r;
                else if (r < 0)
                        return r;
        }

        return 0;
}

/**
 * device_has_interface_name() - is it an interface directly below its function, virtio device or sub-function?
 *
 * Any other interface can be one of several on the same function.
 *
 * Return: 1, 0, or a negative errno.
 */
int device_has_interface_name(sd_device *device) {
        struct ancestor above;
        const char *syspath;
        int r;

        r = device_in_subsystem(device, "net");
        if (r <= 0)
                return r;
        r = sd_device_get_syspath(device, &syspath);
        if (r >= 0)
                r = ancestor_begin(syspath, &above);
        if (r >= 0)
                r = ancestor_move_up(&above);
        if (r >= 0 && streq(above.subsystem, "auxiliary"))
                return sysfs_exists(above.syspath, "sfnum");

        if (r >= 0 && streq(above.subsystem, "virtio"))
                r = ancestor_move_up(&above);
        return r < 0 ? r : streq(above.subsystem, "pci");
}

/**
 * device_get_interface_path() - find the path of the function of an interface that has a name by PCI path
 * @flat: the path in the flat format
 *
 * Return: 1, 0 when the device is no such interface, or a negative errno.
 */
int device_get_interface_path(sd_device *device, char flat[static PCI_PATH_STRING_MAX]) {
        _cleanup_names_ struct names names = {};
        int r;

        r = device_has_interface_name(device);
        if (r > 0)
                r = device_get_names(device, &names);
        if (r < 0 || names.n != 1)
                return r < 0 ? r : 0;
        pci_path_print(&names.items[0].path, PCI_PATH_FLAT, flat);
        return 1;
}

/**
 * device_get_links() - find the links of a device node, as udev's rules make them
 * @names: the names of the device
 * @input_class: as for device_get_node_link()
 * @ret: relative to /dev, "disk/by-pci-path/02.0"; to be cleared with string_list_clear(); untouched on failure
 * @ret_left_out: why a link is not made, as returned by device_get_link_name(), or 0
 *
 * Return: 0, also when there are no links, or a negative errno.
 */
int device_get_links(sd_device *device, const struct names *names, const char *input_class, struct string_list *ret,
                     int *ret_left_out) {
        struct string_list links = {};
        int left_out = 0, r;

        r = device_in_subsystem(device, "vfio");
        if (r >= 0)
                r = r > 0 ? add_vfio_links(names, &links) : add_links(device, names, input_class, &links, &left_out);
        if (r < 0) {
                string_list_clear(&links);
                return r;
        }

        *ret = links;
        *ret_left_out = left_out;
        return 0;
}
