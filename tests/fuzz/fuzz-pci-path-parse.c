/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text: it is refused at one of its bytes and nothing is touched, or it is a path whose two printed forms are read
 * as the same path again.
 */

#include <string.h>

#include "fuzz.h"
#include "pci-path.h"
#include "util.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        return 0;
}

static void check_round_trip(const struct pci_path *path) {
        static const enum pci_path_form forms[] = { PCI_PATH_CANONICAL, PCI_PATH_FLAT };
        char text[PCI_PATH_STRING_MAX], again[PCI_PATH_STRING_MAX];
        struct pci_path read;

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                CHECK(pci_path_print(path, forms[i], text) == strlen(text));
                CHECK(strspn(text, "0123456789abcdef.v/:-_") == strlen(text));
                CHECK(pci_path_parse(text, &read, NULL) == 0);
                CHECK(pci_path_compare(path, &read) == 0);
                pci_path_print(&read, forms[i], again);
                CHECK(streq(text, again));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct pci_path path, untouched;
        struct pci_path_error error = {};
        struct pci_root root;
        struct pci_hop hop;
        char *text;

        text = malloc(size + 1);
        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        memset(&path, 0xa5, sizeof(path));
        memset(&untouched, 0xa5, sizeof(untouched));
        if (pci_path_parse(text, &path, &error) == 0) {
                CHECK(!error.reason);
                check_round_trip(&path);
        } else {
                CHECK(error.reason && error.offset <= strlen(text));
                CHECK(memcmp(&path, &untouched, sizeof(path)) == 0);
        }

        if (pci_hop_parse_sysname(text, &hop) == 0)
                CHECK(hop.slot <= 0x1f && hop.function <= 7);
        if (pci_root_parse_sysname(text, &root) == 0)
                CHECK(root.type == PCI_ROOT_BUS);
        if (pci_root_parse_guid(text, &root) == 0)
                CHECK(root.type == PCI_ROOT_VMBUS);

        free(text);
        return 0;
}
