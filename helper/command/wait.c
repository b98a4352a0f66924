/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Scans after each event until one scan finds all devices ready. Events that arrive during a scan cause another
 * scan.
 */

#include <stdio.h>

#include "command.h"
#include "deadline.h"
#include "diagnose.h"
#include "readiness.h"
#include "util.h"
#include "wait.h"

static void clear_lookups(struct wait *w) {
        for (size_t i = 0; i < w->n; i++)
                lookup_clear(&w->lookups[i]);
}

void wait_clear(struct wait *w) {
        clear_lookups(w);
        for (size_t i = 0; i < w->n; i++)
                free(w->texts[i]);
        free(w->texts);
        free(w->specs);
        free(w->lookups);
}

static bool is_arrived(const struct wait *w, size_t i) {
        return lookup_is_ready(&w->lookups[i], &w->specs[i].path, w->source);
}

/*
 * A partition, or one of several disks, is removed when the device is gone. A whole function is removed when its links
 * are gone, too.
 *
 * Return: 1, 0, or a negative errno.
 */
static int is_removed(const struct wait *w, size_t i) {
        const struct device_spec *spec = &w->specs[i];
        int r;

        if (w->lookups[i].is_there)
                return 0;
        if (spec->selector.part > 0 || spec->selector.is_interface || spec->selector.suffix[0] != '\0' ||
            spec->selector.sub_function[0] != '\0' || w->source == UEVENT_KERNEL ||
            w->lookups[i].resolution.n_hops == spec->path.n_hops)
                return 1;

        r = path_has_links(&spec->path);
        return r < 0 ? r : r == 0;
}

/* Return: 1 when all devices are in the awaited state, 0 when not, or a negative errno after an error message. */
static int scan(struct wait *w) {
        bool done = true;
        int r;

        clear_lookups(w);
        for (size_t i = 0; i < w->n; i++) {
                r = lookup_device(&w->specs[i], &w->lookups[i]);
                if (r < 0) {
                        (void) log_lookup_error(w->texts[i], &w->lookups[i], r);
                        return r;
                }
                r = w->removed ? is_removed(w, i) : is_arrived(w, i);
                if (r < 0) {
                        (void) log_error(EXIT_FAILED, "cannot scan the devices: %s", strerror(-r));
                        return r;
                }
                done = done && r > 0;
        }

        if (!done || (w->updated && !udev_is_idle()))
                return 0;
        return w->finish ? w->finish(w) : 1;
}

/* Prints why a device that exists is not ready. */
static void diagnose_unready(const struct wait *w, size_t i) {
        const struct lookup *lookup = &w->lookups[i];
        const char *name = lookup->n_selected > 0 ? lookup->children.items[0].name : "the function";

        for (size_t j = 0; w->source == UEVENT_UDEV && j < lookup->n_selected; j++) {
                const struct child_device *u = &lookup->children.items[j];
                _cleanup_free_ char *stolen = NULL;

                if (child_device_find_stolen_name(u, &w->specs[i].path, &stolen) > 0) {
                        log_error(0, "timed out: %s: %s exists, but another device has its name %s", w->texts[i],
                                  u->name, stolen);
                        return;
                }
                if (child_device_is_declared_unready(u)) {
                        log_error(0,
                                  "timed out: %s: %s exists, but a udev rule has set SYSTEMD_READY=0, so systemd "
                                  "treats it as unplugged",
                                  w->texts[i], u->name);
                        return;
                }
        }

        log_error(0, "timed out: %s: %s exists, but %s has not finished with it", w->texts[i], name,
                  w->source == UEVENT_UDEV ? "udev" : "the kernel");
}

static int diagnose_timeout(const struct wait *w) {
        for (size_t i = 0; i < w->n; i++) {
                const struct lookup *lookup = &w->lookups[i];
                const char *name = lookup->n_selected > 0 ? lookup->children.items[0].name : "the function";

                if (w->removed && lookup->is_there)
                        log_error(0, "timed out: %s: %s still exists", w->texts[i], name);
                else if (w->removed && is_removed(w, i) == 0)
                        log_error(0, "timed out: %s: the device is gone, but its links still exist", w->texts[i]);
                else if (!w->removed && !lookup->is_there)
                        log_absent(w->texts[i], &w->specs[i], lookup);
                else if (!w->removed && !is_arrived(w, i))
                        diagnose_unready(w, i);
        }
        if (w->updated && !udev_is_idle())
                log_error(0, "timed out: udev's queue is not empty");
        if (w->finish && is_arrived(w, 0))
                log_error(0, "timed out: %s: another device was plugged in while this one was opened", w->texts[0]);

        return EXIT_TIMEOUT;
}

/* A PCI address can be parsed as a path on a root bus that does not exist. Do not wait for such a bus. */
static int refuse_addresses(const struct wait *w) {
        for (size_t i = 0; i < w->n; i++) {
                const struct device_spec *spec = &w->specs[i];
                struct pci_path unused;

                if (!w->lookups[i].resolution.has_root && pci_address_find_path(&spec->path, &unused) > 0)
                        return log_absent(w->texts[i], spec, &w->lookups[i]);
        }

        return EXIT_DONE;
}

static int wait_with(struct wait *w, struct uevent_monitor *monitor) {
        uint64_t deadline = deadline_after(w->timeout);
        bool first = true;
        int r;

        for (;;) {
                r = scan(w);
                if (r < 0)
                        return EXIT_FAILED;
                if (r > 0)
                        return EXIT_DONE;

                if (first && !w->removed) {
                        r = refuse_addresses(w);
                        if (r != EXIT_DONE)
                                return r;
                }
                first = false;

                r = uevent_monitor_wait(monitor, deadline);
                if (r < 0)
                        return log_error(EXIT_FAILED, "cannot wait for events: %s", strerror(-r));
                if (r == 0)
                        return diagnose_timeout(w);
        }
}

/* Prints what is missing also on SIGTERM, because systemd and timeout(1) have timeouts of their own. */
static int end_on_sigterm(struct uevent_monitor *monitor) {
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        return uevent_monitor_end_on(monitor, &signals);
}

/**
 * wait_run() - wait until all devices are ready, or removed
 *
 * Return: EXIT_DONE, or another exit status after an error message.
 */
int wait_run(struct wait *w) {
        struct uevent_monitor monitor = UEVENT_MONITOR_NULL;
        int r;

        w->source = w->kernel || !udev_is_running() ? UEVENT_KERNEL : UEVENT_UDEV;
        r = uevent_monitor_open(&monitor, w->source);
        if (r >= 0)
                r = end_on_sigterm(&monitor);
        r = r < 0 ? log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r)) : wait_with(w, &monitor);
        uevent_monitor_close(&monitor);
        return r;
}
