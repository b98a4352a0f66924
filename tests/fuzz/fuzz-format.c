/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text in any format: it is refused at one of its bytes and nothing is touched, or it is a path that is read
 * again as itself from every format that can express it, this one among them if it can.
 */

#include <string.h>

#include "fuzz.h"
#include "format.h"
#include "device-spec.h"
#include "util.h"

static struct uid_map_row rows[] = {
        { 0,    { .type = PCI_ROOT_BUS }              },
        { 0x40, { .type = PCI_ROOT_BUS, .bus = 0x40 } },
};
static const struct uid_map machine = { ELEMENTSOF(rows), rows };

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        return 0;
}

static void check_every_format(const struct pci_path *path) {
        for (size_t i = 0; i < format_table_size; i++) {
                const struct format *s = &format_table[i];
                char text[FORMAT_MAX];
                const char *reason = NULL;
                struct pci_path read;

                if (s->print(path, &machine, text, &reason) < 0) {
                        CHECK(reason);
                        continue;
                }
                CHECK(strlen(text) < sizeof(text));
                CHECK(s->parse(text, &machine, &read, NULL) == 0);
                CHECK(pci_path_compare(path, &read) == 0);
        }
}

static void check_format(const struct format *s, const char *text) {
        struct pci_path path, untouched;
        struct pci_path_error error = {};

        memset(&path, 0xa5, sizeof(path));
        memset(&untouched, 0xa5, sizeof(untouched));
        if (s->parse(text, &machine, &path, &error) < 0) {
                CHECK(error.reason && error.offset <= strlen(text));
                CHECK(memcmp(&path, &untouched, sizeof(path)) == 0);
                return;
        }

        CHECK(!error.reason);
        CHECK(path.n_hops >= 1 && path.n_hops <= PCI_PATH_HOPS_MAX);
        check_every_format(&path);
}

/* A link is a target, too: the same one. */
static void check_link(const struct device_spec *spec) {
        char link[DEVICE_SPEC_LINK_MAX], again[DEVICE_SPEC_LINK_MAX];
        struct device_spec found;

        if (device_spec_print_link(spec, link) < 0)
                return;

        CHECK(strlen(link) < sizeof(link) && !strchr(link + strlen(DISK_LINKS), '/'));
        CHECK(device_spec_parse(link + strlen(DISK_LINKS), &machine, &found, NULL) == 0);
        CHECK(device_spec_print_link(&found, again) == 0 && strcmp(again, link) == 0);
}

/* All of a text is in the targets of the list that it is, and the commas between them. */
static void check_list(const char *text) {
        size_t span = device_spec_list_span(text);

        CHECK(span <= strlen(text) && (text[span] == '\0' || text[span] == ','));
}

static void check_device_spec(const char *text) {
        struct pci_path_error error = {};
        struct device_spec spec;

        if (device_spec_parse(text, &machine, &spec, &error) < 0) {
                CHECK(error.reason && error.offset <= strlen(text));
                return;
        }

        CHECK(spec.path.n_hops >= 1 && strlen(spec.selector.suffix) <= LINK_NAME_MAX);
        CHECK(spec.selector.part <= UINT16_MAX);
        check_link(&spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text;

        text = strndup((const char *) data, size);
        if (!text)
                return 0;

        for (size_t i = 0; i < format_table_size; i++)
                check_format(&format_table[i], text);
        check_device_spec(text);
        check_list(text);

        free(text);
        return 0;
}
