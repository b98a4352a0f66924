/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dlfcn.h>
#include <elf.h>
#include <stddef.h>

#include "kmod-library.h"
#include "util.h"

#define SONAME "libkmod.so.2"

/*
 * Names the library, which ldd does not show, for packagers and for tools that build images. See
 * https://uapi-group.org/specifications/specs/elf_dlopen_metadata/.
 */
#define METADATA                                                                           \
        "[{\"soname\":[\"" SONAME "\"],\"feature\":\"kmod\",\"priority\":\"recommended\"," \
        "\"description\":\"Load drivers: coldplug --modules, monitor --modules\"}]"

/* Each part of a note is padded to four bytes. The header is the same in 32-bit and 64-bit programs. */
static const struct {
        Elf64_Nhdr header;
        char owner[sizeof("FDO")];
        char metadata[(sizeof(METADATA) + 3) / 4 * 4];
} note __attribute__((used, section(".note.dlopen"), aligned(4))) = {
        .header = { .n_namesz = sizeof("FDO"), .n_descsz = sizeof(METADATA), .n_type = 0x407c0c0a },
        .owner = "FDO",
        .metadata = METADATA,
};

#define KMOD_SYMBOL(function) { "kmod_" #function, offsetof(struct kmod_library, function) },

static const struct {
        const char *name;
        size_t offset; /* of its pointer */
} symbols[] = { KMOD_FUNCTIONS(KMOD_SYMBOL) };

struct kmod_library kmod;

/**
 * kmod_library_load() - load libkmod, unless that has been done
 *
 * Return: 0, or -ELIBACC when there is no libkmod, or one without these functions. dlerror() says why.
 */
int kmod_library_load(void) {
        static bool is_loaded;
        void *handle;

        if (is_loaded)
                return 0;

        /* The handle is never closed: dlclose() would also clear the error that dlerror() returns. */
        handle = dlopen(SONAME, RTLD_NOW | RTLD_NODELETE);
        if (!handle)
                return -ELIBACC;

        for (size_t i = 0; i < ELEMENTSOF(symbols); i++) {
                void *function = dlsym(handle, symbols[i].name);

                if (!function)
                        return -ELIBACC;
                memcpy((char *) &kmod + symbols[i].offset, &function, sizeof(function));
        }

        is_loaded = true;
        return 0;
}
