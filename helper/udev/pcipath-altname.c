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

#include "altname.h"
#include "encode.h"
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

static _printf_(2, 3) int log_error(int status, const char *format, ...) {
        char text[1024], line[sizeof(text)] = KMSG_PREFIX "pcipath_altname: ", *shown = line + strlen(KMSG_PREFIX);
        size_t n = strlen(line), size = sizeof(line) - 1;
        _cleanup_close_ int fd = -1;
        va_list ap;

        va_start(ap, format);
        vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        encode_text(text, ENCODE_ASCII, NULL, line + n, size - n);
        strcat(line, "\n");

        fputs(shown, stderr);
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        /* In one write, and not by stdio, which would want to seek. */
        if (fd >= 0 && write(fd, line, strlen(line)) < 0)
                fputs("pcipath_altname: cannot write to /dev/kmsg\n", stderr);
        return status;
}

static int explain(const char *syspath, const char *name, int error) {
        _cleanup_free_ char *text = NULL;

        if (altname_diagnose(syspath, name, error, &text) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        return text ? log_error(EXIT_FAILED, "%s", text) : EXIT_FAILED;
}

int main(int argc, char **argv) {
        char syspath[PATH_MAX], name[INTERFACE_NAME_MAX + 1] = "";
        const char *devpath, *ifname, *wanted;
        int r;

        devpath = getenv("DEVPATH");
        if (argc != 2 || !devpath || !strchr(devpath, '/') ||
            snprintf(syspath, sizeof(syspath), "/sys%s", devpath) >= (int) sizeof(syspath))
                return log_error(EXIT_USAGE, "not started by udev's rules: it needs $DEVPATH and a PCI path in its flat form");
        ifname = strrchr(syspath, '/') + 1;

        r = altname_add(syspath, argv[1], name);
        if (r < 0)
                return explain(syspath, name, r);

        wanted = getenv("pcipath.ifnames");
        if (wanted && streq(wanted, "1") && strlen(name) >= IF_NAMESIZE)
                log_error(0, "%s: %s has more than %d bytes, so it stays an alternative name", ifname, name, IF_NAMESIZE - 1);

        printf("ID_NET_NAME_PCI_PATH=%s\n", name);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
