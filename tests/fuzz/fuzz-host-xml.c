/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses the XML of a domain.
 */

#include "fuzz-host.h"
#include "backend.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_machine_ struct machine machine = {};
        struct error error = {};

        if (libvirt_parse("input", (const char *) data, size, &machine, &error) < 0)
                CHECK(error.text[0] != '\0');
        else
                check_machine(&machine);
        return 0;
}
