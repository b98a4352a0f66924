/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udev's helper for network interfaces. It registers the name of an interface by PCI path and prints the name as a
 * property. It runs within udev's event, so the name exists when udev has finished with the interface.
 *
 * AlternativeName= in a .link file is not used, for three reasons. systemd applies only the first .link file that
 * matches, with all its settings of names. With net.ifnames=0, and in udevd without .link files, no alternative names
 * are set. systemd 252 sends all names in one request, which the kernel rejects as a whole if it rejects one name.
 */

#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>

#include "alias-name.h"
#include "altname.h"
#include "exit-status.h"
#include "format-text.h"
#include "rtnl.h"
#include "util.h"

/*
 * udevd shows the output of a program only when it logs at debug level. So the line also goes to the kernel's log,
 * which exists in an initramfs, too, with the facility "daemon" and the level "warning" (syslog(3)).
 */
#define KMSG_PREFIX "<28>"

static _printf_(2, 3) int log_error(int status, const char *format, ...) {
        char line[1024] = KMSG_PREFIX "pcipath_altname: ", *shown = line + strlen(KMSG_PREFIX);
        size_t n = strlen(line), size = sizeof(line) - 1;
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int fd = -1;
        va_list ap;

        va_start(ap, format);
        (void) format_text_va(&text, format, ap);
        va_end(ap);
        encode_text(text ?: "out of memory", ENCODE_ASCII, NULL, line + n, size - n);
        strcat(line, "\n");

        fputs(shown, stderr);
        fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        /* A single write, without stdio, which would seek. */
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

/* udevd leaves alternative names to the kernel, so a package that is removed has to take them away. */
static int remove_name(const char *name) {
        unsigned ifindex;
        int r;

        r = rtnl_find_name(name, &ifindex);
        if (r >= 0)
                r = rtnl_delete_altname(ifindex, name);
        if (r < 0 && r != -ENODEV)
                return log_error(EXIT_FAILED, "%s: cannot remove the alternative name: %s", name, strerror(-r));
        return EXIT_DONE;
}

static int print_line(const char *text) {
        return puts(text) >= 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* The buffer of udev for a property that rules append to (systemd src/udev/udev-rules.c, UDEV_PATH_SIZE, 252). */
#define UNITS_MAX 1023
#define UNIT_PREFIX "/sys/subsystem/net/devices/"

/* An interface that shares its name by PCI path has no aliases either. */
static void remove_aliases(const char *syspath, const char *name) {
        _cleanup_string_list_ struct string_list aliases = {};

        (void) altname_read_aliases(name, &aliases);
        for (size_t i = 0; i < aliases.n; i++)
                altname_remove_alias(syspath, aliases.items[i]);
}

/*
 * Reads the aliases of an interface that has a port, but whose port they do not say. Several interfaces of one device
 * get none of them. Return: 0, -ENOTUNIQ, or another negative errno.
 */
static int read_bare_aliases(const char *syspath, const char *flat, struct string_list *ret) {
        _cleanup_string_list_ struct string_list aliases = {};
        char bare[INTERFACE_NAME_MAX + 1];
        int r, shared;

        shared = interface_get_bare_name(syspath, flat, bare);
        if (shared > 0)
                return altname_read_aliases(bare, ret);
        if (shared != -ENOTUNIQ)
                return 0;

        r = altname_read_aliases(bare, &aliases);
        if (r < 0 || aliases.n == 0)
                return r;
        remove_aliases(syspath, bare);
        log_error(0, "%s: the target of the alias '%s' has several interfaces: none of them gets it. Add a port to "
                     "the target, as in pcipath-aliases(5)",
                  strrchr(syspath, '/') + 1, aliases.items[0]);
        return -ENOTUNIQ;
}

/* Most names end with the path, or with a sub-function. So most interfaces are not read again. */
static bool has_port(const char *name, const char *flat) {
        static const char ports[] = { INTERFACE_PORT_NAME, INTERFACE_PORT_NUMBER, '\0' };

        return strpbrk(name + strlen(INTERFACE_PREFIX) + strlen(flat), ports);
}

/* Registers the aliases and prints properties for the rules: units for systemd, and whether an alias is missing. */
static void add_aliases(const char *syspath, const char *flat, const char *name) {
        _cleanup_string_list_ struct string_list aliases = {};
        char units[UNITS_MAX + 1] = "", *end = units;
        int r, missing;

        missing = altname_read_aliases(name, &aliases);
        if (missing >= 0 && has_port(name, flat))
                missing = read_bare_aliases(syspath, flat, &aliases);
        if (missing < 0 && missing != -ENOTUNIQ)
                log_error(0, ALIAS_TABLE ": %s", strerror(-missing));
        for (size_t i = 0; i < aliases.n; i++) {
                r = altname_add_alias(syspath, aliases.items[i]);
                if (r < 0) {
                        missing = r;
                        (void) explain(syspath, aliases.items[i], r);
                } else if ((size_t) (end - units) + strlen(UNIT_PREFIX) + strlen(aliases.items[i]) + 1 <= UNITS_MAX)
                        end += sprintf(end, "%s" UNIT_PREFIX "%s", end > units ? " " : "", aliases.items[i]);
        }

        if (end > units)
                printf("ID_PCI_ALIAS_UNITS=%s\n", units);
        if (missing < 0)
                puts("ID_PCI_ALIAS_MISSING=1");
}

static int help(void) {
        return print_line("pcipath_altname FLAT\n"
                          "pcipath_altname --remove NAME\n"
                          "\n"
                          "Add the alternative name by PCI path and the aliases to the network interface in\n"
                          "$DEVPATH, and print properties for udev. FLAT is the interface's PCI path in the\n"
                          "flat format.\n"
                          "\n"
                          "     --remove   Remove the alternative name NAME from its interface\n"
                          "  -h --help     Show this help\n"
                          "     --version  Show the version\n"
                          "\n"
                          "See pcipath_id(8) and pcipath-names(7).");
}

int main(int argc, char **argv) {
        char syspath[PATH_MAX], name[INTERFACE_NAME_MAX + 1] = "";
        const char *devpath, *ifname, *wanted;
        int r;

        if (argc == 3 && streq(argv[1], "--remove"))
                return remove_name(argv[2]);
        if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h")))
                return help();
        if (argc == 2 && streq(argv[1], "--version"))
                return print_line("pcipath " PROJECT_VERSION);

        devpath = getenv("DEVPATH");
        if (argc != 2 || !devpath || !strchr(devpath, '/') ||
            snprintf(syspath, sizeof(syspath), "/sys%s", devpath) >= (int) sizeof(syspath))
                return log_error(EXIT_USAGE, "$DEVPATH and a PCI path in the flat format are required. "
                                             "Try 'pcipath_altname --help'.");
        ifname = strrchr(syspath, '/') + 1;

        r = altname_add(syspath, argv[1], name);
        if (r == -ENOTUNIQ)
                remove_aliases(syspath, name);
        if (r < 0)
                return explain(syspath, name, r);

        wanted = getenv("pcipath.ifnames");
        if (wanted && streq(wanted, "1") && strlen(name) >= IF_NAMESIZE)
                log_error(0, "%s: %s is longer than %d bytes: it is only an alternative name", ifname, name,
                          IF_NAMESIZE - 1);

        printf("ID_NET_NAME_PCI_PATH=%s\n", name);
        add_aliases(syspath, argv[1], name);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
