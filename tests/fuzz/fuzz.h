/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What libFuzzer calls, and what replay.c calls in its place when there is no libFuzzer.
 */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that does not depend on NDEBUG, for the properties that a fuzzer looks for a breach of. */
#define CHECK(condition)                       \
        do {                                   \
                if (!(condition))              \
                        __builtin_trap();      \
        } while (0)
