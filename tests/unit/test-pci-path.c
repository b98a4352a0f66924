/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PCI path as a value. Every expected text is one of the naming contract (pcipath-names(7)): a case is a
 * row of a table, a property is asserted over random paths. PCIPATH_TEST_SEED gives another seed.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pci-path.h"
#include "util.h"

#define N_RANDOM 20000
#define SEED_DEFAULT 20221214

#define GUID "fd1d2cbdce7c535c966beb5f811c95f0"

static const struct {
        const char *text;
        const char *canonical;
        const char *flat;
} good[] = {
        /* The contract's examples. */
        { "02.0",                       "02.0",                       "02.0"                       },
        { "02.0/00.0",                  "02.0/00.0",                  "02.0-00.0"                  },
        { "02.1/00.0/03.0/00.0",        "02.1/00.0/03.0/00.0",        "02.1-00.0-03.0-00.0"        },
        { "0000:40:00.0/00.0",          "0000:40:00.0/00.0",          "0000_40_00.0-00.0"          },
        { "0001:00:03.0",               "0001:00:03.0",               "0001_00_03.0"               },
        { "02.0/00.0v3",                "02.0/00.0v3",                "02.0-00.0v3"                },
        { "0e.0/e0:01.0/00.0",          "0e.0/e0:01.0/00.0",          "0e.0-e0_01.0-00.0"          },
        { GUID ":02.0",                 GUID ":02.0",                 GUID "_02.0"                 },

        /* Rule 6: the flat form is read, too. */
        { "02.0-00.0",                  "02.0/00.0",                  "02.0-00.0"                  },
        { "0000_40_00.0-00.0",          "0000:40:00.0/00.0",          "0000_40_00.0-00.0"          },
        { "0e.0-e0_01.0-00.0",          "0e.0/e0:01.0/00.0",          "0e.0-e0_01.0-00.0"          },
        { "02.0-00.0v3",                "02.0/00.0v3",                "02.0-00.0v3"                },
        { GUID "_02.0",                 GUID ":02.0",                 GUID "_02.0"                 },
        { "40_00.0",                    "0000:40:00.0",               "0000_40_00.0"               },

        /* Either case. */
        { "1F.7/0A.0",                  "1f.7/0a.0",                  "1f.7-0a.0"                  },
        { "ABCD:EF:1e.0",               "abcd:ef:1e.0",               "abcd_ef_1e.0"               },
        { "02.0V3",                     "02.0v3",                     "02.0v3"                     },
        { "FD1D2CBDCE7C535C966BEB5F811C95F0:02.0", GUID ":02.0",      GUID "_02.0"                 },

        /* Slots of one digit, a missing function. */
        { "2.0",                        "02.0",                       "02.0"                       },
        { "2",                          "02.0",                       "02.0"                       },
        { "0",                          "00.0",                       "00.0"                       },
        { "f",                          "0f.0",                       "0f.0"                       },
        { "1f",                         "1f.0",                       "1f.0"                       },
        { "02/03",                      "02.0/03.0",                  "02.0-03.0"                  }, /* Kata */
        { "2-3",                        "02.0/03.0",                  "02.0-03.0"                  },
        { "2v1",                        "02.0v1",                     "02.0v1"                     },
        { "0001:00:3",                  "0001:00:03.0",               "0001_00_03.0"               },

        /* A missing domain, and a root that is not printed. */
        { "40:00.0",                    "0000:40:00.0",               "0000_40_00.0"               },
        { "00:02.0",                    "02.0",                       "02.0"                       },
        { "0000:00:02.0",               "02.0",                       "02.0"                       },
        { "0000_00_02.0-00.0",          "02.0/00.0",                  "02.0-00.0"                  },
        { "00000000:00:02.0",           "02.0",                       "02.0"                       },
        { "0000:01:02.0",               "0000:01:02.0",               "0000_01_02.0"               },

        /* A domain of four to eight digits. */
        { "00001:00:02.0",              "0001:00:02.0",               "0001_00_02.0"               },
        { "10000:e0:01.0",              "10000:e0:01.0",              "10000_e0_01.0"              },
        { "123456:00:01.0",             "123456:00:01.0",             "123456_00_01.0"             },
        { "1234567:00:01.0",            "1234567:00:01.0",            "1234567_00_01.0"            },
        { "ffffffff:ff:1f.7",           "ffffffff:ff:1f.7",           "ffffffff_ff_1f.7"           },

        /* A nested bridge's bus is always said, 00 as well. */
        { "0e.0/00:01.0",               "0e.0/00:01.0",               "0e.0-00_01.0"               },
        { "0000:80:00.5/ff:1f.7/00.0",  "0000:80:00.5/ff:1f.7/00.0",  "0000_80_00.5-ff_1f.7-00.0"  },
        { "0e.0/E0:1",                  "0e.0/e0:01.0",               "0e.0-e0_01.0"               },

        /* The least and the greatest virtual function. */
        { "02.0v0",                     "02.0v0",                     "02.0v0"                     },
        { "02.0v65535",                 "02.0v65535",                 "02.0v65535"                 },
        { "0001:00:00.0v10",            "0001:00:00.0v10",            "0001_00_00.0v10"            },
};

static const struct {
        const char *text;
        size_t offset;
        const char *reason; /* a part of it */
} bad[] = {
        { "",                           0,  "empty string"      },

        /* An empty hop: at the start, in the middle, at the end. */
        { "/",                          0,  "empty hop"         },
        { "-",                          0,  "empty hop"         },
        { "/02.0",                      0,  "empty hop"         },
        { "-02.0",                      0,  "empty hop"         },
        { "02.0//00.0",                 5,  "empty hop"         },
        { "02.0--00.0",                 5,  "empty hop"         },
        { "02.0/",                      5,  "empty hop"         },
        { "02.0-",                      5,  "empty hop"         },
        { "40:",                        3,  "empty hop"         },
        { "0000:40:",                   8,  "empty hop"         },
        { "0000:40:/00.0",              8,  "empty hop"         },
        { "0e.0/e0:",                   8,  "empty hop"         },

        { "20.0",                       0,  "00 to 1f"          },
        { "ff.0",                       0,  "00 to 1f"          },
        { "02.0/20",                    5,  "00 to 1f"          },
        { "0001:00:20.0",               8,  "00 to 1f"          },
        { "002.0",                      2,  "one or two"        },
        { "02.0/000.0",                 7,  "one or two"        },
        { "0000",                       2,  "one or two"        },
        { GUID,                         2,  "one or two"        },

        { "02.8",                       3,  "0 to 7"            },
        { "02.a",                       3,  "0 to 7"            },
        { "02.",                        3,  "0 to 7"            },
        { "02./00.0",                   3,  "0 to 7"            },
        { "02.00",                      4,  "end of a hop"      },
        { "02.0.0",                     4,  "end of a hop"      },

        /* Signs, spaces, 0x and other text. */
        { "+2.0",                       0,  "slot"              },
        { "02.+0",                      3,  "0 to 7"            },
        { "02.-0",                      3,  "0 to 7"            },
        { " 02.0",                      0,  "slot"              },
        { "02.0 ",                      4,  "end of a hop"      },
        { "02.0\n",                     4,  "end of a hop"      },
        { "02.0/ 00.0",                 5,  "slot"              },
        { "02 .0",                      2,  "end of a hop"      },
        { "0x2.0",                      1,  "end of a hop"      },
        { "0x0000:00:02.0",             1,  "end of a hop"      },
        { "02.0/0x0.0",                 6,  "end of a hop"      },
        { ".0",                         0,  "slot"              },
        { "..",                         0,  "slot"              },
        { "../02.0",                    0,  "slot"              },
        { "g.0",                        0,  "slot"              },
        { "02,0",                       2,  "end of a hop"      },
        { "02.0\xc3\xa4",               4,  "end of a hop"      },
        { "\xff",                       0,  "slot"              },
        { "pci-0000:00:02.0",           8,  "separators"        }, /* systemd's by-path */
        { "pci0000:00",                 0,  "slot"              },

        /* Virtual functions. */
        { "02.0v",                      5,  "decimal"           },
        { "02.0v/00.0",                 5,  "decimal"           },
        { "02.0va",                     5,  "decimal"           },
        { "02.0v-1",                    5,  "decimal"           },
        { "02.0v+1",                    5,  "decimal"           },
        { "02.0v00",                    5,  "leading zero"      },
        { "02.0v03",                    5,  "leading zero"      },
        { "02.0v1a",                    6,  "end of a hop"      },
        { "02.0v65536",                 9,  "0 to 65535"        },
        { "02.0v70000",                 9,  "0 to 65535"        },
        { "02.0v655350",                10, "0 to 65535"        },
        { "02.0v18446744073709551616",  10, "0 to 65535"        }, /* 2^64 is not 0 */
        { "02.0v1v2",                   6,  "end of a hop"      },
        { "v1",                         0,  "slot"              },

        /* One form or the other. */
        { "02.0/00.0-00.0",             9,  "separators"        },
        { "02.0-00.0/00.0",             9,  "separators"        },
        { "0000:40_00.0",               7,  "separators"        },
        { "0000_40_00.0/00.0",          12, "separators"        },
        { "0000:40:00.0-00.0",          12, "separators"        },

        /* Roots. */
        { ":02.0",                      0,  "slot"              },
        { "4:00.0",                     0,  "root"              },
        { "400:00.0",                   0,  "root"              },
        { "000:40:00.0",                0,  "root"              },
        { "123456789:00:00.0",          0,  "root"              },
        { "0000:4:00.0",                5,  "bus"               },
        { "0000:400:00.0",              5,  "bus"               },
        { "0000::00.0",                 5,  "bus"               },
        { "0000:40",                    7,  "slot must follow"  },
        { "0000:40.0",                  7,  "slot must follow"  },
        { "0000:00:02:00.0",            10, "end of a hop"      },
        { "fd1d2cbdce7c535c966beb5f811c95f:02.0",   0,  "root"  }, /* 31 */
        { GUID "0:02.0",                0,  "root"              }, /* 33 */
        { GUID ":00:02.0",              35, "end of a hop"      },
        { "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0:02.0", 36, "separators" },

        /* Nested bridges. */
        { "0e.0/e:01.0",                5,  "bus"               },
        { "0e.0/0e0:01.0",              5,  "bus"               },
        { "0e.0/10000:e0:01.0",         5,  "bus"               },
        { "0e.0/e0:e0:01.0",            8,  "00 to 1f"          },
};

/* What a failing parser must leave as it was. */
static void fill(void *p, size_t n) {
        memset(p, 0xa5, n);
}

static void assert_filled(const void *p, size_t n) {
        const uint8_t *bytes = p;

        for (size_t i = 0; i < n; i++)
                assert_int_equal(bytes[i], 0xa5);
}

static void assert_prints(const struct pci_path *path, enum pci_path_form form, const char *expected) {
        char buf[PCI_PATH_STRING_MAX];
        size_t n;

        n = pci_path_print(path, form, buf);
        assert_string_equal(buf, expected);
        assert_int_equal(n, strlen(expected));
}

static void test_parse_good(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                struct pci_path path;
                struct pci_path_error error;

                fill(&error, sizeof(error));
                if (pci_path_parse(good[i].text, &path, &error) != 0)
                        fail_msg("'%s' is refused at %zu: %s", good[i].text, error.offset, error.reason);
                assert_filled(&error, sizeof(error));
                assert_prints(&path, PCI_PATH_CANONICAL, good[i].canonical);
                assert_prints(&path, PCI_PATH_FLAT, good[i].flat);
        }
}

static void test_parse_bad(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct pci_path path;
                struct pci_path_error error = {};

                fill(&path, sizeof(path));
                if (pci_path_parse(bad[i].text, &path, &error) != -EINVAL)
                        fail_msg("'%s' is taken", bad[i].text);
                assert_filled(&path, sizeof(path));
                if (error.offset != bad[i].offset)
                        fail_msg("'%s' is refused at %zu (%s), not at %zu",
                                 bad[i].text, error.offset, error.reason, bad[i].offset);
                if (!strstr(error.reason, bad[i].reason))
                        fail_msg("'%s' is refused for '%s', not for '%s'",
                                 bad[i].text, error.reason, bad[i].reason);

                assert_int_equal(pci_path_parse(bad[i].text, &path, NULL), -EINVAL);
        }
}

/* n times "0", with a separator between them. */
static char *make_hops(size_t n, char separator) {
        char *text;

        text = test_malloc(2 * n);
        for (size_t i = 0; i < n; i++) {
                text[2 * i] = '0';
                text[2 * i + 1] = separator;
        }
        text[2 * n - 1] = '\0';

        return text;
}

static void test_parse_many_hops(void **state) {
        static const char separators[] = { '/', '-' };

        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(separators); i++) {
                struct pci_path path;
                struct pci_path_error error = {};
                char *text;

                text = make_hops(255, separators[i]);
                assert_int_equal(pci_path_parse(text, &path, &error), 0);
                assert_int_equal(path.n_hops, 255);
                test_free(text);

                fill(&path, sizeof(path));
                text = make_hops(256, separators[i]);
                assert_int_equal(pci_path_parse(text, &path, &error), -EINVAL);
                assert_filled(&path, sizeof(path));
                assert_int_equal(error.offset, 510);
                assert_non_null(strstr(error.reason, "255 hops"));
                test_free(text);
        }
}

/* The longest text of all fits the buffer that the header promises for it. */
static void test_print_longest(void **state) {
        struct pci_path path = { .root.type = PCI_ROOT_VMBUS, .n_hops = PCI_PATH_HOPS_MAX };
        char buf[PCI_PATH_STRING_MAX];
        struct pci_path again;

        (void) state;

        for (size_t i = 0; i < path.n_hops; i++)
                path.hops[i] = (struct pci_hop){ .bus = i > 0 ? 0xff : PCI_HOP_NO_BUS,
                                                 .slot = 0x1f, .function = 7, .vf = 65535 };

        assert_int_equal(pci_path_print(&path, PCI_PATH_CANONICAL, buf), 33 + 10 + 254 * 14);
        assert_int_equal(strlen(buf), 33 + 10 + 254 * 14);
        assert_int_equal(pci_path_parse(buf, &again, NULL), 0);
        assert_int_equal(pci_path_compare(&path, &again), 0);
}

/* In the order of a printed tree: a bridge before what is behind it, roots by number. */
static const char *const ascending[] = {
        "00.0",
        "02.0",
        "02.0/00.0",
        "02.0/00.0/00.0",
        "02.0/00.0v0",
        "02.0/00.0v2",
        "02.0/00.0v10",
        "02.0/00.1",
        "02.0/0a.0",
        "02.0/10.0",
        "02.0/00:00.0",
        "02.0/e0:00.0",
        "02.1",
        "1f.7",
        "0000:01:00.0",
        "0000:40:00.0",
        "0000:ff:00.0",
        "0001:00:00.0",
        "ffff:00:00.0",
        "10000:00:00.0",
        "00000000000000000000000000000000:00.0",
        GUID ":02.0",
        "fd1d2cbdce7c535c966beb5f811c95f1:00.0",
};

static int sign(int r) {
        return (r > 0) - (r < 0);
}

static void test_compare(void **state) {
        (void) state;

        for (size_t i = 0; i < ELEMENTSOF(ascending); i++)
                for (size_t j = 0; j < ELEMENTSOF(ascending); j++) {
                        struct pci_path a, b;

                        assert_int_equal(pci_path_parse(ascending[i], &a, NULL), 0);
                        assert_int_equal(pci_path_parse(ascending[j], &b, NULL), 0);
                        if (sign(pci_path_compare(&a, &b)) != (i > j) - (i < j))
                                fail_msg("'%s' and '%s' are in the wrong order", ascending[i], ascending[j]);
                }
}

/* xorshift64*: the same numbers on every machine. */
static uint64_t random_state;

static uint32_t random_below(uint32_t n) {
        random_state ^= random_state >> 12;
        random_state ^= random_state << 25;
        random_state ^= random_state >> 27;
        return (uint32_t) ((random_state * UINT64_C(2685821657736338717)) >> 32) % n;
}

static void random_root(struct pci_root *ret) {
        static const unsigned domain_bits[] = { 0, 1, 16, 17, 20, 31, 32 };
        uint64_t range = UINT64_C(1) << domain_bits[random_below(ELEMENTSOF(domain_bits))];

        *ret = (struct pci_root){ .type = random_below(4) == 0 ? PCI_ROOT_VMBUS : PCI_ROOT_BUS };
        if (ret->type == PCI_ROOT_VMBUS) {
                for (size_t i = 0; i < sizeof(ret->guid); i++)
                        ret->guid[i] = (uint8_t) random_below(256);
                return;
        }

        ret->domain = (uint32_t) (random_below(UINT32_MAX) % range);
        ret->bus = (uint8_t) random_below(random_below(2) ? 256 : 1);
}

/* Few values and few hops, so that two of them are often related, or any values and up to 255 hops. */
static void random_path(struct pci_path *ret) {
        bool wild = random_below(2);

        random_root(&ret->root);
        ret->n_hops = 1 + random_below(wild ? PCI_PATH_HOPS_MAX : 3);
        for (size_t i = 0; i < ret->n_hops; i++)
                ret->hops[i] = (struct pci_hop){
                        .bus = i > 0 && random_below(4) == 0 ? (int16_t) random_below(wild ? 256 : 2) : PCI_HOP_NO_BUS,
                        .slot = (uint8_t) random_below(wild ? 32 : 2),
                        .function = (uint8_t) random_below(wild ? 8 : 2),
                        .vf = random_below(4) == 0 ? (int32_t) random_below(wild ? 65536 : 2) : PCI_HOP_NO_VF,
                };
}

static void seed_random(void) {
        const char *seed = getenv("PCIPATH_TEST_SEED");

        random_state = seed ? strtoull(seed, NULL, 0) : SEED_DEFAULT;
        fprintf(stderr, "PCIPATH_TEST_SEED=%llu\n", (unsigned long long) random_state);
        if (random_state == 0)
                random_state = SEED_DEFAULT;
}

/* Field by field, without the help of the code under test. */
static bool same_path(const struct pci_path *a, const struct pci_path *b) {
        if (a->root.type != b->root.type || a->n_hops != b->n_hops)
                return false;
        if (a->root.type == PCI_ROOT_VMBUS ? memcmp(a->root.guid, b->root.guid, sizeof(a->root.guid)) != 0
                                           : a->root.domain != b->root.domain || a->root.bus != b->root.bus)
                return false;

        for (size_t i = 0; i < a->n_hops; i++)
                if (a->hops[i].bus != b->hops[i].bus || a->hops[i].slot != b->hops[i].slot ||
                    a->hops[i].function != b->hops[i].function || a->hops[i].vf != b->hops[i].vf)
                        return false;

        return true;
}

/* parse(print(x)) == x, in both forms, and a flat form is one that can be a file name. */
static void test_random_round_trip(void **state) {
        char canonical[PCI_PATH_STRING_MAX], flat[PCI_PATH_STRING_MAX];
        struct pci_path x, y;

        (void) state;
        seed_random();

        for (size_t i = 0; i < N_RANDOM; i++) {
                random_path(&x);

                pci_path_print(&x, PCI_PATH_CANONICAL, canonical);
                assert_int_equal(pci_path_parse(canonical, &y, NULL), 0);
                if (!same_path(&x, &y))
                        fail_msg("'%s' is read as another path", canonical);

                pci_path_print(&x, PCI_PATH_FLAT, flat);
                assert_int_equal(strspn(flat, "0123456789abcdef.v-_"), strlen(flat));
                assert_int_equal(pci_path_parse(flat, &y, NULL), 0);
                if (!same_path(&x, &y))
                        fail_msg("'%s' is read as another path", flat);
                assert_prints(&y, PCI_PATH_CANONICAL, canonical);
        }
}

/* An order: zero for the same path only, antisymmetric, transitive, a bridge before what is behind it. */
static void test_random_compare(void **state) {
        struct pci_path x[3];

        (void) state;
        seed_random();

        for (size_t i = 0; i < N_RANDOM; i++) {
                for (size_t j = 0; j < ELEMENTSOF(x); j++)
                        random_path(&x[j]);
                x[1].root = x[0].root;
                if (random_below(2))
                        x[2].root = x[0].root;

                int ab = sign(pci_path_compare(&x[0], &x[1]));
                int bc = sign(pci_path_compare(&x[1], &x[2]));
                int ac = sign(pci_path_compare(&x[0], &x[2]));

                assert_int_equal(pci_path_compare(&x[0], &x[0]), 0);
                assert_int_equal(ab == 0, same_path(&x[0], &x[1]));
                assert_int_equal(ab, -sign(pci_path_compare(&x[1], &x[0])));
                if (ab == bc || bc == 0)
                        assert_int_equal(ac, ab);

                x[1] = x[0];
                x[1].n_hops = 1 + random_below((uint32_t) x[0].n_hops);
                assert_int_equal(sign(pci_path_compare(&x[0], &x[1])), x[0].n_hops > x[1].n_hops);
        }
}

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
        "virtio1", "pci0000:00", "0000:00:02.0:pcie001",
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
        "pcig000:00", "pci0000:0g", "4010000000.pcie",
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
        "{fd1d2cbd-ce7c-535c-966b-eb5f811c95 0}", "{fd-1d2cbdce7c-535c-966b-eb5f811c95f0}",
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
                cmocka_unit_test(test_parse_good),
                cmocka_unit_test(test_parse_bad),
                cmocka_unit_test(test_parse_many_hops),
                cmocka_unit_test(test_print_longest),
                cmocka_unit_test(test_compare),
                cmocka_unit_test(test_random_round_trip),
                cmocka_unit_test(test_random_compare),
                cmocka_unit_test(test_function_sysname),
                cmocka_unit_test(test_root_sysname),
                cmocka_unit_test(test_guid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
