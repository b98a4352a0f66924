/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * USB storage: the ports from the root hub to the device, and its interface. The suffix is that of handle_usb() in
 * systemd's path_id.
 *
 * A USB 3 controller has two root hubs, one for each speed. Usually the two ports with the same number are the two
 * halves of one socket, which takes one device. The firmware can declare them as separate sockets; two devices would
 * then have the same name. The kernel knows which ports are halves of a socket (drivers/usb/core/port.c,
 * find_and_link_peer(), since Linux 3.16). Unless it reports two ports of the same number as such, the disks get no
 * name.
 */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "disk-suffix-internal.h"
#include "sysfs.h"

struct usb_suffix {
        uint64_t bus;     /* the root hub is usbBUS */
        uint64_t port;    /* of the root hub */
        const char *text; /* the device's name from the first port on */
};

/* BUS-PORT[.PORT]…:CONFIGURATION.INTERFACE, the name of a usb_interface (Linux drivers/usb/core/message.c). */
static int parse_usb_interface(const char *sysname, struct usb_suffix *ret) {
        struct usb_suffix suffix;
        uint64_t number;

        if (parse_number(&sysname, '-', UINT_MAX, &suffix.bus) < 0)
                return -EBADMSG;
        suffix.text = sysname;
        suffix.port = strtoull(sysname, NULL, 10); /* validated by the loop below */

        while (parse_number(&sysname, ':', UINT8_MAX, &number) < 0)
                if (parse_number(&sysname, '.', UINT8_MAX, &number) < 0)
                        return -EBADMSG;
        if (parse_number(&sysname, '.', UINT8_MAX, &number) < 0 || parse_number(&sysname, '\0', UINT8_MAX, &number) < 0)
                return -EBADMSG;

        *ret = suffix;
        return 0;
}

/* Move up from an interface to the topmost USB device, the root hub. @controller: the device above. */
static int find_root_hub(struct ancestor *a, struct ancestor *controller) {
        int r;

        for (;;) {
                *controller = *a;
                r = ancestor_move_up(controller);
                if (r < 0 || !streq(controller->subsystem, "usb"))
                        return r;
                *a = *controller;
        }
}

/* Does root hub usb@bus have a port @suffix->port that is not the other half of the same socket? */
static int port_is_another(const char *controller, uint64_t bus, const struct usb_suffix *suffix) {
        char port[PATH_MAX], theirs[64], peer[NAME_MAX + 1];
        int r;

        snprintf(theirs, sizeof(theirs), "usb%" PRIu64 "-port%" PRIu64, bus, suffix->port);
        if (snprintf(port, sizeof(port), "%s/usb%" PRIu64 "/%" PRIu64 "-0:1.0", controller, bus, bus) >=
            (int) sizeof(port))
                return -ENAMETOOLONG;
        if (!sysfs_exists(port, theirs))
                return 0;

        if (snprintf(port, sizeof(port), "%s/usb%" PRIu64 "/%" PRIu64 "-0:1.0/usb%" PRIu64 "-port%" PRIu64, controller,
                     suffix->bus, suffix->bus, suffix->bus, suffix->port) >= (int) sizeof(port))
                return -ENAMETOOLONG;
        r = sysfs_read_link_name(port, "peer", peer);
        if (r < 0)
                return errno_is_absent(r) ? 1 : r;
        return !streq(peer, theirs);
}

/*
 * Return: 1 when another root hub of the function has a port of the same number for another device, 0, or a negative
 * errno.
 */
static int name_is_shared(const char *controller, const struct usb_suffix *suffix) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        uint64_t bus;
        int r;

        dir = opendir(controller);
        if (!dir)
                return negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                const char *number = entry->d_name + strlen("usb");

                if (strncmp(entry->d_name, "usb", strlen("usb")) != 0 ||
                    parse_number(&number, '\0', UINT_MAX, &bus) < 0 || bus == suffix->bus)
                        continue;
                r = port_is_another(controller, bus, suffix);
                if (r != 0)
                        return r;
        }
        return r;
}

/* A USB interface. The search for the function continues at the root hub. */
int suffix_usb(struct ancestor *a, struct disk_suffix *p) {
        char name[NAME_MAX + 1], devtype[sizeof("usb_interface")];
        struct ancestor controller;
        struct usb_suffix suffix;
        int r;

        r = sysfs_read_property(a->syspath, "DEVTYPE", sizeof(devtype), devtype);
        if (r < 0 || !streq(devtype, "usb_interface"))
                return r < 0 && r != -ENOBUFS ? r : 0;
        strcpy(name, ancestor_get_name(a));
        r = parse_usb_interface(name, &suffix);
        if (r >= 0)
                r = find_root_hub(a, &controller);
        if (r < 0)
                return r;
        r = name_is_shared(controller.syspath, &suffix);
        if (r != 0)
                return r < 0 ? r : 0;

        return suffix_prepend(p, SUFFIX_USB "0:%s", suffix.text);
}
