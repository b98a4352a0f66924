/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the manager asks of one device: its links by PCI path, and those by what is on it.
 */

#include <stdio.h>
#include <sys/inotify.h>
#include <systemd/sd-device.h>

#include "altname.h"
#include "pci-function.h"
#include "devlinks.h"
#include "filesystems.h"
#include "manager.h"
#include "device-names.h"
#include "nvme.h"
#include "readiness.h"

static bool lists_are_equal(const struct string_list *a, const struct string_list *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!streq(a->items[i], b->items[i]))
                        return false;
        return true;
}

/* Takes over @list. */
static void set_links(struct device *device, struct string_list *links, struct string_list *list) {
        device->is_changed = device->is_changed || !lists_are_equal(links, list);
        string_list_clear(links);
        *links = *list;
        *list = (struct string_list){};
}

/* An interface that has its name keeps it. One that has none may be given it later, when another has let go of it. */
static int name_interface(struct manager *m, struct device *device, sd_device *sd) {
        _cleanup_string_list_ struct string_list links = {};
        char name[INTERFACE_NAME_MAX + 1] = "", flat[PCI_PATH_STRING_MAX];
        _cleanup_names_ struct names names = {};
        _cleanup_free_ char *text = NULL;
        int r;

        device->is_there = true;
        if (device->links.n > 0 || !m->want_interfaces)
                return 0;
        r = device_has_interface_name(sd);
        if (r > 0)
                r = device_get_names(sd, &names);
        if (r < 0 || names.n != 1)
                return r;
        pci_path_print(&names.items[0].path, PCI_PATH_FLAT, flat);

        if (m->dry_run) {
                printf("name %s\n", device->name);
                return 0;
        }
        r = altname_add(device->syspath, flat, name);
        device->is_read = true;
        if (r >= 0)
                r = string_list_add(&links, name);
        if (r >= 0)
                set_links(device, &device->links, &links);
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

/* For who is told of it, also when it has gone. */
static int find_path(struct device *device) {
        _cleanup_device_ sd_device *function = NULL;
        char text[PCI_PATH_STRING_MAX] = "";
        struct pci_path path;
        int r;

        r = sd_device_new_from_syspath(&function, device->function);
        if (r >= 0)
                r = pci_function_get_path(function, &path);
        if (r >= 0)
                pci_path_print(&path, PCI_PATH_CANONICAL, text);

        free(device->path);
        device->path = strdup(text);
        return device->path ? 0 : -ENOMEM;
}

static void explain(struct manager *m, const struct device *device, int error) {
        if (error == -ENAMETOOLONG)
                manager_note(m, "%s: the name of its link would have more than %d bytes, not made", device->name, LINK_NAME_MAX);
        else if (error == -E2BIG || error == -EBADMSG)
                manager_note(m, "%s: its place in the device tree has no name", device->name);
        else if (error < 0 && !errno_is_absent(error))
                manager_error(m, "%s: cannot read the device: %s", device->name, strerror(-error));
}

/* What cannot be known of its node stays as it was. Return: as child_device_has_node(). */
static int find_node(struct device *device, const struct child_device *u) {
        int r = child_device_has_node(u);

        if (r >= 0)
                device->is_there = r > 0;
        return r;
}

/*
 * Does this say that the device is going? Its node goes first (drivers/base/core.c, device_del()), but what it hangs on can have
 * lost its subsystem before that, as a SCSI device has when it lets go of its disk. A disk that has a link keeps it while it is
 * there; only a multipath head's paths come and go.
 */
static bool is_going(const struct device *device, bool is_head, const struct string_list *links, int error) {
        if (!device->is_there)
                return true;
        if (device->links.n == 0)
                return false;
        return error == -EBADMSG || errno_is_absent(error) || (links->n == 0 && !is_head && streq(device->subsystem, "block"));
}

/* Return: 0, also when it has none, or a negative errno. */
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

        node = find_node(device, u);
        if (node < 0)
                return node;
        if (is_going(device, is_head, &links, r < 0 ? r : left_out))
                return 0;
        if (r < 0)
                return r;
        explain(m, device, left_out);
        set_links(device, &device->links, &links);
        return 0;
}

/**
 * device_find_links() - those by PCI path; an interface gets its name
 *
 * What has no node has none, and keeps those it had for who is told that it has gone.
 *
 * Return: 0, also when it is gone, has no name or cannot be read, or -ENOMEM.
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

/**
 * device_read_content() - find out what is on a disk, and its links by that
 *
 * Return: 0, also when it is not there or cannot be read, or -ENOMEM.
 */
int device_read_content(struct manager *m, struct device *device) {
        _cleanup_filesystem_ struct filesystem filesystem = {};
        _cleanup_string_list_ struct string_list links = {};
        _cleanup_close_ int fd = -1;
        int r;

        /* Before it is read: what is written from now on is told. */
        if (m->watch_fd >= 0 && device->watch < 0)
                device->watch = inotify_add_watch(m->watch_fd, device->name, IN_CLOSE_WRITE);

        fd = filesystem_open(device->name);
        if (errno_is_absent(fd))
                return 0; /* the kernel has not finished with it, and will tell */
        device->is_read = true;

        r = fd < 0 ? fd : filesystem_probe(fd, &filesystem);
        if (r > 0)
                r = filesystem_get_links(&filesystem, &links);
        if (r == -ENOMEM)
                return r;
        if (r == -ENOTUNIQ)
                manager_note(m, "%s: it looks like two different things at once, so it has no link by what is on it",
                                 device->name);
        else if (r < 0 && r != -ENOMEDIUM)
                manager_error(m, "%s: cannot read what is on it: %s", device->name, strerror(-r));

        set_links(device, &device->content, &links);
        return 0;
}

/** device_has_content() - is it a disk or partition that is to be read? udev's rules leave out the boot partitions of an MMC. */
bool device_has_content(const struct device *device) {
        return device->is_there && streq(device->subsystem, "block") &&
               (strncmp(device->name, "/dev/mmcblk", 11) != 0 || !strstr(device->name, "boot"));
}

