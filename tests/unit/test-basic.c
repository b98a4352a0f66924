/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The parts of helper/basic that the tests of the programs do not drive to their limits.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

#include "array.h"
#include "deadline.h"
#include "format-text.h"
#include "util.h"

static void test_array_keeps_its_items(void **state) {
        _cleanup_free_ unsigned *items = NULL;

        (void) state;

        for (unsigned n = 0; n < 1000; n++) {
                assert_int_equal(array_grow(items, n, 1), 0);
                items[n] = n;
        }
        for (unsigned n = 0; n < 1000; n++)
                assert_int_equal(items[n], n);
}

/* The array of another function can have exactly the size that it needs. */
static void test_array_of_any_origin(void **state) {
        _cleanup_free_ char *items = malloc(9);

        (void) state;

        assert_non_null(items);
        memcpy(items, "ninebytes", 9);
        assert_int_equal(array_grow(items, 9, 1), 0);
        items[9] = '\0';
        assert_string_equal(items, "ninebytes");
}

static void test_array_after_overflow(void **state) {
        static volatile size_t huge[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 4 };
        _cleanup_free_ uint64_t *items = NULL;
        const uint64_t *before;

        (void) state;

        assert_int_equal(array_grow(items, 0, 1), 0);
        items[0] = 42;
        before = items;
        for (size_t i = 0; i < ELEMENTSOF(huge); i++) {
                assert_int_equal(array_grow(items, huge[i], 1), -ENOMEM);
                assert_int_equal(array_grow(items, 1, huge[i]), -ENOMEM);
                assert_ptr_equal(items, before);
                assert_int_equal(items[0], 42);
        }
}

static void test_deadline_of_the_past(void **state) {
        _cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        struct pollfd always_ready = { .fd = null, .events = POLLOUT };

        (void) state;

        assert_int_equal(deadline_poll(&always_ready, 1, DEADLINE_NEVER), 1);
        assert_int_equal(deadline_poll(&always_ready, 1, deadline_after(0)), 0);
        assert_true(deadline_has_passed(deadline_after(0)));
        assert_false(deadline_has_passed(DEADLINE_NEVER));
        assert_true(deadline_after(DEADLINE_NEVER) == DEADLINE_NEVER);
}

static volatile sig_atomic_t n_signals;

static void count_signal(int number) {
        (void) number;
        n_signals++;
}

/* Signals neither end the wait nor prolong it. */
static void test_deadline_with_signals(void **state) {
        const struct sigaction action = { .sa_handler = count_signal };
        const struct itimerval every_msec = { .it_interval.tv_usec = 1000, .it_value.tv_usec = 1000 }, off = {};
        uint64_t deadline = deadline_after(50 * NSEC_PER_MSEC);

        (void) state;

        assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &every_msec, NULL), 0);
        assert_int_equal(deadline_poll(NULL, 0, deadline), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
        assert_true(deadline_has_passed(deadline));
        assert_true(n_signals > 0);
}

static _printf_(3, 4) int format_line(enum encode_flags flags, char **ret, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = format_line_va(flags, ret, format, ap);
        va_end(ap);
        return r;
}

static void test_format_text(void **state) {
        _cleanup_free_ char *text = NULL, *line = NULL;

        (void) state;

        assert_int_equal(format_text(&text, "%s/%d", "dir", 7), 0);
        assert_string_equal(text, "dir/7");
        assert_int_equal(format_line(ENCODE_ASCII, &line, "%s: %s", "\033[1m", "caf\303\251"), 0);
        assert_string_equal(line, "\\x1b[1m: caf\\xc3\\xa9");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_array_keeps_its_items),
                cmocka_unit_test(test_array_of_any_origin),
                cmocka_unit_test(test_array_after_overflow),
                cmocka_unit_test(test_deadline_of_the_past),
                cmocka_unit_test(test_deadline_with_signals),
                cmocka_unit_test(test_format_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
