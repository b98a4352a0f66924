/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "manager.h"
#include "modules.h"
#include "sysfs.h"

static void report_module(const char *module, int error, void *userdata) {
        manager_error(userdata, "cannot load module %s: %s", module, strerror(-error));
}

static int load_modules(struct manager *m, const struct string_list *syspaths) {
        _cleanup_modules_ struct modules modules = {};
        char modalias[4096];
        int r;

        if (syspaths->n == 0)
                return 0;
        r = modules_open(&modules, m->dry_run ? &m->reporter : NULL);
        if (r == -ELIBACC) {
                manager_error(m,
                              "no module can be loaded: %s: install libkmod (the package libkmod2, kmod-libs or kmod), "
                              "or build the drivers into the kernel",
                              dlerror());
                return 0;
        }
        if (r == -ENOENT) {
                manager_error(m, "no index of modules for this kernel: "
                                 "run depmod, or build the drivers into the kernel");
                return 0;
        }

        for (size_t i = 0; i < syspaths->n && r >= 0; i++)
                if (sysfs_read_attribute(syspaths->items[i], "modalias", sizeof(modalias), modalias) >= 0)
                        r = modules_load(&modules, modalias, report_module, m);
        m->n_loaded += modules.n_loaded;
        return r;
}

/**
 * manager_load_drivers() - load drivers for the devices that are new since the last scan
 * @driverless: the syspaths of all devices that have a modalias and no driver
 * @function: the PCI function that was scanned, or NULL for all
 *
 * Return: 0, also when some cannot be loaded, or -ENOMEM.
 */
int manager_load_drivers(struct manager *m, const struct string_list *driverless, const char *function) {
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
