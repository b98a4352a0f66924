/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Formats of other programs: every vector of the table both ways, texts that each refuses, and paths that it cannot
 * express.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"
#include "test-util.h"
#include "util.h"

/* A machine with an expander, whose _UID is its bus number (QEMU), and one whose _UID is not. */
static struct uid_map_row rows[] = {
        { 0,    { .type = PCI_ROOT_BUS }                           },
        { 0x40, { .type = PCI_ROOT_BUS, .bus = 0x40 }              },
        { 7,    { .type = PCI_ROOT_BUS, .domain = 1, .bus = 0x80 } },
};
static const struct uid_map machine = { ELEMENTSOF(rows), rows };

/* The table of the manual. NULL: the format cannot express the path. */
static const struct {
        const char *path, *flat, *kata, *kernel, *lspci, *uefi, *uefi_live, *qemu;
} vectors[] = {
        { "02.0", "02.0", "02", "0000:00:02.0", "00:02.0",
          "PciRoot(0x0)/Pci(0x2,0x0)", "PciRoot(0x0)/Pci(0x2,0x0)", "/pci@i0cf8/@2" },
        { "02.0/03.0", "02.0-03.0", "02/03", "0000:00:02.0/03.0", "00:02.0/03.0",
          "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x0)", "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x0)",
          "/pci@i0cf8/pci-bridge@2/@3" },
        { "02.1/00.0/1f.7", "02.1-00.0-1f.7", NULL, "0000:00:02.1/00.0/1f.7", "00:02.1/00.0/1f.7",
          "PciRoot(0x0)/Pci(0x2,0x1)/Pci(0x0,0x0)/Pci(0x1f,0x7)",
          "PciRoot(0x0)/Pci(0x2,0x1)/Pci(0x0,0x0)/Pci(0x1f,0x7)",
          "/pci@i0cf8/pci-bridge@2,1/pci-bridge@0/@1f,7" },
        { "0000:40:00.0/00.0", "0000_40_00.0-00.0", NULL, "0000:40:00.0/00.0", "40:00.0/00.0",
          NULL, "PciRoot(0x40)/Pci(0x0,0x0)/Pci(0x0,0x0)", NULL },
        { "0001:80:03.0", "0001_80_03.0", NULL, "0001:80:03.0", "0001:80:03.0",
          NULL, "PciRoot(0x7)/Pci(0x3,0x0)", NULL },
        { "ffff:00:03.0", "ffff_00_03.0", NULL, "ffff:00:03.0", "ffff:00:03.0", NULL, NULL, NULL },
        { "02.0/00.0v3", "02.0-00.0v3", NULL, NULL, NULL, NULL, NULL, NULL },
        { "0e.0/e0:01.0/00.0", "0e.0-e0_01.0-00.0", NULL, NULL, NULL, NULL, NULL, NULL },
        { "10000:e0:01.0", "10000_e0_01.0", NULL, NULL, NULL, NULL, NULL, NULL },
        { GUID ":02.0", GUID "_02.0", NULL, NULL, NULL, NULL, NULL, NULL },
};

/* What a format reads and does not write. */
static const struct {
        const char *from, *text, *path;
} read_only[] = {
        { "kata",   "02.0/03.1",                                      "02.0/03.1"         },
        { "kata",   "2/3",                                            "02.0/03.0"         },
        { "kernel", "00:02.0/00.0",                                   "02.0/00.0"         },
        { "kernel", "1a:02.0/00.0",                                   "0000:1a:02.0/00.0" },
        { "lspci",  "0000:00:02.0/00.0",                              "02.0/00.0"         },
        { "lspci",  "00:02.0/01:00.0/02:03.0",                        "02.0/00.0/03.0"    }, /* -PP */
        { "lspci",  "0001:00:02.0/0001:01:00.0",                      NULL                },
        { "uefi",   "pciroot(0)/pci(2,0)",                            "02.0"              },
        { "uefi",   "PcieRoot(0x0)/Pci(0x1F,0x2)",                    "1f.2"              },
        { "uefi",   "PciRoot(0x0)/Pci(31,7)",                         "1f.7"              },
        { "qemu",   "/pci@i0cf8/pci-bridge@2/scsi@3",                 "02.0/03.0"         },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0,0",                     "03.0"              },
        { "qemu",   "/pci@i0cf8/scsi@1c,7/channel@0/disk@0,1",        "1c.7"              },
        { "qemu",   "/pci@i0cf8/ide@1,1/drive@0/disk@0",              "01.1"              },
        { "qemu",   "/pci@i0cf8/ethernet@4/ethernet-phy@0",           "04.0"              },
        { "qemu",   "/pci@i0cf8/pci8086,5845@6/namespace@1,0",        "06.0"              },
        { "qemu",   "/pci@i0cf8/usb@5/storage@1/channel@0/disk@0,0",  "05.0"              },
        { "qemu",   "/pci@i0cf8/usb@5/usb-serial@1",                  "05.0"              },
};

static const struct {
        const char *from, *text;
        size_t offset;
        const char *reason; /* a part of it */
} refused[] = {
        { "path",   "02.0-00.0",                     4,  "flat form"        },
        { "flat",   "02.0/00.0",                     4,  "flat form"        },
        { "kata",   "",                              0,  "empty"            },
        { "kata",   "0000:40:02.0",                  4,  "slots"            },
        { "kata",   "02/20",                         3,  "00 to 1f"         },
        { "kata",   "02.0v1",                        4,  "slots"            },
        { "kernel", "02.0/00.0",                     0,  "bus of the root"  },
        { "kernel", "00:02.0/01:00.0",               10, "only the root"    },
        { "kernel", "10000:e0:01.0",                 0,  "kernel's own"     },
        { "kernel", GUID ":02.0",                    0,  "[domain:]bus"     },
        { "kernel", "00:02.0v3",                     7,  "no such character" },
        { "lspci",  "10000:e0:01.0/00.0",            0,  "kernel's own"     },
        { "lspci",  "02.0",                          0,  "bus of the root"  },
        { "uefi",   "",                              0,  "PciRoot("         },
        { "uefi",   "Pci(0x2,0x0)",                  0,  "PciRoot("         },
        { "uefi",   "PciRoot(0x0)",                  12, "without a slot"   },
        { "uefi",   "PciRoot()/Pci(0x2,0x0)",        8,  "number is missing" },
        { "uefi",   "PciRoot(0x40)/Pci(0x0,0x0)",    8,  "--live"           },
        { "uefi",   "PciRoot(0x0/Pci(0x0,0x0)",      11, "')'"              },
        { "uefi",   "PciRoot(0x0)/Pci(0x20,0x0)",    17, "at most 0x1f"     },
        { "uefi",   "PciRoot(0x0)/Pci(0x0,0x8)",     17, "at most 7"        },
        { "uefi",   "PciRoot(0x0)/Pci(0x0)",         20, "','"              },
        { "uefi",   "PciRoot(0x0)/Pci(0x0,0x0",      24, "')'"              },
        { "uefi",   "PciRoot(0x0)/Pci(0x0,0x0)/HD(1)", 25, "neither the end" },
        { "uefi",   "PciRoot(0x100000000)/Pci(0,0)", 10, "too large"        },
        { "uefi",   "PciRoot(0x)/Pci(0,0)",          10, "number is missing" },
        { "qemu",   "/pci@i0cf8",                    10, "without a slot"   },
        { "qemu",   "/pci@i0cf8/disk@0",             10, "without a slot"   },
        { "qemu",   "/pci@i0cf8,1/scsi@0",           10, "counts its expander" },
        { "qemu",   "/pci@i0cf8/scsi",               15, "without '@'"      },
        { "qemu",   "/pci@i0cf8/scsi@",              16, "number is missing" },
        { "qemu",   "/pci@i0cf8/scsi@20",            16, "at most 0x1f"     },
        { "qemu",   "/pci@i0cf8/scsi@2,8",           16, "at most 7"        },
        { "qemu",   "/pci@i0cf8/scsi@2x",            17, "neither the end"  },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0';x;'", 24, "neither the end"  },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0,0 /x", 26, "neither the end"  },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@",       23, "number is missing" },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0,",     25, "number is missing" },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0/x",    26, "without '@'"      },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0/",     25, "without '@'"      },
        { "qemu",   "/pci@i0cf8/scsi@3/disk@0/$(x)@0", 25, "such a character" },
        { "qemu",   "/pci@i0cf8/sc';x;'si@3",        13, "such a character" },
        { "qemu",   "/pci@i0cf8/@2/disk@0\n",        20, "neither the end"  },
        { "qemu",   "pci@i0cf8/scsi@2",              0,  "/pci@i0cf8"       },
};

static void assert_reads(const char *name, const char *text, const struct uid_map *uids, const char *path) {
        struct pci_path_error error = {};
        struct pci_path expected, found;

        read_path(path, &expected);
        if (format_find(name)->parse(text, uids, &found, &error) != 0)
                fail_msg("%s: '%s' is refused at %zu: %s", name, text, error.offset, error.reason);
        if (pci_path_compare(&expected, &found) != 0)
                fail_msg("%s: '%s' is not read as %s", name, text, path);
}

/* @text NULL: it cannot be written, and the reason is given. */
static void assert_writes(const char *name, const char *text, const struct uid_map *uids, const char *path) {
        char buf[FORMAT_MAX];
        struct pci_path value;
        const char *reason = NULL;
        int r;

        read_path(path, &value);
        r = format_find(name)->print(&value, uids, buf, &reason);
        if (!text) {
                assert_int_equal(r, -EINVAL);
                assert_non_null(reason);
        } else {
                assert_int_equal(r, 0);
                assert_string_equal(buf, text);
        }
}

static void assert_both_ways(const char *name, const char *text, const struct uid_map *uids, const char *path) {
        assert_writes(name, text, uids, path);
        if (text)
                assert_reads(name, text, uids, path);
}

static void test_vectors(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
                assert_both_ways("path", vectors[i].path, NULL, vectors[i].path);
                assert_both_ways("flat", vectors[i].flat, NULL, vectors[i].path);
                assert_both_ways("kata", vectors[i].kata, NULL, vectors[i].path);
                assert_both_ways("kernel", vectors[i].kernel, NULL, vectors[i].path);
                assert_both_ways("lspci", vectors[i].lspci, NULL, vectors[i].path);
                assert_both_ways("uefi", vectors[i].uefi, NULL, vectors[i].path);
                assert_both_ways("uefi", vectors[i].uefi_live, &machine, vectors[i].path);
                assert_both_ways("qemu", vectors[i].qemu, NULL, vectors[i].path);
        }
}

static void test_examples(void **state) {
        (void) state;

        for (size_t i = 0; i < format_table_size; i++)
                assert_both_ways(format_table[i].name, format_table[i].example, NULL, "02.0/00.0");
        assert_null(format_find("pci"));
}

static void test_read_only(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(read_only); i++) {
                const struct format *s = format_find(read_only[i].from);
                struct pci_path path;

                if (read_only[i].path)
                        assert_reads(read_only[i].from, read_only[i].text, NULL, read_only[i].path);
                else
                        assert_int_equal(s->parse(read_only[i].text, NULL, &path, NULL), -EINVAL);
        }
}

static void test_refused(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                struct pci_path path, before;
                struct pci_path_error error = {};

                memset(&path, 0xa5, sizeof(path));
                before = path;
                if (format_find(refused[i].from)->parse(refused[i].text, NULL, &path, &error) != -EINVAL)
                        fail_msg("%s: '%s' is taken", refused[i].from, refused[i].text);
                assert_memory_equal(&path, &before, sizeof(path));
                if (error.offset != refused[i].offset || !strstr(error.reason, refused[i].reason))
                        fail_msg("%s: '%s' is refused at %zu (%s), not at %zu (%s)", refused[i].from, refused[i].text,
                                 error.offset, error.reason, refused[i].offset, refused[i].reason);
        }
}

/* With a machine to ask, the custom that _UID 0 is the first root counts no more. */
static void test_live_uids(void **state) {
        static struct uid_map_row row = { 3, { .type = PCI_ROOT_BUS } };
        static const struct uid_map other = { 1, &row }, empty = {};
        struct pci_path path;

        (void) state;

        assert_both_ways("uefi", "PciRoot(0x3)/Pci(0x2,0x0)", &other, "02.0");
        assert_int_equal(format_find("uefi")->parse("PciRoot(0x0)/Pci(0x2,0x0)", &other, &path, NULL), -EINVAL);
        assert_both_ways("uefi", "PciRoot(0x0)/Pci(0x2,0x0)", &empty, "02.0");
}

/* 255 hops fit every buffer, 256 are refused. */
static void test_longest(void **state) {
        struct pci_path path = { .n_hops = PCI_PATH_HOPS_MAX }, again;
        char buf[FORMAT_MAX + 32];
        const char *reason;

        (void) state;

        for (size_t i = 0; i < path.n_hops; i++)
                path.hops[i] = (struct pci_hop){
                        .bus = PCI_HOP_NO_BUS, .slot = 0x1f, .function = 7, .vf = PCI_HOP_NO_VF
                };

        for (size_t i = 0; i < format_table_size; i++) {
                const struct format *s = &format_table[i];

                if (streq(s->name, "kata"))
                        continue;
                assert_int_equal(s->print(&path, NULL, buf, &reason), 0);
                assert_true(strlen(buf) < FORMAT_MAX);
                assert_int_equal(s->parse(buf, NULL, &again, NULL), 0);
                assert_int_equal(pci_path_compare(&path, &again), 0);

                if (streq(s->name, "flat"))
                        strcat(buf, "-00.0");
                else if (streq(s->name, "uefi"))
                        strcat(buf, "/Pci(0,0)");
                else
                        strcat(buf, streq(s->name, "qemu") ? "/@0" : "/00.0");
                assert_int_equal(s->parse(buf, NULL, &again, NULL), -EINVAL);
        }
}

static void test_any(void **state) {
        static const char *const texts[] = {
                "02.0/03.0", "02.0-03.0", "02/03", "0000:00:02.0/03.0", "00:02.0/03.0",
                "PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x3,0x0)", "/pci@i0cf8/pci-bridge@2/scsi@3/disk@0,0"
        };
        struct pci_path expected, found;

        (void) state;

        read_path("02.0/03.0", &expected);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                assert_int_equal(format_parse_any(texts[i], NULL, &found, NULL), 0);
                assert_int_equal(pci_path_compare(&expected, &found), 0);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),
                cmocka_unit_test(test_examples),
                cmocka_unit_test(test_read_only),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_live_uids),
                cmocka_unit_test(test_longest),
                cmocka_unit_test(test_any),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
