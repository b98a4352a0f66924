/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A network interface has its function's PCI path for a name, and its port where a function has several: the port's
 * name, or its number if that is not 0, in the words of systemd's net_id (src/udev/udev-builtin-net_id.c, version 252
 * and later). Only its word for the representor of a virtual function is not used, 'r' and a number since version 255:
 * it does not say of which physical function. The port's name does.
 *
 * Nothing but sysfs is read, and no sd-device: this runs for each interface of a boot.
 */

#include <stdio.h>

#include "interface-name.h"
#include "sub-function.h"
#include "sysfs.h"
#include "util.h"

/* systemd's ifname_valid(): what the kernel takes for a name, and what tools can cope with. */
static bool is_legal(const char *name) {
        for (const char *c = name; *c != '\0'; c++)
                if (*c <= ' ' || *c > '~' || strchr(":/%", *c))
                        return false;

        return true;
}

/* Most drivers have no names for ports: the attribute cannot be read then, or is not there (before Linux 4.1). */
static int read_port_name(const char *syspath, size_t size, char buf[static size]) {
        size_t n;
        int r;

        r = sysfs_read_lines(syspath, "phys_port_name", size, buf);
        if (r < 0) {
                buf[0] = '\0';
                return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
        }

        /* The last newline is sysfs's, any other byte the driver's. */
        n = strlen(buf);
        if (n > 0 && buf[n - 1] == '\n')
                buf[n - 1] = '\0';
        return 0;
}

/* Counted from 0 (Linux 3.15). Empty for 0. */
static int read_port_number(const char *syspath, size_t size, char buf[static size]) {
        int r;

        r = sysfs_read_attribute(syspath, "dev_port", size, buf);
        if (r < 0 || streq(buf, "0")) {
                buf[0] = '\0';
                return r == -ENOENT ? 0 : r;
        }
        return buf[strspn(buf, "0123456789")] == '\0' ? 0 : -EBADMSG;
}

/* What is too long for @buf is cut off, and too long for a name as well. */
static int read_port(const char *syspath, char buf[static INTERFACE_NAME_MAX + 1]) {
        int r;

        r = read_port_name(syspath, INTERFACE_NAME_MAX, buf + 1);
        buf[0] = 'n';
        if (r >= 0 && buf[1] == '\0') {
                r = read_port_number(syspath, INTERFACE_NAME_MAX, buf + 1);
                buf[0] = buf[1] == '\0' ? '\0' : 'd';
        }
        return r;
}

/* One that is just going has no port. */
static int has_port(const char *syspath, const char *name, void *userdata) {
        char port[INTERFACE_NAME_MAX + 1];

        (void) name;
        return read_port(syspath, port) >= 0 && streq(port, userdata);
}

/* "S88" of an interface of a sub-function, empty for any other. Return: 0, or a negative errno. */
static int read_sub_function(const char *syspath, char buf[static SUB_FUNCTION_MAX + 2]) {
        char device[PATH_MAX];
        int r;

        if (snprintf(device, sizeof(device), "%s/device", syspath) >= (int) sizeof(device))
                return -ENAMETOOLONG;
        buf[0] = 'S';
        r = sub_function_read(device, buf + 1);
        if (r <= 0)
                buf[0] = '\0';
        return r < 0 ? r : 0;
}

/**
 * interface_get_name() - what an interface is called by its PCI path
 * @syspath: below that of the device which the interface is of, SYSPATH/net/NAME
 * @flat: the PCI path of that device's function
 * @buf: set when the return value is 0 or -ENOTUNIQ
 *
 * Return: 0, -ENOTUNIQ when another interface would have the same name, -ENAMETOOLONG, -EBADMSG when the driver's word
 * for the port cannot be in a name, or the errno of an attribute that cannot be read.
 */
int interface_get_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]) {
        char port[INTERFACE_NAME_MAX + 1], name[INTERFACE_NAME_MAX + 1], sub_function[SUB_FUNCTION_MAX + 2];
        int r;

        r = read_sub_function(syspath, sub_function);
        if (r >= 0)
                r = read_port(syspath, port);
        if (r < 0)
                return r;
        if (!is_legal(port))
                return -EBADMSG;
        if (snprintf(name, sizeof(name), INTERFACE_PREFIX "%s%s%s", flat, sub_function, port) >= (int) sizeof(name))
                return -ENAMETOOLONG;
        r = sysfs_for_each_sibling(syspath, has_port, port);
        if (r < 0)
                return r;

        strcpy(buf, name);
        return r > 0 ? -ENOTUNIQ : 0;
}
