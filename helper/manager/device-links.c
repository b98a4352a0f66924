/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One device: its links by PCI path and by content, or its interface name.
 */

#include <sys/inotify.h>
#include <systemd/sd-device.h>

#include "altname.h"
#include "deadline.h"
#include "pci-function.h"
#include "devlinks.h"
#include "id-links.h"
#include "manager.h"
#include "device-names.h"
#include "nvme.h"
#include "readiness.h"
#include "sysfs.h"

static bool lists_are_equal(const struct string_list *a, const struct string_list *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!streq(a->items[i], b->items[i]))
                        return false;
        return true;
}

/** device_set_links() - replace one of its lists; takes over @list */
void device_set_links(struct device *device, struct string_list *links, struct string_list *list) {
        device->is_changed = device->is_changed || !lists_are_equal(links, list);
        string_list_clear(links);
        *links = *list;
        *list = (struct string_list){};
}

/*
 * An interface that shares its name by PCI path has no aliases either.
 * @name: by PCI path; or without the port
 * @error: of that name
 *
 * Return: 0, also when it cannot be done, or -ENOMEM.
 */
static int update_aliases(struct manager *m, struct device *device, const char *name, int error) {
        for (size_t i = 0; i < m->aliases.n; i++) {
                const struct alias *alias = &m->aliases.items[i];
                _cleanup_free_ char *text = NULL;
                int r = 0;

                if (alias->is_refused || !alias->interface || !streq(alias->interface, name))
                        continue;
                if (error == -ENOTUNIQ)
                        altname_remove_alias(device->syspath, alias->name);
                if (error >= 0)
                        r = altname_add_alias(device->syspath, alias->name);
                if (r < 0 && altname_diagnose(device->syspath, alias->name, r, &text) < 0)
                        return -ENOMEM;
                if (text)
                        manager_error(m, "%s", text);
        }

        return 0;
}

/* Aliases that do not say the port. Return: 0, or -ENOMEM. */
static int update_bare_aliases(struct manager *m, struct device *device, const char *flat) {
        char bare[INTERFACE_NAME_MAX + 1];
        int r;

        r = interface_get_bare_name(device->syspath, flat, bare);
        return r > 0 || r == -ENOTUNIQ ? update_aliases(m, device, bare, r) : 0;
}

/* Return: 0, also when it cannot be done, or -ENOMEM. */
static int give_name(struct manager *m, struct device *device, const char *flat) {
        _cleanup_string_list_ struct string_list links = {};
        char name[INTERFACE_NAME_MAX + 1] = "";
        _cleanup_free_ char *text = NULL;
        int r;

        r = altname_add(device->syspath, flat, name);
        device->is_refused = r == -EEXIST || r == -ENOTUNIQ;
        if (r >= 0)
                r = string_list_add(&links, name);
        device_set_links(device, &device->links, &links);
        if (update_aliases(m, device, name, r) < 0 || update_bare_aliases(m, device, flat) < 0)
                return -ENOMEM;
        if (r >= 0 || r == -ENOMEM)
                return r;

        if (altname_diagnose(device->syspath, name, r, &text) < 0)
                return -ENOMEM;
        if (r == -ENOTUNIQ || r == -ENAMETOOLONG || r == -EBADMSG)
                manager_note(m, "%s", text);
        else if (text)
                manager_error(m, "%s", text);
        return 0;
}

/* Can the alias be one of the interface with this name by PCI path? */
static bool is_alias_of(const struct alias *alias, const char *name) {
        size_t n = alias->interface && !alias->is_refused ? strlen(alias->interface) : 0;

        return n > 0 && strncmp(name, alias->interface, n) == 0 &&
               (name[n] == '\0' || name[n] == INTERFACE_PORT_NAME || name[n] == INTERFACE_PORT_NUMBER);
}

static bool list_has(const struct alias_list *aliases, const struct alias *alias) {
        const struct alias *found = alias_list_find(aliases, alias->name);

        return found && !found->is_refused && found->interface && streq(found->interface, alias->interface);
}

/** device_change_aliases() - remove aliases that an interface no longer has. The next scan adds new ones. */
void device_change_aliases(struct device *device, const struct alias_list *old, const struct alias_list *aliases) {
        for (size_t i = 0; i < old->n && device->links.n > 0; i++)
                if (is_alias_of(&old->items[i], device->links.items[0]) && !list_has(aliases, &old->items[i]))
                        altname_remove_alias(device->syspath, old->items[i].name);
        device->wants_aliases = true;
}

/*
 * An interface that has its name keeps it. One without is tried again at each scan: another interface may have had its
 * name.
 */
static int name_interface(struct manager *m, struct device *device, sd_device *sd) {
        char flat[PCI_PATH_STRING_MAX];
        int r;

        device->is_there = true;
        if ((device->links.n > 0 && !device->wants_aliases) || !m->want_interfaces)
                return 0;
        device->wants_aliases = false;
        r = device_get_interface_path(sd, flat);
        if (r <= 0)
                return r;

        if (!m->dry_run)
                return give_name(m, device, flat);
        report(&m->reporter, REPORT_ACTION, "name %s", device->name);
        return 0;
}

/* Kept for those who are told of the device's removal. */
static int find_path(struct device *device) {
        char text[PCI_PATH_STRING_MAX] = "";
        struct pci_path path;

        if (pci_function_get_path(device->function, &path) >= 0)
                pci_path_print(&path, PCI_PATH_CANONICAL, text);

        free(device->path);
        device->path = strdup(text);
        return device->path ? 0 : -ENOMEM;
}

static void explain(struct manager *m, const struct device *device, int error) {
        if (error == -ENAMETOOLONG)
                manager_note(m, "%s: no link by PCI path: its name would be longer than %d bytes", device->name,
                             LINK_NAME_MAX);
        else if (error == -E2BIG || error == -EBADMSG)
                manager_note(m, "%s: no link by PCI path: no name is defined for its position in the device tree",
                             device->name);
        else if (error < 0 && !errno_is_absent(error))
                manager_error(m, "%s: cannot read the device: %s", device->name, strerror(-error));
}

/* When its node cannot be examined, is_there keeps its value. Return: as child_device_has_node(). */
static int find_node(struct device *device, const struct child_device *u) {
        int r = child_device_has_node(u);

        if (r >= 0)
                device->is_there = r > 0;
        return r;
}

/*
 * Is the device being removed? Its node is removed first (drivers/base/core.c, device_del()), but a device above it can
 * have lost its subsystem before that, as a SCSI device does before its disk goes. A disk that has a link keeps the
 * link while the disk is there; only the paths of an NVMe multipath head come and go.
 */
static bool is_going(const struct device *device, bool is_head, const struct string_list *links, int error) {
        if (!device->is_there)
                return true;
        if (device->links.n == 0)
                return false;
        return error == -EBADMSG || errno_is_absent(error) ||
               (links->n == 0 && !is_head && streq(device->subsystem, "block"));
}

/* Appends the links by alias to those by PCI path, for which is_going() asks. */
static int add_aliases(struct manager *m, struct string_list *links) {
        _cleanup_string_list_ struct string_list by_alias = {};
        int r;

        r = alias_list_get_links(&m->aliases, links, &by_alias);
        for (size_t i = 0; i < by_alias.n && r >= 0; i++)
                r = string_list_add(links, by_alias.items[i]);
        return r;
}

/* Return: 0, also when the device has no links, or a negative errno. */
static int find_links(struct manager *m, struct device *device, sd_device *sd, const struct child_device *u) {
        _cleanup_string_list_ struct string_list links = {};
        _cleanup_names_ struct names names = {};
        int left_out = 0, r, node;
        sd_device *head;
        bool is_head;

        is_head = nvme_head_find(sd, &head) > 0;
        if (is_head && u->part == 0)
                nvme_head_await_paths(head);
        r = device_get_names(sd, &names);
        if (r >= 0)
                r = device_get_links(sd, &names, NULL, &links, &left_out);
        if (r >= 0 && m->aliases.n > 0)
                r = add_aliases(m, &links);

        node = find_node(device, u);
        if (node < 0)
                return node;
        if (is_going(device, is_head, &links, r < 0 ? r : left_out))
                return 0;
        if (r < 0)
                return r;
        explain(m, device, left_out);
        device_set_links(device, &device->links, &links);
        return 0;
}

/**
 * device_find_links() - find its links by PCI path; an interface gets its name
 *
 * A device without a device node wants none, but keeps its list for those who are told of its removal.
 *
 * Return: 0, also when the device is gone, has no name or cannot be read, or -ENOMEM.
 */
int device_find_links(struct manager *m, struct device *device, const struct child_device *u) {
        _cleanup_device_ sd_device *sd = NULL;
        int r;

        r = find_node(device, u);
        if (r == 0)
                return 0;

        if (r > 0)
                r = sd_device_new_from_syspath(&sd, device->syspath);
        if (r >= 0 && streq(device->subsystem, "net"))
                r = name_interface(m, device, sd);
        else if (r >= 0 && manager_wants_names(m))
                r = find_links(m, device, sd, u);
        if (r >= 0 && m->changed && !device->path)
                r = find_path(device);
        if (r == -ENOMEM)
                return r;

        explain(m, device, r);
        return 0;
}

/*
 * Reading a disk that was unplugged fails before the kernel is told of that, for example by a USB hub or a SCSI
 * adapter. So a monitor reads a disk again after this time before it reports a failure.
 */
#define RETRY_NSEC (3 * NSEC_PER_SEC)

static void handle_unreadable(struct manager *m, struct device *device, int error) {
        if (sysfs_exists(device->syspath, "uevent") == 0)
                return;
        if (m->want_retry && device->retry == DEADLINE_NEVER)
                device->retry = deadline_after(RETRY_NSEC);
        if (!m->want_retry || device->retry == 0)
                manager_error(m, "%s: cannot read its content: %s", device->name, strerror(-error));
}

/**
 * device_read_content() - read a disk's content, and find its links by that and by what the disk says of itself
 * @filesystem: closed; may be open then, even if -ENOMEM is returned
 *
 * Return: 0, also when the disk is gone or cannot be read, or -ENOMEM.
 */
int device_read_content(struct manager *m, struct device *device, struct filesystem *filesystem) {
        _cleanup_string_list_ struct string_list links = {};
        int r;

        /* Before the disk is read, so that no later change is missed. */
        if (m->watch_fd >= 0 && device->watch < 0)
                device->watch = inotify_add_watch(m->watch_fd, device->name, IN_CLOSE_WRITE);

        r = filesystem_open(filesystem, device->name);
        if (errno_is_absent(r))
                return 0; /* the kernel has not finished with it, and will send an event */
        device->is_read = true;

        if (r >= 0 && id_links_find(device->syspath, filesystem->fd, &links) < 0)
                return -ENOMEM;
        if (r >= 0)
                r = filesystem_probe(filesystem);
        if (r > 0)
                r = filesystem_get_links(filesystem, &links);
        if (r == -ENOMEM)
                return r;
        if (r < 0 && r != -ENOTUNIQ && r != -ENOMEDIUM)
                handle_unreadable(m, device, r);
        else
                device->retry = DEADLINE_NEVER;
        if (r == -ENOTUNIQ)
                manager_note(m, "%s: no links by content: two different formats were found", device->name);

        device_set_links(device, &device->content, &links);
        return 0;
}

/** device_has_content() - is it a disk or partition to read? udev's rules leave out the boot partitions of an MMC. */
bool device_has_content(const struct device *device) {
        return device->is_there && streq(device->subsystem, "block") &&
               (strncmp(device->name, "/dev/mmcblk", 11) != 0 || !strstr(device->name, "boot"));
}
