/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Device specifications: a path in any format with a suffix, a partition and a type, lists of them, and the link of
 * each.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "device-spec.h"
#include "test-util.h"
#include "util.h"

static const struct {
        const char *text, *path, *suffix;
        unsigned part;
} good_specs[] = {
        { "02.0",                                        "02.0",      "",               0   },
        { "02.0,part=1",                                 "02.0",      "",               1   },
        { "02.0/00.0,nvme-2",                            "02.0/00.0", "nvme-2",         0   },
        { "02.0/00.0,scsi-0:0:1:0,part=12",              "02.0/00.0", "scsi-0:0:1:0",   12  },
        { "02.0-part1",                                  "02.0",      "",               1   },
        { "02.0-00.0-part128",                           "02.0/00.0", "",               128 },
        { "02.0-00.0-nvme-2",                            "02.0/00.0", "nvme-2",         0   },
        { "02.0-00.0-nvme-2-part1",                      "02.0/00.0", "nvme-2",         1   },
        { "1f.2-ata-1.0",                                "1f.2",      "ata-1.0",        0   },
        { "02.0-00.0-usb-0:1:1.0-scsi-0:0:0:0-part1",    "02.0/00.0", "usb-0:1:1.0-scsi-0:0:0:0", 1 },
        { "PciRoot(0x0)/Pci(0x2,0x0),part=1",            "02.0",      "",               1   },
        { "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)",      "02.0/00.0", "",               0   },
        { "/pci@i0cf8/pci-bridge@2/scsi@3,1,part=2",     "02.0/03.1", "",               2   },
        { "/pci@i0cf8/scsi@3/disk@0,0",                  "03.0",      "",               0   },
        { "02.0/00.0,np0",                               "02.0/00.0", "np0",            0   },
        { "02.0/00.0,d1",                                "02.0/00.0", "d1",             0   },
        { "02.0/00.0,S88np0",                            "02.0/00.0", "np0",            0   },
        { "02.0/00.0,S0",                                "02.0/00.0", "",               0   },
        { "02.0/00.0v3,npf0vf1_x.y-z",                   "02.0/00.0v3", "npf0vf1_x.y-z", 0  },
        { "02.0-00.0np0",                                "02.0/00.0", "np0",            0   },
        { "02.0-00.0v3d12",                              "02.0/00.0v3", "d12",          0   },
        { "0000_40_00.0-00.0S7",                         "0000:40:00.0/00.0", "",       0   },
};

static const struct {
        const char *text;
        size_t offset;
} bad_specs[] = {
        { "", 0 },
        { "02.9", 3 },
        { "02.0,part=0", 10 },
        { "02.0,part=", 10 },
        { "02.0,part=x", 10 },
        { "02.0,part=1x", 10 },
        { "02.0,part=65536", 10 },
        { "02.0-part", 9 },
        { "02.0,", 4 },
        { ",part=1", 0 },
        { "02.0,part=+1", 10 },
        { "02.0,nvm-2", 5 },
        { "02.0-nvm-2", 5 },
        { "02.0,nvme", 5 },
        { "02.0,03.0", 5 },
        { "02.0,nvme-2/3", 11 },
        { "02.0,nvme-2,nvme-3", 11 },
        { "02.0,scsi-0:0:1:0 ", 17 },
        { "02.0,n", 5 },
        { "02.0,d0", 5 },
        { "02.0,d1x", 5 },
        { "02.0,S", 5 },
        { "02.0,S088", 5 },
        { "02.0,np:0", 5 },
        { "02.0,np0,part=1", 5 },
        { "02.0np0-part1", 4 },
        { "02.0,np0,d1", 5 },
        { "02.9np0", 3 },
};

static void test_device_specs(void **state) {
        char *longest;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(good_specs); i++) {
                struct pci_path_error error = {};
                struct pci_path expected;
                struct device_spec spec;

                read_path(good_specs[i].path, &expected);
                if (device_spec_parse(good_specs[i].text, NULL, &spec, &error) != 0)
                        fail_msg("'%s' is refused at %zu: %s", good_specs[i].text, error.offset, error.reason);
                assert_int_equal(pci_path_compare(&expected, &spec.path), 0);
                assert_string_equal(spec.selector.suffix, good_specs[i].suffix);
                assert_int_equal(spec.selector.part, good_specs[i].part);
        }

        for (size_t i = 0; i < ELEMENTSOF(bad_specs); i++) {
                struct pci_path_error error = {};
                struct device_spec spec;

                if (device_spec_parse(bad_specs[i].text, NULL, &spec, &error) != -EINVAL)
                        fail_msg("'%s' is taken", bad_specs[i].text);
                if (error.offset != bad_specs[i].offset)
                        fail_msg("'%s' is refused at %zu (%s), not at %zu", bad_specs[i].text, error.offset,
                                 error.reason, bad_specs[i].offset);
        }

        longest = test_malloc(100001);
        memset(longest, '0', 100000);
        longest[100000] = '\0';
        assert_int_equal(device_spec_parse(longest, NULL, &(struct device_spec){}, &(struct pci_path_error){}),
                         -EINVAL);
        test_free(longest);
}

static void test_types_of_device_specs(void **state) {
        static const struct {
                const char *text;
                size_t offset;
        } bad[] = {
                { "02.0,type=", 10 },
                { "02.0,type=net,part=1", 13 },
                { "02.0,type=Net", 10 },
                { ",type=net", 0 },
        };
        struct pci_path_error error;
        struct device_spec spec;

        (void) state;

        assert_int_equal(device_spec_parse("02.0/00.0,type=pci", NULL, &spec, &error), 0);
        assert_string_equal(spec.selector.type, "pci");
        assert_int_equal(device_spec_parse("02.0,nvme-1,part=2,type=block", NULL, &spec, &error), 0);
        assert_string_equal(spec.selector.type, "block");
        assert_string_equal(spec.selector.suffix, "nvme-1");
        assert_int_equal(spec.selector.part, 2);
        assert_int_equal(device_spec_parse("02.0", NULL, &spec, &error), 0);
        assert_null(spec.selector.type);

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_int_equal(device_spec_parse(bad[i].text, NULL, &spec, &error), -EINVAL);
                assert_int_equal(error.offset, bad[i].offset);
        }
}

static void test_lists_of_device_specs(void **state) {
        static const char *const lists[][4] = {
                { "02.0", "2/0", "40:00.0/00.0" },
                { "02.0/00.0,part=1", "02.1/00.0,nvme-2,part=3", "02.2-00.0-scsi-0:0:1:0" },
                { "02.0,type=pci", "fe:00.0", "fe_00.0-00.0,type=net" },
                { "PciRoot(0x0)/Pci(0x2,0x0),part=1", "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x1)", "02.0" },
                { "/pci@i0cf8/pci-bridge@2/scsi@3,1,part=2", "/pci@i0cf8/scsi@3,1/disk@0,0", "/pci@i0cf8/scsi@3",
                  "04.0" },
                /* A list can have elements that are refused when they are parsed. */
                { "", "02.0", "nvm-2" },
                { "02.0,np0", "02.0,S88d1", "02.0,d1", "d1:00.0" },
                { "02.0", "" },
                { "PciRoot(0x0,02.0" },
        };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(lists); i++) {
                char text[256] = "", *p = text;

                for (size_t j = 0; j < 4 && lists[i][j]; j++)
                        p += sprintf(p, j == 0 ? "%s" : ",%s", lists[i][j]);
                p = text;
                for (size_t j = 0; j < 4 && lists[i][j]; j++) {
                        size_t span = device_spec_list_span(p);

                        assert_int_equal(span, strlen(lists[i][j]));
                        p += span + (p[span] == ',');
                }
        }
}

static void test_links_of_device_specs(void **state) {
        static const char *const links[][2] = {
                { "2/0",                            "02.0-00.0"                       },
                { "40:00.0/00.0,part=2",            "0000_40_00.0-00.0-part2"         },
                { "02.0/00.0,nvme-2,part=65535",    "02.0-00.0-nvme-2-part65535"      },
                { "02.0-00.0-scsi-0:0:1:5-part1",   "02.0-00.0-scsi-0:0:1:5-part1"    },
                { "PciRoot(0x0)/Pci(0x2,0x0),part=1", "02.0-part1"                    },
                { "/pci@i0cf8/scsi@3,1,part=2",     "03.1-part2"                      },
        };
        char text[8 * 60 + 1] = "", link[DEVICE_SPEC_LINK_MAX];
        struct pci_path_error error;
        struct device_spec spec;

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                assert_int_equal(device_spec_parse(links[i][0], NULL, &spec, &error), 0);
                assert_int_equal(device_spec_print_link(&spec, link), 0);
                assert_int_equal(strncmp(link, DISK_LINKS, strlen(DISK_LINKS)), 0);
                assert_string_equal(link + strlen(DISK_LINKS), links[i][1]);
        }

        /* 51 hops are 254 bytes: room for no partition. */
        for (int i = 0; i < 51; i++)
                strcat(text, i == 0 ? "02.0" : "/02.0");
        assert_int_equal(device_spec_parse(text, NULL, &spec, &error), 0);
        assert_int_equal(device_spec_print_link(&spec, link), 0);
        assert_int_equal(strlen(link), strlen(DISK_LINKS) + 254);
        spec.selector.part = 1;
        assert_int_equal(device_spec_print_link(&spec, link), -E2BIG);

        assert_int_equal(device_spec_parse("02.0,type=net", NULL, &spec, &error), 0);
        assert_int_equal(device_spec_print_link(&spec, link), -EINVAL);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_device_specs),
                cmocka_unit_test(test_types_of_device_specs),
                cmocka_unit_test(test_lists_of_device_specs),
                cmocka_unit_test(test_links_of_device_specs),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
