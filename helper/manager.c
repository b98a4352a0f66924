/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A look finds out what is there and makes the rest agree with it. It is of the whole machine or of what is below one
 * function; what is asked of a device is the same in both. First come the drivers, then the names, and what is on disks last,
 * since reading it can take its time.
 */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-device.h>

#include "altname.h"
#include "ancestry.h"
#include "command.h"
#include "devlinks.h"
#include "filesystems.h"
#include "inventory.h"
#include "manager.h"
#include "modules.h"
#include "names.h"
#include "nvme.h"
#include "readiness.h"
#include "sysfs.h"

/* A device that comes and goes all the time must not keep us for ever. A disk needs five: each driver finds the next device. */
#define LOOKS_MAX 64

/* Who complains of more than so many things may say one twice. */
#define SAID_MAX 256

/** manager_complain() - say it, but not again at each look */
void manager_complain(struct manager *m, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);

        m->has_failed = true;
        if (n < 0) {
                text = NULL;
                complain(EXIT_FAILED, "out of memory");
                return;
        }
        if (string_list_has(&m->said, text))
                return;
        if (m->said.n >= SAID_MAX)
                string_list_clear(&m->said);
        (void) string_list_add(&m->said, text);
        complain(EXIT_FAILED, "%s", text);
}

static bool wants_names(const struct manager *m) {
        return m->directory || m->changed;
}

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

/* An interface is told its name once; it keeps it. */
static int name_interface(struct manager *m, struct device *device, sd_device *sd) {
        _cleanup_string_list_ struct string_list links = {};
        char name[INTERFACE_NAME_MAX + 1] = "", flat[PCI_PATH_STRING_MAX];
        _cleanup_names_ struct names names = {};
        _cleanup_free_ char *text = NULL;
        int r;

        device->is_there = true;
        if (device->is_read || !m->want_interfaces)
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
        r = altname_give(device->syspath, flat, name);
        device->is_read = true;
        if (r >= 0)
                r = string_list_add(&links, name);
        if (r >= 0)
                set_links(device, &device->links, &links);
        if (r >= 0 || r == -ENOMEM)
                return r;

        r = altname_explain(device->syspath, name, r, &text);
        if (text)
                manager_complain(m, "%s", text);
        return r;
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

/* Return: 0, also when it is gone or has no name, or a negative errno. */
static int name_device(struct manager *m, struct device *device, const struct usable *u) {
        _cleanup_string_list_ struct string_list links = {};
        _cleanup_device_ sd_device *sd = NULL;
        sd_device *head;
        int left_out = 0, r;

        device->is_there = usable_has_node(u);
        r = sd_device_new_from_syspath(&sd, device->syspath);
        if (r >= 0 && streq(device->subsystem, "net"))
                r = name_interface(m, device, sd);
        else if (r >= 0 && wants_names(m)) {
                if (u->part == 0 && nvme_head_find(sd, &head) > 0)
                        nvme_head_await_paths(head);
                r = device_get_links(sd, NULL, &links, &left_out);
                /* What is below a function that is going loses what is above it before it goes itself. */
                if (r == -EBADMSG || left_out == -EBADMSG)
                        r = device->links.n > 0 ? -ENODEV : -EBADMSG;
                if (r >= 0)
                        set_links(device, &device->links, &links);
        }
        if (r >= 0 && m->changed && !device->path)
                r = find_path(device);
        if (r < 0)
                left_out = r;

        if (left_out == -ENAMETOOLONG)
                manager_complain(m, "%s: the name of its link would have more than %d bytes, not made", device->name, LINK_NAME_MAX);
        else if (left_out == -E2BIG || left_out == -EBADMSG)
                manager_complain(m, "%s: its place in the device tree has no name", device->name);
        return r == -E2BIG || r == -EBADMSG || errno_is_absent(r) ? 0 : r;
}

static int take_usables(struct manager *m, const struct usables *usables, const char *function) {
        for (size_t i = 0; i < usables->n; i++) {
                struct device *device;
                int r;

                r = roster_take(m, &usables->items[i], function, &device);
                if (r > 0)
                        r = name_device(m, device, &usables->items[i]);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void complain_of_module(const char *module, int error, void *userdata) {
        manager_complain(userdata, "cannot load the module %s: %s", module, strerror(-error));
}

static int load_modules(struct manager *m, const struct string_list *syspaths) {
        _cleanup_modules_ struct modules modules = {};
        char modalias[4096];
        int r;

        if (syspaths->n == 0)
                return 0;
        r = modules_open(&modules, m->dry_run);
        if (r == -ENOENT) {
                manager_complain(m, "this kernel has no modules, or depmod has not been run");
                return 0;
        }

        for (size_t i = 0; i < syspaths->n && r >= 0; i++)
                if (sysfs_read_attribute(syspaths->items[i], "modalias", sizeof(modalias), modalias) >= 0)
                        r = modules_load(&modules, modalias, complain_of_module, m);
        m->n_loaded += modules.n_loaded;
        return r;
}

/* Those that have come since the last look at them. @function: that was looked at, or NULL for all. */
static int load_drivers(struct manager *m, const struct string_list *driverless, const char *function) {
        _cleanup_string_list_ struct string_list fresh = {}, tried = {};
        size_t n = function ? strlen(function) : 0;
        struct stat st;
        char inode[32];
        int r = 0;

        for (size_t i = 0; i < driverless->n && r >= 0; i++) {
                if (stat(driverless->items[i], &st) < 0)
                        continue;
                snprintf(inode, sizeof(inode), "%ju", (uintmax_t) st.st_ino);
                r = string_list_join(&tried, driverless->items[i], inode);
                if (r >= 0 && !string_list_has(&m->tried, tried.items[tried.n - 1]))
                        r = string_list_add(&fresh, driverless->items[i]);
        }
        for (size_t i = 0; function && i < m->tried.n && r >= 0; i++)
                if (strncmp(m->tried.items[i], function, n) != 0 || m->tried.items[i][n] != '/')
                        r = string_list_add(&tried, m->tried.items[i]);
        if (r < 0)
                return r;

        string_list_clear(&m->tried);
        m->tried = tried;
        tried = (struct string_list){};
        return load_modules(m, &fresh);
}

/* Return: 0, also when it is not there or cannot be read, or a negative errno. */
static int read_content(struct manager *m, struct device *device) {
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
                manager_complain(m, "%s: it looks like two different things at once, so it has no link by what is on it",
                                 device->name);
        else if (r < 0 && r != -ENOMEDIUM)
                manager_complain(m, "%s: cannot read what is on it: %s", device->name, strerror(-r));

        set_links(device, &device->content, &links);
        return 0;
}

/* The boot partitions of an MMC are left out by udev's rules. */
static bool has_content(const struct device *device) {
        return device->is_there && streq(device->subsystem, "block") &&
               (strncmp(device->name, "/dev/mmcblk", 11) != 0 || !strstr(device->name, "boot"));
}

static int read_contents(struct manager *m) {
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];
                int r;

                if (device->is_read || !has_content(device))
                        continue;
                r = read_content(m, device);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void tell(struct manager *m) {
        for (size_t i = 0; i < m->n_gone; i++)
                if (m->changed && m->gone[i]->is_announced)
                        m->changed("remove", m->gone[i], m->userdata);

        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];
                bool is_ready = device->is_there && device->links.n > 0 && (device->is_read || !has_content(device));

                if (!m->changed || !is_ready || (device->is_announced && !device->is_changed))
                        continue;
                m->changed(device->is_announced ? "change" : "add", device, m->userdata);
                device->is_announced = true;
                device->is_changed = false;
        }
}

static void forget_gone(struct manager *m) {
        for (size_t i = 0; i < m->n_gone; i++) {
                if (m->gone[i]->watch >= 0)
                        (void) inotify_rm_watch(m->watch_fd, m->gone[i]->watch); /* gone with the node, as a rule */
                device_free(m->gone[i]);
        }
        free(m->gone);
        m->gone = NULL;
        m->n_gone = 0;
}

/* What has been found is now what there is. */
static int finish_look(struct manager *m) {
        int r = 0;

        if (m->directory && !m->is_made_known) {
                r = manager_read_links(m);
                m->is_made_known = r >= 0;
        }
        if (r >= 0 && m->directory)
                r = manager_settle_links(m, true);
        if (r >= 0 && wants_names(m))
                r = read_contents(m);
        if (r >= 0 && m->directory)
                r = manager_settle_links(m, false);
        if (r >= 0)
                tell(m);
        forget_gone(m);
        return r;
}

static int find_driverless(const struct inventory *inventory, struct string_list *ret) {
        int r = 0;

        for (size_t i = 0; i < inventory->n && r >= 0; i++)
                r = below_find(inventory->functions[i]->syspath, NULL, ret);
        return r;
}

/**
 * manager_look() - look at the whole machine
 *
 * Return: 0, or a negative errno when it cannot be looked at; nothing is removed then. What else has failed has been said, and
 * has_failed is set.
 */
int manager_look(struct manager *m) {
        _cleanup_string_list_ struct string_list driverless = {};
        _cleanup_inventory_ struct inventory inventory = {};
        int r;

        m->n_found = m->n_loaded = 0;
        m->is_made_known = false;
        if (access("/sys/class", F_OK) < 0)
                return negative_errno();
        r = inventory_take(&inventory);
        if (r >= 0 && m->want_modules)
                r = find_driverless(&inventory, &driverless);
        if (r >= 0 && m->want_modules)
                r = load_drivers(m, &driverless, NULL);

        for (size_t i = 0; i < inventory.n && r >= 0; i++)
                r = take_usables(m, &inventory.functions[i]->below, inventory.functions[i]->syspath);
        if (r >= 0)
                r = roster_drop_unseen(m, NULL);
        return r < 0 ? r : finish_look(m);
}

/**
 * manager_look_until_quiet() - look again until a look finds nothing new
 *
 * Return: an exit status; what has failed has been said.
 */
int manager_look_until_quiet(struct manager *m) {
        for (size_t i = 0; i < LOOKS_MAX; i++) {
                int r;

                r = manager_look(m);
                if (r < 0)
                        return complain(EXIT_FAILED, "cannot look at the machine: %s", strerror(-r));
                if (m->dry_run || (m->n_found == 0 && m->n_loaded == 0))
                        return m->has_failed ? EXIT_FAILED : EXIT_DONE;
        }

        return complain(EXIT_FAILED, "devices do not cease to come");
}

/** manager_look_at() - look at one function and what is below it. Return: as manager_look(). */
int manager_look_at(struct manager *m, const char *function) {
        _cleanup_string_list_ struct string_list driverless = {};
        struct usables usables = {};
        int r;

        m->n_found = m->n_loaded = 0;
        r = below_find(function, &usables, m->want_modules ? &driverless : NULL);
        if (r >= 0 && m->want_modules)
                r = load_drivers(m, &driverless, function);
        if (r >= 0)
                r = take_usables(m, &usables, function);
        if (r >= 0)
                r = roster_drop_unseen(m, function);
        usables_clear(&usables);
        return r < 0 ? r : finish_look(m);
}

/** manager_touch() - something has happened to a device: what is on it, or on its partitions, is read again at the next look */
void manager_touch(struct manager *m, const char *syspath) {
        size_t n = strlen(syspath);

        for (size_t i = 0; i < m->n_devices; i++)
                if (strncmp(m->devices[i]->syspath, syspath, n) == 0 &&
                    (m->devices[i]->syspath[n] == '\0' || m->devices[i]->syspath[n] == '/'))
                        m->devices[i]->is_read = false;
}

/** manager_find_watch() - the disk that is watched so. Return: NULL when there is none any more. */
const struct device *manager_find_watch(const struct manager *m, int watch) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i]->watch == watch)
                        return m->devices[i];

        return NULL;
}

/**
 * manager_open() - begin
 * @m: initialised with MANAGER_NULL and what is wanted; to be closed with manager_close(), whatever is returned
 *
 * Return: 0, or a negative errno when there is no such directory.
 */
int manager_open(struct manager *m) {
        int r;

        if (!m->directory)
                return 0;
        r = link_tree_open(&m->tree, m->directory);
        m->want_interfaces = m->tree.is_dev;
        return r;
}

void manager_close(struct manager *m) {
        forget_gone(m);
        for (size_t i = 0; i < m->n_devices; i++)
                device_free(m->devices[i]);
        free(m->devices);
        links_clear(&m->made);
        string_list_clear(&m->tried);
        string_list_clear(&m->said);
        link_tree_close(&m->tree);
        *m = (struct manager)MANAGER_NULL;
}
