/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libkmod, loaded when a device needs a driver. Most runs of pcipath load no module: linked with libkmod, each would
 * spend half of its start on libcrypto, which libkmod is linked with.
 */

#include <libkmod.h>

/* Each function of libkmod that is used, without its prefix. Its macros call functions, too, and cannot be used. */
// clang-format off
#define KMOD_FUNCTIONS(row) \
        row(list_next) \
        row(load_resources) \
        row(module_get_initstate) \
        row(module_get_module) \
        row(module_get_name) \
        row(module_new_from_lookup) \
        row(module_probe_insert_module) \
        row(module_unref) \
        row(module_unref_list) \
        row(new) \
        row(set_log_fn) \
        row(unref)
// clang-format on

#define KMOD_POINTER(function) typeof(kmod_##function) *function;

/** struct kmod_library - the functions, with the types that <libkmod.h> gives them */
struct kmod_library {
        KMOD_FUNCTIONS(KMOD_POINTER)
};

extern struct kmod_library kmod;

int kmod_library_load(void);
