/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The name of a network interface is its function's PCI path, with a port suffix where a function has several ports.
 * The suffix is the port's name, or its number unless that is 0, as in systemd's net_id
 * (src/udev/udev-builtin-net_id.c, version 252 and later). systemd 255's suffix for the representor of a virtual
 * function, 'r' and a number, is not used: it does not identify the physical function. The port's name does.
 *
 * Only sysfs is read, without sd-device, because this runs for each interface of a boot.
 */

#include <stdio.h>

#include "interface-name.h"
#include "sub-function.h"
#include "sysfs.h"
#include "util.h"

/* As systemd's ifname_valid(): characters that the kernel accepts and tools can handle. */
static bool is_legal(const char *name) {
        for (const char *c = name; *c != '\0'; c++)
                if (*c <= ' ' || *c > '~' || strchr(":/%", *c))
                        return false;

        return true;
}

/* Most drivers do not name ports: the attribute cannot be read, or is missing (before Linux 4.1). */
static int read_port_name(const char *syspath, size_t size, char buf[static size]) {
        size_t n;
        int r;

        r = sysfs_read_lines(syspath, "phys_port_name", size, buf);
        if (r < 0) {
                buf[0] = '\0';
                return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
        }

        /* sysfs adds the last newline. Any other byte comes from the driver. */
        n = strlen(buf);
        if (n > 0 && buf[n - 1] == '\n')
                buf[n - 1] = '\0';
        return 0;
}

/* The port number, counted from 0 (Linux 3.15). Empty for 0. */
static int read_port_number(const char *syspath, size_t size, char buf[static size]) {
        int r;

        r = sysfs_read_attribute(syspath, "dev_port", size, buf);
        if (r < 0 || streq(buf, "0")) {
                buf[0] = '\0';
                return r == -ENOENT ? 0 : r;
        }
        return buf[strspn(buf, "0123456789")] == '\0' ? 0 : -EBADMSG;
}

/* Text too long for @buf is truncated. It is too long for a name as well. */
static int read_port(const char *syspath, char buf[static INTERFACE_NAME_MAX + 1]) {
        int r;

        r = read_port_name(syspath, INTERFACE_NAME_MAX, buf + 1);
        buf[0] = INTERFACE_PORT_NAME;
        if (r >= 0 && buf[1] == '\0') {
                r = read_port_number(syspath, INTERFACE_NAME_MAX, buf + 1);
                buf[0] = buf[1] == '\0' ? '\0' : INTERFACE_PORT_NUMBER;
        }
        return r;
}

/*
 * The attributes of an interface that disappears or is renamed look like those of one without a port, and a renamed one
 * can be found as its own neighbour.
 */
static bool is_gone(const char *syspath) {
        return sysfs_exists(syspath, "uevent") == 0;
}

static int has_port(const char *syspath, const char *name, void *userdata) {
        char port[INTERFACE_NAME_MAX + 1];

        (void) name;
        return read_port(syspath, port) >= 0 && streq(port, userdata) && !is_gone(syspath);
}

/* "S88" for an interface of a sub-function, empty for any other. Return: 0, or a negative errno. */
static int read_sub_function(const char *syspath, char buf[static SUB_FUNCTION_MAX + 2]) {
        char device[PATH_MAX];
        int r;

        if (snprintf(device, sizeof(device), "%s/device", syspath) >= (int) sizeof(device))
                return -ENAMETOOLONG;
        buf[0] = INTERFACE_SUB_FUNCTION;
        r = sub_function_read(device, buf + 1);
        if (r <= 0)
                buf[0] = '\0';
        return r < 0 ? r : 0;
}

/**
 * interface_get_name() - make the name of an interface by PCI path
 * @syspath: the interface, below the directory of its device: SYSPATH/net/NAME
 * @flat: the PCI path of that device's function
 * @buf: set when the return value is 0 or -ENOTUNIQ
 *
 * Return: 0, -ENOTUNIQ when another interface would have the same name, -ENAMETOOLONG, -EBADMSG when the driver's name
 * of the port is not allowed in a name, -ENODEV when it has been removed or renamed, or the errno of an attribute that
 * cannot be read.
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
        if (r > 0 && is_gone(syspath))
                r = -ENODEV;
        if (r < 0)
                return r;

        strcpy(buf, name);
        return r > 0 ? -ENOTUNIQ : 0;
}

/** interface_has_port() - does the driver give a name or a number to the port of the interface? */
bool interface_has_port(const char *syspath) {
        char port[INTERFACE_NAME_MAX + 1];

        return read_port(syspath, port) >= 0 && port[0] != '\0';
}

struct others {
        bool any, without_port;
};

static int add_other(const char *syspath, const char *name, void *userdata) {
        struct others *others = userdata;
        bool with_port = interface_has_port(syspath);

        (void) name;
        if (is_gone(syspath))
                return 0;
        others->any = true;
        others->without_port = others->without_port || !with_port;
        return 0;
}

/**
 * interface_get_bare_name() - make the name by PCI path without the port, of an interface that has a port
 * @syspath: the interface, below the directory of its device: SYSPATH/net/NAME
 * @flat: the PCI path of that device's function
 * @buf: set when the return value is 1 or -ENOTUNIQ
 *
 * Nobody has this name, but an alias that does not say the port means the interface if it is the only one.
 *
 * Return: 1 when it is, -ENOTUNIQ when all of several interfaces have ports, 0 when it has no port or another one has
 * none, -ENODEV when it has been removed or renamed, or the errno of an attribute that cannot be read.
 */
int interface_get_bare_name(const char *syspath, const char *flat, char buf[static INTERFACE_NAME_MAX + 1]) {
        char port[INTERFACE_NAME_MAX + 1], sub_function[SUB_FUNCTION_MAX + 2];
        struct others others = {};
        int r;

        r = read_port(syspath, port);
        if (r < 0 || port[0] == '\0')
                return r;
        r = read_sub_function(syspath, sub_function);
        if (r >= 0)
                r = sysfs_for_each_sibling(syspath, add_other, &others);
        if (r >= 0 && others.any && is_gone(syspath))
                r = -ENODEV;
        if (r < 0 || others.without_port ||
            snprintf(port, sizeof(port), INTERFACE_PREFIX "%s%s", flat, sub_function) >= (int) sizeof(port))
                return r;

        strcpy(buf, port);
        return others.any ? -ENOTUNIQ : 1;
}

/**
 * interface_print_name() - make the name by PCI path of an interface, which need not exist
 * @sub_function: its number, or empty
 * @port: "np0", "d1", or empty
 *
 * Return: the length of the name, which can be @size or more.
 */
int interface_print_name(const struct pci_path *path, const char *sub_function, const char *port, size_t size,
                         char buf[static size]) {
        const char before[] = { sub_function[0] != '\0' ? INTERFACE_SUB_FUNCTION : '\0', '\0' };
        char flat[PCI_PATH_STRING_MAX];

        pci_path_print(path, PCI_PATH_FLAT, flat);
        return snprintf(buf, size, INTERFACE_PREFIX "%s%s%s%s", flat, before, sub_function, port);
}
