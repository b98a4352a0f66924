/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * To be preloaded: the allocation of a given number fails, and those before and after it do not.
 *
 *     PCIPATH_FAIL_ALLOCATION  which, counted from 1; 0 for none
 *     PCIPATH_ALLOCATIONS_FD   where the number of allocations is written when the program ends
 *
 * glibc's own functions (strdup, opendir, getdelim) allocate through these, too. Exempt are those whose failure a
 * library is content with: setlocale()'s, after which a program goes on in the C locale; sd_device_get_devtype()'s and
 * sd_device_get_devname()'s, which then say that there is none (systemd 252, handle_uevent_line()); and all from
 * libsmartcols' first table on, which leaves out what it has no memory for (util-linux 2.38, the widths of columns).
 */

#include <dlfcn.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-device.h>

/* glibc has them for this: "Replacing malloc" in its manual. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

/* What a program's entry calls: "Program startup" of the Linux Standard Base. */
typedef int main_function(int argc, char **argv, char **environment);
int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);

static unsigned long n_allocations, to_fail;
static bool is_exempt = true; /* until main() begins, and when it has ended */

static bool is_to_fail(void) {
        if (is_exempt)
                return false;
        n_allocations++;
        if (n_allocations != to_fail)
                return false;

        errno = ENOMEM;
        return true;
}

void *malloc(size_t size) {
        return is_to_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return is_to_fail() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
        return is_to_fail() ? NULL : __libc_realloc(p, size);
}

#define REAL(function) ((typeof(function) *) dlsym(RTLD_NEXT, #function))

char *setlocale(int category, const char *locale) {
        char *result;

        is_exempt = true;
        result = REAL(setlocale)(category, locale);
        is_exempt = false;
        return result;
}

#define EXEMPT(function)                                        \
        int function(sd_device *device, const char **ret) {     \
                int r;                                          \
                                                                \
                is_exempt = true;                               \
                r = REAL(function)(device, ret);                \
                is_exempt = false;                              \
                return r;                                       \
        }

EXEMPT(sd_device_get_devtype)
EXEMPT(sd_device_get_devname)

struct libscols_table *scols_new_table(void) {
        is_exempt = true;
        return REAL(scols_new_table)();
}

/* The program's own main() between what runs before and after it, which a coverage build has much of. */

static main_function *program;

static unsigned long get_number(const char *name) {
        const char *text = getenv(name);

        return text ? strtoul(text, NULL, 10) : 0;
}

static int count(int argc, char **argv, char **environment) {
        unsigned long fd = get_number("PCIPATH_ALLOCATIONS_FD");
        int r;

        to_fail = get_number("PCIPATH_FAIL_ALLOCATION");
        is_exempt = false;
        r = program(argc, argv, environment);
        is_exempt = true;

        if (fd > 0)
                dprintf((int) fd, "%lu\n", n_allocations);
        return r;
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
        program = main;
        return REAL(__libc_start_main)(count, argc, argv, init, fini, rtld_fini, stack_end);
}
