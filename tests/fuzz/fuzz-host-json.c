/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses a document of Cloud Hypervisor (first byte 'c') or Firecracker ('f'), or a header of their answers ('h').
 */

#include "fuzz-host.h"
#include "http.h"
#include "backend.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        return 0;
}

static void check_header(const char *data, size_t size) {
        char *text = strndup(data, size);
        const char *reason;
        size_t length;
        int r;

        if (!text)
                return;
        r = http_parse_header(text, &length, &reason);
        CHECK(r == -EBADMSG ? reason != NULL : r >= 0 && r <= 999);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_machine_ struct machine machine = {};
        const char *text = (const char *) data + 1;
        struct error error = {};
        int r;

        if (size == 0)
                return 0;
        if (*data == 'h') {
                check_header(text, size - 1);
                return 0;
        }

        r = *data == 'c' ? cloud_hypervisor_parse("input", text, size - 1, &machine, &error)
                         : firecracker_parse("input", text, size - 1, *data == 'F', &machine, &error);
        if (r < 0)
                CHECK(error.text[0] != '\0');
        else
                check_machine(&machine);
        return 0;
}
