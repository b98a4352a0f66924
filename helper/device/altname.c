/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <net/if.h>

#include "alias-name.h"
#include "altname.h"
#include "format-text.h"
#include "rtnl.h"
#include "sysfs.h"
#include "util.h"

/**
 * altname_ask_for_event() - have udevd register the names of an interface again
 * @syspath: the interface, or the link to it in /sys/class/net
 *
 * udev's database records that the interface has the name. This asks the kernel for an event, in which the rules start
 * the helper again (Linux 4.13, kobject_synth_uevent()). Without udevd the event is harmless.
 */
void altname_ask_for_event(const char *syspath) {
        static const char event[] = "change 00000000-0000-0000-0000-000000000000 PCIPATH=1";
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/uevent", syspath) >= (int) sizeof(path))
                return;
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0 && write(fd, event, strlen(event)) < 0)
                return; /* the interface is disappearing */
}

/* Find the interface that has @name among those of the same device, itself included. */
static bool find_sibling(const char *syspath, const char *name, unsigned *ret_ifindex, char beside[static PATH_MAX]) {
        char other[IF_NAMESIZE];

        return rtnl_find_name(name, ret_ifindex) >= 0 && if_indextoname(*ret_ifindex, other) &&
               snprintf(beside, PATH_MAX, "%.*s%s", (int) (strrchr(syspath, '/') + 1 - syspath), syspath, other) <
                       PATH_MAX &&
               sysfs_exists(beside, "uevent");
}

/* Two interfaces that would share a name both lose it. This removes the name from the interface that appeared first. */
static void drop_shared(const char *syspath, const char *name) {
        char beside[PATH_MAX];
        unsigned ifindex;

        if (find_sibling(syspath, name, &ifindex, beside) && rtnl_delete_altname(ifindex, name) >= 0 &&
            !streq(beside, syspath))
                altname_ask_for_event(beside);
}

static int read_ifindex(const char *syspath, unsigned *ret) {
        char text[16];
        int r;

        r = sysfs_read_attribute(syspath, "ifindex", sizeof(text), text);
        if (r >= 0)
                *ret = (unsigned) strtoul(text, NULL, 10);
        return r;
}

static int add_name(unsigned ifindex, const char *name) {
        unsigned owner;
        int r;

        r = rtnl_add_altname(ifindex, name);
        return r == -EEXIST && rtnl_find_name(name, &owner) >= 0 && owner == ifindex ? 0 : r;
}

/**
 * altname_add() - register an interface's alternative name by PCI path, unless it has it already
 * @syspath: the interface, below the directory of its device: SYSPATH/net/NAME
 * @flat: the PCI path of that device's function
 * @name: set when the return value is 0, -ENOTUNIQ or -EEXIST
 *
 * Return: 0, or a negative errno for altname_diagnose().
 */
int altname_add(const char *syspath, const char *flat, char name[static INTERFACE_NAME_MAX + 1]) {
        unsigned ifindex;
        int r;

        r = interface_get_name(syspath, flat, name);
        if (r == -ENOTUNIQ)
                drop_shared(syspath, name);
        if (r < 0)
                return r;
        r = read_ifindex(syspath, &ifindex);
        return r < 0 ? r : add_name(ifindex, name);
}

/*
 * An interface that has a port can have got the alias of its function while it was the only one. Removes the alias from
 * it. Return: has it had the alias?
 */
static bool take_from_sibling(const char *syspath, const char *alias) {
        char beside[PATH_MAX];
        unsigned ifindex;

        if (!find_sibling(syspath, alias, &ifindex, beside) || !interface_has_port(beside) ||
            rtnl_delete_altname(ifindex, alias) < 0)
                return false;
        altname_ask_for_event(beside);
        return true;
}

/**
 * altname_add_alias() - register an alias of an interface, unless it has it already
 *
 * Return: 0, or a negative errno for altname_diagnose().
 */
int altname_add_alias(const char *syspath, const char *alias) {
        unsigned ifindex;
        int r;

        r = read_ifindex(syspath, &ifindex);
        if (r >= 0)
                r = add_name(ifindex, alias);
        return r == -EEXIST && take_from_sibling(syspath, alias) ? add_name(ifindex, alias) : r;
}

/** altname_remove_alias() - remove an alias from an interface, or from one that shared it, if one of them has it */
void altname_remove_alias(const char *syspath, const char *alias) {
        unsigned ifindex, owner;

        if (read_ifindex(syspath, &ifindex) >= 0 && rtnl_find_name(alias, &owner) >= 0 && owner == ifindex)
                (void) rtnl_delete_altname(ifindex, alias);
        else
                (void) take_from_sibling(syspath, alias);
}

/**
 * altname_read_aliases() - read the aliases of an interface from the table of "pcipath alias --apply"
 * @name: of the interface by PCI path
 * @ret: they are appended
 *
 * Return: 0, also when there is no table, or a negative errno.
 */
int altname_read_aliases(const char *name, struct string_list *ret) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0, n = strlen(name);
        FILE *f;
        int r = 0;

        f = fopen(ALIAS_TABLE, "re");
        if (!f)
                return errno == ENOENT ? 0 : negative_errno();
        while (r >= 0 && getline(&line, &size, f) >= 0) {
                char *alias = line + n + 1;

                if (strncmp(line, name, n) != 0 || line[n] != ' ')
                        continue;
                alias[strcspn(alias, "\n")] = '\0';
                if (!alias_name_find_fault(alias, strlen(alias)))
                        r = string_list_add(ret, alias);
        }
        fclose(f);
        return r;
}

/**
 * altname_diagnose() - explain why an interface has no name by PCI path
 * @name: as set by altname_add()
 * @error: as returned by altname_add()
 * @ret: one line without a newline, to be freed; NULL when the interface is gone or in another network namespace
 *
 * Return: 0, or -ENOMEM.
 */
int altname_diagnose(const char *syspath, const char *name, int error, char **ret) {
        const char *ifname = strrchr(syspath, '/') + 1;
        char owner[IF_NAMESIZE] = "?";
        unsigned ifindex;

        *ret = NULL;
        switch (error) {
        case -ENODEV:
        case -ENOENT:
                return 0;
        case -ENOTUNIQ:
                return format_text(ret, "%s: the name %s is ambiguous: another interface of the same device would have "
                                        "it too; neither gets it",
                                   ifname, name);
        case -ENAMETOOLONG:
                return format_text(ret, "%s: the name by PCI path would be longer than %d bytes: no name is added",
                                   ifname, INTERFACE_NAME_MAX);
        case -EBADMSG:
                return format_text(ret, "%s: phys_port_name contains characters that are not allowed in an interface "
                                        "name: no name is added",
                                   ifname);
        case -EEXIST:
                if (rtnl_find_name(name, &ifindex) < 0 || !if_indextoname(ifindex, owner))
                        strcpy(owner, "?");
                return format_text(ret, "%s: another interface has the name %s: %s", ifname, name, owner);
        default:
                return format_text(ret, "%s: cannot add the name by PCI path: %s", ifname, strerror(-error));
        }
}
