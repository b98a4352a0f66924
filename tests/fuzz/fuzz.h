/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The entry point that libFuzzer calls, or replay.c in builds without libFuzzer.
 */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assert() that does not depend on NDEBUG, for the properties that a fuzzer checks. */
#define CHECK(condition)                       \
        do {                                   \
                if (!(condition))              \
                        __builtin_trap();      \
        } while (0)
