/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "kmod-library.h"
#include "modules.h"
#include "util.h"

/* libkmod's print_action() has no userdata. */
static const struct reporter *dry_run_reporter;

/**
 * modules_open() - read modprobe.d and the index of modules
 * @modules: to be closed with modules_close(), whatever is returned
 * @dry_run: is told what would be loaded; NULL to load it
 *
 * Return: 0, -ELIBACC when libkmod cannot be loaded (dlerror() says why), -ENOENT when this kernel has no index of
 * modules, or another negative errno.
 */
int modules_open(struct modules *modules, const struct reporter *dry_run) {
        int r;

        *modules = (struct modules){ .dry_run = dry_run };
        r = kmod_library_load();
        if (r < 0)
                return r;
        modules->ctx = kmod.new(NULL, NULL);
        if (!modules->ctx)
                return -ENOMEM;

        /* Each failure comes back as an errno, and is reported once. */
        kmod.set_log_fn(modules->ctx, NULL, NULL);
        return kmod.load_resources(modules->ctx) < 0 ? -ENOENT : 0;
}

void modules_close(struct modules *modules) {
        if (modules->ctx)
                kmod.unref(modules->ctx);
        string_list_clear(&modules->failed);
        *modules = (struct modules){};
}

static void report_action(struct kmod_module *module, bool install, const char *options) {
        (void) install;

        /* Each option has a blank after it. */
        report(dry_run_reporter, REPORT_ACTION, "load %s%s%.*s", kmod.module_get_name(module), *options ? " " : "",
               (int) strlen(options) - (*options != '\0'), options);
}

static bool is_loaded(const struct kmod_module *module) {
        int state = kmod.module_get_initstate(module);

        return state == KMOD_MODULE_BUILTIN || state == KMOD_MODULE_LIVE;
}

/* Loads a module and its dependencies, hard and soft. Return: 0, or -ENOMEM. */
static int load(struct modules *modules, struct kmod_module *module, modules_failed_fn failed, void *userdata) {
        const char *name = kmod.module_get_name(module);
        int r;

        if (is_loaded(module) || string_list_has(&modules->failed, name))
                return 0;

        dry_run_reporter = modules->dry_run;

        /* Positive: on a blacklist. That is no failure. */
        r = kmod.module_probe_insert_module(module,
                                            KMOD_PROBE_APPLY_BLACKLIST | (modules->dry_run ? KMOD_PROBE_DRY_RUN : 0),
                                            NULL, NULL, NULL, modules->dry_run ? report_action : NULL);
        if (r == 0)
                modules->n_loaded++;
        if (r >= 0)
                return 0;

        failed(name, r, userdata);
        return string_list_add(&modules->failed, name);
}

/**
 * modules_load() - load each module for a device, unless it is on a blacklist
 * @modalias: of the device
 * @failed: called once for each module that could not be loaded
 *
 * Return: 0, also when there is none or one of them could not be loaded, or a negative errno.
 */
int modules_load(struct modules *modules, const char *modalias, modules_failed_fn failed, void *userdata) {
        struct kmod_list *list = NULL, *item;
        int r;

        r = kmod.module_new_from_lookup(modules->ctx, modalias, &list);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        for (item = list; item; item = kmod.list_next(list, item)) {
                struct kmod_module *module = kmod.module_get_module(item);

                if (r >= 0)
                        r = load(modules, module, failed, userdata);
                kmod.module_unref(module);
        }

        kmod.module_unref_list(list);
        return r;
}
