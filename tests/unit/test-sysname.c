/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kernel's names of PCI functions and root buses, and the GUIDs of VMBus devices.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pci-path.h"
#include "test-util.h"
#include "util.h"

static const struct {
        const char *sysname;
        uint8_t slot, function;
} good_functions[] = {
        { "0000:00:00.0",     0x00, 0 },
        { "0000:01:02.3",     0x02, 3 },
        { "0000:ff:1f.7",     0x1f, 7 },
        { "ffff:a0:1e.5",     0x1e, 5 },
        { "10000:e0:01.0",    0x01, 0 },
        { "ffffffff:00:10.1", 0x10, 1 },
};

static const char *const bad_functions[] = {
        "", "0000", "0000:", "0000:01", "0000:01:", "0000:01:02", "0000:01:02.", "01:02.0", "000:01:02.0",
        "123456789:01:02.0", "0000:1:02.0", "0000:001:02.0", "0000:01:2.0", "0000:01:002.0", "0000:01:20.0",
        "0000:01:02.8", "0000:01:02.00", "0000:01:02.0 ", " 0000:01:02.0", "0000:01:02.0v1", "0000:01:02.0/00.0",
        "0000_01_02.0", "0000-01-02.0", "g000:01:02.0", "0000:01:0g.0", "0000:01:02,0", "0000:01:02.0\n",
        "virtio1", "pci0000:00", "0000:00:02.0:pcie001"
};

static void test_function_sysname(void **state) {
        struct pci_hop hop;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(good_functions); i++) {
                assert_int_equal(pci_hop_parse_sysname(good_functions[i].sysname, &hop), 0);
                assert_int_equal(hop.slot, good_functions[i].slot);
                assert_int_equal(hop.function, good_functions[i].function);
                assert_int_equal(hop.bus, PCI_HOP_NO_BUS);
                assert_int_equal(hop.vf, PCI_HOP_NO_VF);
        }

        for (size_t i = 0; i < ELEMENTSOF(bad_functions); i++) {
                fill(&hop, sizeof(hop));
                if (pci_hop_parse_sysname(bad_functions[i], &hop) != -EINVAL)
                        fail_msg("'%s' is taken", bad_functions[i]);
                assert_filled(&hop, sizeof(hop));
        }
}

static const struct {
        const char *sysname;
        uint32_t domain;
        uint8_t bus;
} good_roots[] = {
        { "pci0000:00",     0x0,        0x00 },
        { "pci0000:40",     0x0,        0x40 },
        { "pci0001:00",     0x1,        0x00 },
        { "pciffff:ff",     0xffff,     0xff },
        { "pci10000:e0",    0x10000,    0xe0 },
        { "pciffffffff:00", 0xffffffff, 0x00 },
};

static const char *const bad_roots[] = {
        "", "pci", "pci0000", "pci0000:", "pci0000:0", "pci0000:000", "pci000:00", "pci123456789:00", "0000:00",
        "PCI0000:00", "pci:0000:00", "pci 0000:00", "pci0000:00 ", "pci0000:00:", "pci0000:00:02.0", "pci0000_00",
        "pcig000:00", "pci0000:0g", "4010000000.pcie"
};

static void test_root_sysname(void **state) {
        struct pci_root root;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(good_roots); i++) {
                assert_int_equal(pci_root_parse_sysname(good_roots[i].sysname, &root), 0);
                assert_int_equal(root.type, PCI_ROOT_BUS);
                assert_int_equal(root.domain, good_roots[i].domain);
                assert_int_equal(root.bus, good_roots[i].bus);
        }

        for (size_t i = 0; i < ELEMENTSOF(bad_roots); i++) {
                fill(&root, sizeof(root));
                if (pci_root_parse_sysname(bad_roots[i], &root) != -EINVAL)
                        fail_msg("'%s' is taken", bad_roots[i]);
                assert_filled(&root, sizeof(root));
        }
}

static const char *const good_guids[] = {
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f0}",
        "{FD1D2CBD-CE7C-535C-966B-EB5F811C95F0}",
};

static const char *const bad_guids[] = {
        "", "{", "{}", GUID, "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0", "{" GUID "}",
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f0", "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f0}\n",
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f0}}", "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f}",
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95f00}", "{fd1d2cb-dce7c-535c-966b-eb5f811c95f0}",
        "{fd1d2cbd_ce7c_535c_966b_eb5f811c95f0}", "{gd1d2cbd-ce7c-535c-966b-eb5f811c95f0}",
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95 0}", "{fd-1d2cbdce7c-535c-966b-eb5f811c95f0}"
};

static void test_guid(void **state) {
        struct pci_root root;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(good_guids); i++) {
                struct pci_path path = {
                        .n_hops = 1,
                        .hops[0] = { .bus = PCI_HOP_NO_BUS, .slot = 2, .vf = PCI_HOP_NO_VF },
                };

                assert_int_equal(pci_root_parse_guid(good_guids[i], &path.root), 0);
                assert_prints(&path, PCI_PATH_CANONICAL, GUID ":02.0");
        }

        for (size_t i = 0; i < ELEMENTSOF(bad_guids); i++) {
                fill(&root, sizeof(root));
                if (pci_root_parse_guid(bad_guids[i], &root) != -EINVAL)
                        fail_msg("'%s' is taken", bad_guids[i]);
                assert_filled(&root, sizeof(root));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_function_sysname),
                cmocka_unit_test(test_root_sysname),
                cmocka_unit_test(test_guid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
