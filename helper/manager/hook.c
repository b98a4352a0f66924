/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "hook.h"
#include "uevent-monitor.h"
#include "program.h"

#define TIMEOUT_NSEC (UINT64_C(60) * 1000000000)

static int add_variable(struct string_list *environment, const char *name, const char *value) {
        _cleanup_free_ char *text = NULL;

        if (asprintf(&text, "%s=%s", name, value) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return string_list_add(environment, text);
}

/* The names of udev's own variables, as in its RUN programs (udev(7)). */
static bool is_ours(const char *variable) {
        static const char *const names[] = {
                "ACTION=", "DEVPATH=", "SUBSYSTEM=", "DEVNAME=", "INTERFACE=", "ID_PCI_PATH=", "DEVLINKS=", "NOTIFY_SOCKET=",
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strncmp(variable, names[i], strlen(names[i])) == 0)
                        return true;

        return false;
}

static int add_inherited(struct string_list *environment) {
        int r = 0;

        for (char **variable = environ; *variable && r >= 0; variable++)
                if (!is_ours(*variable))
                        r = string_list_add(environment, *variable);
        return r;
}

/* With blanks between; no name of a link has one. */
static int add_links(const struct hook *hook, const struct device *device, struct string_list *environment) {
        const struct string_list *const lists[] = { &device->links, &device->content };
        _cleanup_free_ char *text = NULL;
        const char *separator = "";
        size_t size;
        FILE *out;

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(lists); i++)
                for (size_t j = 0; j < lists[i]->n && hook->directory; j++) {
                        fprintf(out, "%s%s/%s", separator, hook->directory, lists[i]->items[j]);
                        separator = " ";
                }
        if (finish_memstream(out, &text) < 0)
                return -ENOMEM;
        return add_variable(environment, "DEVLINKS", text);
}

static int fill(const struct hook *hook, const char *action, const struct device *device, struct string_list *environment) {
        bool is_interface = streq(device->subsystem, "net");
        int r;

        r = add_inherited(environment);
        if (r >= 0)
                r = add_variable(environment, "ACTION", action);
        if (r >= 0)
                r = add_variable(environment, "DEVPATH", device->syspath + strlen("/sys"));
        if (r >= 0)
                r = add_variable(environment, "SUBSYSTEM", device->subsystem);
        if (r >= 0)
                r = add_variable(environment, is_interface ? "INTERFACE" : "DEVNAME", device->name);
        if (r >= 0)
                r = add_variable(environment, "ID_PCI_PATH", device->path ?: "");
        if (r >= 0 && is_interface && device->links.n > 0)
                r = add_variable(environment, "ID_NET_NAME_PCI_PATH", device->links.items[0]);
        if (r >= 0 && !is_interface)
                r = add_links(hook, device, environment);
        return r;
}

/**
 * hook_add() - the program is to be told of a device as it is now
 *
 * Return: 0, or -ENOMEM.
 */
int hook_add(struct hook *hook, const char *action, const struct device *device) {
        struct string_list environment = {}, *waiting;
        int r;

        r = fill(hook, action, device, &environment);
        waiting = r < 0 ? NULL : reallocarray(hook->waiting, hook->n_waiting + 1, sizeof(waiting[0]));
        if (!waiting) {
                string_list_clear(&environment);
                return -ENOMEM;
        }

        hook->waiting = waiting;
        hook->waiting[hook->n_waiting++] = environment;
        return 0;
}

/* In a process group of its own, so that all of it can be killed; with the signals that a program expects. */
static int spawn(const struct hook *hook, char **environment, pid_t *ret) {
        char *const argv[] = { (char *) hook->program, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }

        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
        posix_spawnattr_setsigmask(&attributes, &none);
        r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawnp(ret, hook->program, &actions, &attributes, argv, environment);

        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

static void start_next(struct hook *hook) {
        struct string_list environment = *hook->waiting;
        int r;

        memmove(&hook->waiting[0], &hook->waiting[1], --hook->n_waiting * sizeof(hook->waiting[0]));
        r = spawn(hook, environment.items, &hook->child);
        string_list_clear(&environment);

        if (r < 0) {
                hook->child = 0;
                log_error(EXIT_FAILED, "%s: %s", hook->program, strerror(-r));
        }
        hook->deadline = monotonic_now() + TIMEOUT_NSEC;
}

/* Return: is the program still running? */
static bool is_running(struct hook *hook) {
        int status;

        if (hook->child == 0)
                return false;
        if (waitpid(hook->child, &status, WNOHANG) == 0) {
                if (monotonic_now() < hook->deadline)
                        return true;
                (void) kill(-hook->child, SIGKILL);
                hook->deadline = DEADLINE_NEVER; /* its end will be told */
                log_error(EXIT_FAILED, "%s: killed, it has taken longer than %d seconds", hook->program,
                         (int) (TIMEOUT_NSEC / 1000000000));
                return true;
        }

        if (WIFSIGNALED(status))
                log_error(EXIT_FAILED, "%s: died of signal %d", hook->program, WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
                log_error(EXIT_FAILED, "%s: exit status %d", hook->program, WEXITSTATUS(status));

        hook->child = 0;
        return false;
}

/** hook_run() - start the next if none is running; to be called when one may have ended, and at the deadline */
void hook_run(struct hook *hook) {
        while (!is_running(hook) && hook->n_waiting > 0)
                start_next(hook);
}

/** hook_deadline() - when hook_run() is to be called at the latest, in terms of monotonic_now() */
uint64_t hook_deadline(const struct hook *hook) {
        return hook->child > 0 ? hook->deadline : DEADLINE_NEVER;
}

/** hook_end() - whoever is waiting will not be told; one that is running is asked to end */
void hook_end(struct hook *hook) {
        if (hook->child > 0)
                (void) kill(-hook->child, SIGTERM);
        for (size_t i = 0; i < hook->n_waiting; i++)
                string_list_clear(&hook->waiting[i]);
        free(hook->waiting);
        *hook = (struct hook){};
}
