/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Drivers for devices, as modprobe(8) and udevd load them: by the device's modalias, with libkmod.
 */

#include <stddef.h>

#include "report.h"
#include "string-list.h"

/** struct modules - modprobe.d(5) and the kernel's index of modules, read once */
struct modules {
        struct kmod_ctx *ctx;
        const struct reporter *dry_run; /* is told what would be loaded; NULL to load it */
        struct string_list failed;      /* modules that are not tried again */
        size_t n_loaded;
};

/* Called for a module that could not be loaded. */
typedef void (*modules_failed_fn)(const char *module, int error, void *userdata);

int modules_open(struct modules *modules, const struct reporter *dry_run);
int modules_load(struct modules *modules, const char *modalias, modules_failed_fn failed, void *userdata);
void modules_close(struct modules *modules);

#define _cleanup_modules_ __attribute__((__cleanup__(modules_close)))
