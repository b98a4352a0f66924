/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Assertions that several unit tests share.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pci-path.h"

#define GUID "fd1d2cbdce7c535c966beb5f811c95f0"

/* A parser that fails must leave its output as it was. */
static inline void fill(void *p, size_t n) {
        memset(p, 0xa5, n);
}

static inline void assert_filled(const void *p, size_t n) {
        const uint8_t *bytes = p;

        for (size_t i = 0; i < n; i++)
                assert_int_equal(bytes[i], 0xa5);
}

static inline void assert_prints(const struct pci_path *path, enum pci_path_form form, const char *expected) {
        char buf[PCI_PATH_STRING_MAX];
        size_t n;

        n = pci_path_print(path, form, buf);
        assert_string_equal(buf, expected);
        assert_int_equal(n, strlen(expected));
}

static inline int sign(int r) {
        return (r > 0) - (r < 0);
}

static inline void read_path(const char *text, struct pci_path *ret) {
        assert_int_equal(pci_path_parse(text, ret, NULL), 0);
}
