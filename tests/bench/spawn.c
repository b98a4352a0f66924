/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Times whole processes: spawn ROUNDS COMMAND [ARGUMENT…] [-- COMMAND [ARGUMENT…]]…
 *
 * Runs the commands in turn, ROUNDS times, with what they print thrown away, and prints a line for each: the
 * medians of wall time and of CPU time (user and system, as the kernel accounts them to the process) in
 * microseconds, and the ratio of its wall median to the first command's.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16

struct command {
        char **argv;
        double *wall, *cpu; /* one of each round, in microseconds */
};

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static double microseconds(struct timeval t) {
        return (double) t.tv_sec * 1e6 + (double) t.tv_usec;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void run_once(struct command *c, size_t round, const posix_spawn_file_actions_t *silent) {
        double start = now();
        struct rusage usage;
        int status, r;
        pid_t pid;

        r = posix_spawnp(&pid, c->argv[0], silent, NULL, c->argv, environ);
        if (r != 0 || wait4(pid, &status, 0, &usage) < 0) {
                fprintf(stderr, "spawn: cannot run %s: %s\n", c->argv[0], strerror(r ?: errno));
                exit(1);
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                fprintf(stderr, "spawn: %s failed\n", c->argv[0]);
                exit(1);
        }

        c->wall[round] = now() - start;
        c->cpu[round] = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

static size_t split_commands(char **argv, size_t rounds, struct command *commands) {
        size_t n = 0;

        while (*argv && n < COMMANDS_MAX) {
                commands[n].argv = argv;
                commands[n].wall = calloc(rounds, sizeof(double));
                commands[n].cpu = calloc(rounds, sizeof(double));
                if (!commands[n].wall || !commands[n].cpu)
                        abort();
                n++;

                while (*argv && strcmp(*argv, "--") != 0)
                        argv++;
                if (*argv)
                        *argv++ = NULL;
        }

        return n;
}

int main(int argc, char **argv) {
        struct command commands[COMMANDS_MAX];
        posix_spawn_file_actions_t silent;
        size_t rounds, n;
        double first = 0;

        rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
        if (rounds == 0) {
                fputs("usage: spawn ROUNDS COMMAND [ARGUMENT...] [-- COMMAND [ARGUMENT...]]...\n", stderr);
                return 2;
        }
        n = split_commands(argv + 2, rounds, commands);

        posix_spawn_file_actions_init(&silent);
        posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);

        for (size_t round = 0; round < rounds; round++)
                for (size_t i = 0; i < n; i++)
                        run_once(&commands[i], round, &silent);

        for (size_t i = 0; i < n; i++) {
                double wall = median(commands[i].wall, rounds);

                if (i == 0)
                        first = wall;
                printf("%-40s wall %8.0f us  cpu %8.0f us  ratio %5.2f\n", commands[i].argv[0], wall,
                       median(commands[i].cpu, rounds), wall / first);
        }

        return 0;
}
