/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses a document of Cloud Hypervisor (first byte 'c') or Firecracker ('f'; 'F' for one that runs), a saved list
 * ('l'), or a header of an answer ('h'). Compares two saved lists, one a line ('L').
 */

#include "fuzz-host.h"
#include "http.h"
#include "backend.h"
#include "machine-compare.h"

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

static int parse(char kind, const char *text, size_t size, struct machine *machine, struct error *error) {
        if (kind == 'c')
                return cloud_hypervisor_parse("input", text, size, machine, error);
        if (kind == 'l')
                return list_parse("input", text, size, machine, error);
        return firecracker_parse("input", text, size, kind == 'F', machine, error);
}

static int check_difference(void *userdata, const struct device *before, const struct device *after) {
        CHECK(before || after);
        CHECK(!before || device_get_path(before));
        CHECK(!after || device_get_path(after));
        CHECK(!before || !after || device_compare_places(before, after) != 0);
        ++*(size_t *) userdata;
        return 0;
}

static void check_comparison(const char *text, size_t size) {
        const char *end = memchr(text, '\n', size);
        _cleanup_machine_ struct machine a = {}, b = {};
        struct error error;
        size_t n = 0, back = 0;

        if (!end || list_parse("a", text, (size_t) (end - text), &a, &error) < 0 ||
            list_parse("b", end + 1, size - (size_t) (end - text) - 1, &b, &error) < 0)
                return;
        check_machine(&a);
        check_machine(&b);
        (void) machine_compare(&a, &a, check_difference, &n);
        CHECK(n == 0);
        (void) machine_compare(&a, &b, check_difference, &n);
        (void) machine_compare(&b, &a, check_difference, &back);
        CHECK(n == back);
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

        if (*data == 'L') {
                check_comparison(text, size - 1);
                return 0;
        }

        r = parse((char) *data, text, size - 1, &machine, &error);
        if (r < 0)
                CHECK(error.text[0] != '\0');
        else
                check_machine(&machine);
        return 0;
}
