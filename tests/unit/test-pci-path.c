/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PCI path as a value. Every expected text is one of the naming contract (pcipath-names(7)): a case is a
 * row of a table.
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
#include "test-util.h"
#include "util.h"

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
        { "02.00",                      4,  "unexpected character after a hop"      },
        { "02.0.0",                     4,  "unexpected character after a hop"      },

        /* Signs, spaces, 0x and other text. */
        { "+2.0",                       0,  "slot"              },
        { "02.+0",                      3,  "0 to 7"            },
        { "02.-0",                      3,  "0 to 7"            },
        { " 02.0",                      0,  "slot"              },
        { "02.0 ",                      4,  "unexpected character after a hop"      },
        { "02.0\n",                     4,  "unexpected character after a hop"      },
        { "02.0/ 00.0",                 5,  "slot"              },
        { "02 .0",                      2,  "unexpected character after a hop"      },
        { "0x2.0",                      1,  "unexpected character after a hop"      },
        { "0x0000:00:02.0",             1,  "unexpected character after a hop"      },
        { "02.0/0x0.0",                 6,  "unexpected character after a hop"      },
        { ".0",                         0,  "slot"              },
        { "..",                         0,  "slot"              },
        { "../02.0",                    0,  "slot"              },
        { "g.0",                        0,  "slot"              },
        { "02,0",                       2,  "unexpected character after a hop"      },
        { "02.0\xc3\xa4",               4,  "unexpected character after a hop"      },
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
        { "02.0v1a",                    6,  "unexpected character after a hop"      },
        { "02.0v65536",                 9,  "0 to 65535"        },
        { "02.0v70000",                 9,  "0 to 65535"        },
        { "02.0v655350",                10, "0 to 65535"        },
        { "02.0v18446744073709551616",  10, "0 to 65535"        }, /* 2^64 is not 0 */
        { "02.0v1v2",                   6,  "unexpected character after a hop"      },
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
        { "0000:00:02:00.0",            10, "unexpected character after a hop"      },
        { "fd1d2cbdce7c535c966beb5f811c95f:02.0",   0,  "root"  }, /* 31 */
        { GUID "0:02.0",                0,  "root"              }, /* 33 */
        { GUID ":00:02.0",              35, "unexpected character after a hop"      },
        { "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0:02.0", 36, "separators" },

        /* Nested bridges. */
        { "0e.0/e:01.0",                5,  "bus"               },
        { "0e.0/0e0:01.0",              5,  "bus"               },
        { "0e.0/10000:e0:01.0",         5,  "bus"               },
        { "0e.0/e0:e0:01.0",            8,  "00 to 1f"          },
};

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
                                                 .slot = 0x1f,
                                                 .function = 7,
                                                 .vf = 65535 };

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse_good),
                cmocka_unit_test(test_parse_bad),
                cmocka_unit_test(test_parse_many_hops),
                cmocka_unit_test(test_print_longest),
                cmocka_unit_test(test_compare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
