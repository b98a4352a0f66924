/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PCI path as a value: properties over random paths. PCIPATH_TEST_SEED gives another seed.
 */

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

#define N_RANDOM 20000
#define SEED_DEFAULT 20221214

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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_round_trip),
                cmocka_unit_test(test_random_compare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
