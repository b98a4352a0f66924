/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A scan finds the devices and then makes drivers and links agree with them. It covers the whole machine, or one
 * function and the devices below it. Drivers come first, then links by PCI path; the content of disks is read last,
 * since that can take long.
 */

#include <sys/inotify.h>

#include "deadline.h"
#include "enumerate.h"
#include "format-text.h"
#include "manager.h"

/*
 * A device that comes and goes all the time must not keep us for ever. A disk needs five: each driver finds the next
 * device.
 */
#define LOOKS_MAX 64

/* After this many different reports one of them can be repeated. */
#define REPORTED_MAX 256

static void report_once(struct manager *m, enum report_kind kind, const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL;

        if (format_text_va(&text, format, ap) < 0) {
                report(&m->reporter, REPORT_ERROR, "out of memory");
                return;
        }
        if (string_list_has(&m->reported, text))
                return;
        if (m->reported.n >= REPORTED_MAX)
                string_list_clear(&m->reported);
        (void) string_list_add(&m->reported, text);
        report(&m->reporter, kind, "%s", text);
}

/** manager_error() - report a failure once, not again at each scan */
void manager_error(struct manager *m, const char *format, ...) {
        va_list ap;

        m->has_failed = true;
        va_start(ap, format);
        report_once(m, REPORT_ERROR, format, ap);
        va_end(ap);
}

/** manager_note() - as manager_error(), but nothing has failed */
void manager_note(struct manager *m, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        report_once(m, REPORT_NOTICE, format, ap);
        va_end(ap);
}

static int add_children(struct manager *m, const struct child_devices *children, const char *function) {
        for (size_t i = 0; i < children->n; i++) {
                struct device *device;
                int r;

                r = device_list_add(m, &children->items[i], function, &device);
                if (r > 0) {
                        device->is_scanned = true;
                        r = device_find_links(m, device, &children->items[i]);
                }
                if (r < 0)
                        return r;
        }

        return 0;
}

/*
 * The last disk stays open in @last: when it is closed, the kernel frees the pages that it was read into, which takes
 * longer than making the links. A partition is closed: the table of its disk could not be changed until then.
 */
static int read_contents(struct manager *m, struct filesystem *last) {
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];
                int r;

                if (device->is_read || !device_has_content(device))
                        continue;
                filesystem_close(last);
                r = device_read_content(m, device, last);
                if (r < 0)
                        return r;
                if (!filesystem_is_whole_disk(last))
                        filesystem_close(last);
        }

        return 0;
}

static void tell(struct manager *m) {
        for (size_t i = 0; i < m->n_gone; i++)
                if (m->changed && m->gone[i]->is_announced)
                        m->changed("remove", m->gone[i], m->userdata);

        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];
                bool is_ready = device->is_there && device->links.n > 0 &&
                                (device->is_read || !device_has_content(device));

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

/* The devices are known: make the rest agree with them. */
static int finish_scan(struct manager *m) {
        _cleanup_filesystem_ struct filesystem last = FILESYSTEM_NULL;
        int r = 0;

        m->is_made_fresh = m->directory && !m->is_made_known;
        if (m->is_made_fresh) {
                r = manager_read_links(m);
                m->is_made_known = r >= 0;
        }
        if (r >= 0 && m->directory)
                r = manager_update_links(m, true);
        if (r >= 0 && manager_wants_names(m))
                r = read_contents(m, &last);
        if (r >= 0 && m->directory)
                r = manager_update_links(m, false);
        if (r >= 0)
                tell(m);
        for (size_t i = 0; i < m->n_devices; i++)
                m->devices[i]->is_scanned = false;
        forget_gone(m);
        return r;
}

static int find_driverless(const struct enumeration *enumeration, struct string_list *ret) {
        int r = 0;

        for (size_t i = 0; i < enumeration->n && r >= 0; i++)
                r = children_find(enumeration->functions[i]->syspath, NULL, ret);
        return r;
}

/**
 * manager_scan() - scan the whole machine
 *
 * Return: 0, or a negative errno when it cannot be scanned; nothing is removed then. Other failures have been reported,
 * and has_failed is set.
 */
int manager_scan(struct manager *m) {
        _cleanup_string_list_ struct string_list driverless = {};
        _cleanup_enumeration_ struct enumeration enumeration = {};
        int r;

        m->n_found = m->n_loaded = 0;
        m->is_made_known = false;
        if (access("/sys/class", F_OK) < 0)
                return negative_errno();
        r = enumerate_functions(&enumeration);
        if (r >= 0 && m->want_modules)
                r = find_driverless(&enumeration, &driverless);
        if (r >= 0 && m->want_modules)
                r = manager_load_drivers(m, &driverless, NULL);

        for (size_t i = 0; i < enumeration.n && r >= 0; i++)
                r = add_children(m, &enumeration.functions[i]->children, enumeration.functions[i]->syspath);
        if (r >= 0)
                r = device_list_drop_unseen(m, NULL);
        return r < 0 ? r : finish_scan(m);
}

/**
 * manager_scan_until_quiet() - scan the whole machine again until a scan finds nothing new
 *
 * Return: as manager_scan().
 */
int manager_scan_until_quiet(struct manager *m) {
        for (size_t i = 0; i < LOOKS_MAX; i++) {
                int r;

                r = manager_scan(m);
                if (r < 0 || m->dry_run || (m->n_found == 0 && m->n_loaded == 0))
                        return r;
        }

        manager_error(m, "devices are still changing after %d scans", LOOKS_MAX);
        return 0;
}

/** manager_scan_function() - scan one function and the devices below it. Return: as manager_scan(). */
int manager_scan_function(struct manager *m, const char *function) {
        _cleanup_string_list_ struct string_list driverless = {};
        struct child_devices children = {};
        int r;

        m->n_found = m->n_loaded = 0;
        r = children_find(function, &children, m->want_modules ? &driverless : NULL);
        if (r >= 0 && m->want_modules)
                r = manager_load_drivers(m, &driverless, function);
        if (r >= 0)
                r = add_children(m, &children, function);
        if (r >= 0)
                r = device_list_drop_unseen(m, function);
        child_devices_clear(&children);
        return r < 0 ? r : finish_scan(m);
}

/** manager_touch() - a device has changed: the next scan reads its content, and that of its partitions, again */
void manager_touch(struct manager *m, const char *syspath) {
        size_t n = strlen(syspath);

        for (size_t i = 0; i < m->n_devices; i++)
                if (strncmp(m->devices[i]->syspath, syspath, n) == 0 &&
                    (m->devices[i]->syspath[n] == '\0' || m->devices[i]->syspath[n] == '/'))
                        m->devices[i]->is_read = false;
}

/** manager_retry_deadline() - the next time that manager_take_retry() has something to return */
uint64_t manager_retry_deadline(const struct manager *m) {
        uint64_t deadline = DEADLINE_NEVER;

        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i]->retry != 0 && m->devices[i]->retry < deadline)
                        deadline = m->devices[i]->retry;

        return deadline;
}

/** manager_take_retry() - a disk that the next scan reads again after a failure. Return: NULL when there is none. */
const struct device *manager_take_retry(struct manager *m) {
        for (size_t i = 0; i < m->n_devices; i++) {
                struct device *device = m->devices[i];

                if (device->retry == 0 || !deadline_has_passed(device->retry))
                        continue;
                device->retry = 0;
                device->is_read = false;
                return device;
        }

        return NULL;
}

/** manager_has_refused_name() - does an interface wait for a name that another one has? */
bool manager_has_refused_name(const struct manager *m) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i]->is_refused)
                        return true;

        return false;
}

/** manager_find_watch() - the disk with this inotify watch. Return: NULL when there is none. */
const struct device *manager_find_watch(const struct manager *m, int watch) {
        for (size_t i = 0; i < m->n_devices; i++)
                if (m->devices[i]->watch == watch)
                        return m->devices[i];

        return NULL;
}

/**
 * manager_read_aliases() - read the aliases, again if they have been read
 *
 * The next scan of the whole machine changes links and names of interfaces.
 *
 * Return: 0, or -ENOMEM; the aliases are the same as before then.
 */
int manager_read_aliases(struct manager *m) {
        struct alias_list aliases;
        int r;

        r = alias_list_read(&aliases);
        if (r < 0)
                return r;
        for (size_t i = 0; i < m->n_devices && m->want_interfaces; i++)
                if (streq(m->devices[i]->subsystem, "net"))
                        device_change_aliases(m->devices[i], &m->aliases, &aliases);
        alias_list_clear(&m->aliases);
        m->aliases = aliases;
        for (size_t i = 0; i < m->aliases.errors.n; i++)
                manager_note(m, "%s", m->aliases.errors.items[i]);
        return 0;
}

/**
 * manager_open() - open the directory of the links, as the only manager that does
 * @m: initialised with MANAGER_NULL and what is wanted; to be closed with manager_close(), whatever is returned
 *
 * Return: 0, or a negative errno; -EBUSY when another manager makes links below this directory.
 */
int manager_open(struct manager *m) {
        int r;

        if (!m->directory)
                return 0;
        r = link_tree_open(&m->tree, m->directory, "links");
        if (r >= 0 && !m->dry_run)
                r = link_tree_lock(&m->tree, false);
        if (r < 0)
                return r;

        r = manager_read_aliases(m);
        if (r < 0)
                return r;

        m->want_interfaces = m->tree.is_dev;
        for (size_t i = 0; link_directories[i]; i++)
                link_tree_tidy(&m->tree, link_directories[i] + strlen("/dev/"));
        for (size_t i = 0; content_directories[i]; i++)
                link_tree_tidy(&m->tree, content_directories[i] + strlen("/dev/"));
        return 0;
}

void manager_close(struct manager *m) {
        forget_gone(m);
        for (size_t i = 0; i < m->n_devices; i++)
                device_free(m->devices[i]);
        free(m->devices);
        links_clear(&m->made);
        string_list_clear(&m->tried);
        string_list_clear(&m->reported);
        link_tree_close(&m->tree);
        alias_list_clear(&m->aliases);
        *m = (struct manager) MANAGER_NULL;
}
