/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replaces itself with a command that has the device open. The command cannot get another device: a name can lead to
 * another one at any time, but an open file cannot.
 */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "command.h"
#include "deadline.h"
#include "open.h"
#include "util.h"
#include "wait.h"

/* As env(1) and timeout(1) do, because all smaller numbers are the command's. */
enum {
        EXIT_OPEN_TIMEOUT = 124,
        EXIT_OPEN_FAILED = 125,
        EXIT_NOT_RUN = 126,
        EXIT_NO_COMMAND = 127,
};

#define DEVICE_FD 3

struct device_file {
        int flags;
        int fd;
};

/* The finish() of struct wait. */
static int open_device(struct wait *w) {
        struct device_file *file = w->userdata;
        const struct lookup *lookup = &w->lookups[0];

        if (lookup->n_selected > 1) {
                (void) log_error(EXIT_FAILED, "%s: %zu devices, for example %s and %s: add a suffix, a partition or a "
                                              "type",
                                 w->texts[0], lookup->n_selected, lookup->children.items[0].name,
                                 lookup->children.items[1].name);
                return -ENOTUNIQ;
        }
        if (streq(lookup->children.items[0].subsystem, "net")) {
                (void) log_error(EXIT_FAILED, "%s: the network interface %s has no device node", w->texts[0],
                                 lookup->children.items[0].name);
                return -ENODEV;
        }

        file->fd = lookup_open(lookup, &w->specs[0], file->flags);
        if (file->fd == -ESTALE)
                return 0;
        if (file->fd < 0)
                (void) log_error(EXIT_FAILED, "%s: cannot open %s%s: %s", w->texts[0], lookup->children.items[0].name,
                                 file->flags == O_RDWR ? " for reading and writing" : "", strerror(-file->fd));
        return file->fd < 0 ? file->fd : 1;
}

/*
 * wait_run() has blocked SIGTERM, which was a timeout until now.
 * @signals: blocked signals of the command
 *
 * Return: an exit status.
 */
static int run_command(int fd, const sigset_t *signals, char **argv) {
        if (sigprocmask(SIG_SETMASK, signals, NULL) < 0 ||
            (fd == DEVICE_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, DEVICE_FD)) < 0)
                return log_error(EXIT_OPEN_FAILED, "cannot pass the device: %s", strerror(errno));

        (void) execvp(argv[0], argv);
        return log_error(errno == ENOENT ? EXIT_NO_COMMAND : EXIT_NOT_RUN, "cannot run %s: %s", argv[0],
                         strerror(errno));
}

static int open_and_run(const char *text, struct wait *w, char **command) {
        sigset_t signals;
        int r;

        if (sigprocmask(SIG_BLOCK, NULL, &signals) < 0)
                return log_error(EXIT_OPEN_FAILED, "cannot read the signal mask: %s", strerror(errno));
        w->texts = calloc(1, sizeof(w->texts[0]));
        w->specs = calloc(1, sizeof(w->specs[0]));
        w->lookups = calloc(1, sizeof(w->lookups[0]));
        if (w->texts && w->specs && w->lookups)
                w->texts[0] = strdup(text);
        if (!w->texts || !w->specs || !w->lookups || !w->texts[0])
                return log_error(EXIT_OPEN_FAILED, "out of memory");
        w->n = 1;
        r = parse_device_spec(text, w->type, &w->specs[0]);
        if (r == EXIT_DONE && w->specs[0].selector.type && streq(w->specs[0].selector.type, SELECTOR_PCI))
                r = log_error(EXIT_USAGE, "%s: a PCI function has no device node", text);
        if (r == EXIT_DONE)
                r = wait_run(w);
        if (r != EXIT_DONE)
                return r == EXIT_TIMEOUT ? EXIT_OPEN_TIMEOUT : EXIT_OPEN_FAILED;

        return run_command(((struct device_file *) w->userdata)->fd, &signals, command);
}

enum {
        OPTION_TIMEOUT = 0x200,
        OPTION_KERNEL,
        OPTION_READ_ONLY,
};

/* Return: -1 to continue, or an exit status. */
static int parse_argv(struct wait *w, struct device_file *file, int argc, char **argv) {
        int option;

        while ((option = verb_next_option(&verb_open, argc, argv)) >= 0)
                switch (option) {
                case 't':
                        w->type = optarg;
                        break;
                case OPTION_TIMEOUT:
                        if (parse_seconds(&verb_open, optarg, &w->timeout) != EXIT_DONE)
                                return EXIT_OPEN_FAILED;
                        break;
                case OPTION_KERNEL:
                        w->kernel = true;
                        break;
                case OPTION_READ_ONLY:
                        file->flags = O_RDONLY;
                        break;
                default:
                        return parse_common(option, argv, &verb_open) == EXIT_DONE ? EXIT_DONE : EXIT_OPEN_FAILED;
                }

        return -1;
}

static int run_open(int argc, char **argv) {
        struct device_file file = { .flags = O_RDWR, .fd = -1 };
        struct wait w = { .timeout = DEADLINE_NEVER, .finish = open_device, .userdata = &file };
        char **command;
        int r;

        r = parse_argv(&w, &file, argc, argv);
        if (r >= 0)
                return r;

        command = argv + optind;
        command += *command != NULL;
        command += *command && streq(*command, "--");
        if (!*command)
                return log_usage_error(&verb_open, "expected a PATH and a COMMAND"), EXIT_OPEN_FAILED;

        r = open_and_run(argv[optind], &w, command);
        wait_clear(&w);
        return r;
}

const struct verb verb_open = {
        .name = "open",
        .operands = "PATH [--] COMMAND...",
        .summary = "Wait for a device, open it, and run a command with it",
        .description = "COMMAND has the device as file descriptor 3. It can have no other device: unlike\n"
                       "a name, an open file never leads to a disk that was plugged in later. PATH is\n"
                       "as for 'pcipath find', and must select one device.\n"
                       "\n"
                       "The exit status is that of COMMAND; 124 if the timeout expires, 125 if pcipath\n"
                       "fails, 126 if COMMAND cannot be run, 127 if it cannot be found.",
        .option_rows = (const struct option_row[]){
                { 't', "type", "TYPE", "Open a device of this type, as for 'pcipath find'" },
                { OPTION_TIMEOUT, "timeout", "SECONDS", "Give up after this time, and print what is missing" },
                { OPTION_KERNEL, "kernel", NULL, "Do not wait for udev, even if it is running" },
                { OPTION_READ_ONLY, "read-only", NULL, "Open for reading only" },
                COMMON_ROWS,
                {},
        },
        .runs_command = true,
        .run = run_open,
};
