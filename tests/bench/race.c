/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * race COMMAND...     each a line for the shell
 *
 * Starts all commands, says "ready" when each of them sleeps in a system call that waits, and then measures how long
 * after the kernel's "add" event of a disk each of them ends: a line for each, in microseconds, in the order given.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk-event.h"

#define COMMANDS_MAX 8

static pid_t start(const char *command, const sigset_t *unblock) {
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                sigprocmask(SIG_UNBLOCK, unblock, NULL);
                execl("/bin/sh", "sh", "-c", command, (char *) NULL);
                _exit(127);
        }
        return pid;
}

/* ppoll, epoll_wait, epoll_pwait of x86-64: it has looked and found nothing. */
static void wait_until_asleep(pid_t pid) {
        char path[64], text[64];

        snprintf(path, sizeof(path), "/proc/%d/syscall", (int) pid);
        for (;;) {
                FILE *f = fopen(path, "re");
                int number = f && fgets(text, sizeof(text), f) ? atoi(text) : 0;
                bool asleep = number == 271 || number == 232 || number == 281;

                if (f)
                        fclose(f);
                if (!f || asleep)
                        return;
        }
}

int main(int argc, char **argv) {
        int64_t event = 0, end[COMMANDS_MAX] = {};
        pid_t pids[COMMANDS_MAX];
        struct pollfd fds[2];
        sigset_t child;
        int left = argc - 1;

        if (left < 1 || left > COMMANDS_MAX)
                return EXIT_FAILURE;

        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigprocmask(SIG_BLOCK, &child, NULL);
        fds[0] = (struct pollfd){ .fd = listen_to_kernel(), .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = signalfd(-1, &child, SFD_CLOEXEC), .events = POLLIN };

        for (int i = 0; i < argc - 1; i++)
                pids[i] = start(argv[i + 1], &child);
        for (int i = 0; i < argc - 1; i++)
                wait_until_asleep(pids[i]);
        puts("ready");
        fflush(stdout);

        while (left > 0 && poll(fds, 2, -1) > 0) {
                struct signalfd_siginfo unused;
                pid_t pid;

                if (fds[0].revents && is_disk_added(fds[0].fd) && event == 0)
                        event = now_us();
                if (fds[1].revents && read(fds[1].fd, &unused, sizeof(unused)) > 0)
                        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                                for (int i = 0; i < argc - 1; i++)
                                        if (pids[i] == pid) {
                                                end[i] = now_us();
                                                left--;
                                        }
        }

        for (int i = 0; i < argc - 1; i++)
                printf("%lld\n", (long long) (end[i] - event));
        return EXIT_SUCCESS;
}
