/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udev's helper for network interfaces: gives one its name by PCI path and prints it as a property. It runs within
 * udev's event, so whoever has seen udev finish with the interface finds it by the name.
 *
 * A .link file's AlternativeName= would be the other way. But systemd takes one .link file, the first that matches, and
 * only its word about names; net.ifnames=0 and udevd without .link files have no names at all; and systemd 252 sends all
 * names in one request, which the kernel refuses as a whole for the sake of one.
 */

#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

#include "interface.h"
#include "rtnl.h"
#include "sysfs.h"
#include "util.h"

enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1, /* the interface has no such name */
        EXIT_USAGE = 2,
};

/*
 * udevd shows what a program says only when it is told to debug. So the line goes to the kernel's log as well, which is
 * there in an initramfs, too; with the facility "daemon" and the level "warning" (syslog(3)).
 */
#define KMSG_PREFIX "<28>"

static _printf_(2, 3) int complain(int status, const char *format, ...) {
        char line[1024] = KMSG_PREFIX "pcipath_altname: ", *text = line + strlen(KMSG_PREFIX);
        size_t n = strlen(line), size = sizeof(line) - 1;
        _cleanup_close_ int fd = -1;
        va_list ap;

        va_start(ap, format);
        vsnprintf(line + n, size - n, format, ap);
        va_end(ap);
        for (char *c = text; *c != '\0'; c++)
                if (*c < ' ' || *c > '~')
                        *c = '?';
        strcat(line, "\n");

        fputs(text, stderr);
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        /* In one write, and not by stdio, which would want to seek. */
        if (fd >= 0 && write(fd, line, strlen(line)) < 0)
                fputs("pcipath_altname: cannot write to /dev/kmsg\n", stderr);
        return status;
}

/* What is the name of two interfaces is none: it is taken from the one that came before there was another. */
static int refuse_shared(const char *syspath, const char *ifname, const char *name) {
        char other[IF_NAMESIZE], beside[PATH_MAX];
        unsigned ifindex;

        if (rtnl_find_name(name, &ifindex) >= 0 && if_indextoname(ifindex, other) &&
            snprintf(beside, sizeof(beside), "%s/..", syspath) < (int) sizeof(beside) && sysfs_exists(beside, other))
                (void) rtnl_delete_altname(ifindex, name);

        return complain(EXIT_FAILED, "%s: nothing tells it apart from another interface of its device: %s is the name of "
                        "neither", ifname, name);
}

static int explain(const char *syspath, const char *ifname, const char *name, int r) {
        char owner[IF_NAMESIZE];
        unsigned ifindex;

        switch (r) {
        case -ENOTUNIQ:
                return refuse_shared(syspath, ifname, name);
        case -ENAMETOOLONG:
                return complain(EXIT_FAILED, "%s: its name by PCI path would have more than %d bytes, not made", ifname,
                                INTERFACE_NAME_MAX);
        case -EBADMSG:
                return complain(EXIT_FAILED, "%s: its driver's name for the port has bytes that no name can have, "
                                "no name by PCI path is made", ifname);
        case -EEXIST:
                if (rtnl_find_name(name, &ifindex) < 0 || !if_indextoname(ifindex, owner))
                        strcpy(owner, "?");
                return complain(EXIT_FAILED, "%s: another interface has its name by PCI path, %s: %s", ifname, name, owner);
        case -ENODEV:
        case -ENOENT: /* it is gone, or in another network namespace */
                return EXIT_FAILED;
        default:
                return complain(EXIT_FAILED, "%s: cannot give it a name by PCI path: %s", ifname, strerror(-r));
        }
}

static int give_name(const char *syspath, const char *flat, char name[static INTERFACE_NAME_MAX + 1]) {
        unsigned ifindex, owner;
        char text[16];
        int r;

        r = interface_get_name(syspath, flat, name);
        if (r < 0)
                return r;
        r = sysfs_read_attribute(syspath, "ifindex", sizeof(text), text);
        if (r < 0)
                return r;
        ifindex = (unsigned) strtoul(text, NULL, 10);

        r = rtnl_add_altname(ifindex, name);
        if (r == -EEXIST && rtnl_find_name(name, &owner) >= 0 && owner == ifindex)
                return 0;
        return r;
}

int main(int argc, char **argv) {
        char syspath[PATH_MAX], name[INTERFACE_NAME_MAX + 1] = "";
        const char *devpath, *ifname, *wanted;
        int r;

        devpath = getenv("DEVPATH");
        if (argc != 2 || !devpath || !strchr(devpath, '/') ||
            snprintf(syspath, sizeof(syspath), "/sys%s", devpath) >= (int) sizeof(syspath))
                return complain(EXIT_USAGE, "not started by udev's rules: it needs $DEVPATH and a PCI path in its flat form");
        ifname = strrchr(syspath, '/') + 1;

        r = give_name(syspath, argv[1], name);
        if (r < 0)
                return explain(syspath, ifname, name, r);

        wanted = getenv("pcipath.ifnames");
        if (wanted && streq(wanted, "1") && strlen(name) >= IF_NAMESIZE)
                complain(0, "%s: %s has more than %d bytes, so it stays an alternative name", ifname, name, IF_NAMESIZE - 1);

        printf("ID_NET_NAME_PCI_PATH=%s\n", name);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
