/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * links LINK...     paths, in directories that are there
 *
 * Says "ready", and then measures how long after the kernel's "add" event of a disk each of the links comes: a line for
 * each, in microseconds, in the order given. It runs before all others, so that it sees each moment when it is.
 */

#include <libgen.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "disk-event.h"

#define LINKS_MAX 8

static _Noreturn void fail(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

static void watch(int fd, const char *link) {
        char *copy = strdup(link);

        if (!copy || inotify_add_watch(fd, dirname(copy), IN_CREATE | IN_MOVED_TO) < 0)
                fail(link);
        free(copy);
}

int main(int argc, char **argv) {
        const struct sched_param first = { .sched_priority = 1 };
        int64_t added = 0, came[LINKS_MAX] = {};
        int n = argc - 1, left = n;
        struct pollfd fds[] = { { .events = POLLIN }, { .events = POLLIN } };

        if (n < 1 || n > LINKS_MAX)
                return EXIT_FAILURE;
        fds[0].fd = listen_to_kernel();
        fds[1].fd = inotify_init1(IN_CLOEXEC);
        if (fds[1].fd < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0)
                fail("links");
        for (int i = 0; i < n; i++)
                watch(fds[1].fd, argv[1 + i]);
        puts("ready");
        fflush(stdout);

        while (left > 0) {
                char buf[4096];

                if (poll(fds, 2, -1) < 0)
                        fail("poll");
                if ((fds[0].revents & POLLIN) && is_disk_added(fds[0].fd) && added == 0)
                        added = now_us();
                if ((fds[1].revents & POLLIN) && read(fds[1].fd, buf, sizeof(buf)) < 0)
                        fail("inotify");
                for (int i = 0; i < n; i++)
                        if (came[i] == 0 && access(argv[1 + i], F_OK) == 0) {
                                came[i] = now_us();
                                left--;
                        }
        }

        for (int i = 0; i < n; i++)
                printf("%lld\n", (long long) (came[i] - added));
        return EXIT_SUCCESS;
}
