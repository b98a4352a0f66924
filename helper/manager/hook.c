/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "array.h"
#include "deadline.h"
#include "format-text.h"
#include "hook.h"

#define TIMEOUT_SEC 60
#define DEFAULT_PATH "/bin:/usr/bin" /* of posix_spawnp() */

static int add_variable(struct string_list *environment, const char *name, const char *value) {
        _cleanup_free_ char *text = NULL;

        if (format_text(&text, "%s=%s", name, value) < 0)
                return -ENOMEM;
        return string_list_add(environment, text);
}

/*
 * udev's variables, as its RUN programs have them (udev(7)), and systemd's for the monitor itself. The monitor may have
 * been started by a program that has them of another device.
 */
static bool is_inherited(const char *variable) {
        static const char *const ours[] = {
                "ACTION", "DEVPATH", "SUBSYSTEM", "DEVNAME", "DEVTYPE", "DEVLINKS", "MAJOR", "MINOR", "SEQNUM",
                "INTERFACE", "IFINDEX",
                "ID_PCI_PATH", "ID_PCI_PATH_TAG", "ID_PCI_PATH_LINK", "ID_PCI_PATH_LINKS", "ID_NET_NAME_PCI_PATH",
                "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"
        };
        size_t n = strcspn(variable, "=");

        for (size_t i = 0; i < ELEMENTSOF(ours); i++)
                if (strlen(ours[i]) == n && strncmp(variable, ours[i], n) == 0)
                        return false;

        return true;
}

/* The variables of the event and those of the monitor. The strings stay theirs. Return: NULL when memory is out. */
static char **make_environment(const struct string_list *variables) {
        size_t n = variables->n;
        char **environment;

        for (char **variable = environ; *variable; variable++)
                n++;
        environment = calloc(n + 1, sizeof(environment[0]));
        if (!environment)
                return NULL;

        memcpy(environment, variables->items, variables->n * sizeof(environment[0]));
        n = variables->n;
        for (char **variable = environ; *variable; variable++)
                if (is_inherited(*variable))
                        environment[n++] = *variable;
        return environment;
}

/* The links that lead to the device, with blanks between; no name of a link has one. */
static int add_links(const struct hook *hook, const struct device *device, struct string_list *variables) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *out;

        out = open_memstream(&text, &size);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < device->made.n; i++)
                fprintf(out, "%s%s/%s", i > 0 ? " " : "", hook->directory, device->made.items[i]);
        if (finish_memstream(out, &text) < 0)
                return -ENOMEM;
        return add_variable(variables, "DEVLINKS", text);
}

static int fill(const struct hook *hook, const char *action, const struct device *device,
                struct string_list *variables) {
        bool is_interface = streq(device->subsystem, "net");
        int r;

        r = add_variable(variables, "ACTION", action);
        if (r >= 0)
                r = add_variable(variables, "DEVPATH", device->syspath + strlen("/sys"));
        if (r >= 0)
                r = add_variable(variables, "SUBSYSTEM", device->subsystem);
        if (r >= 0)
                r = add_variable(variables, is_interface ? "INTERFACE" : "DEVNAME", device->name);
        if (r >= 0)
                r = add_variable(variables, "ID_PCI_PATH", device->path ?: "");
        if (r >= 0 && is_interface && device->links.n > 0)
                r = add_variable(variables, "ID_NET_NAME_PCI_PATH", device->links.items[0]);
        if (r >= 0 && !is_interface)
                r = add_links(hook, device, variables);
        return r;
}

static void event_clear(struct hook_event *event) {
        free(event->syspath);
        string_list_clear(&event->variables);
}

/* The last waiting event of a device, if it is no removal. */
static struct hook_event *find_waiting(struct hook *hook, const char *syspath) {
        for (size_t i = hook->n_waiting; i-- > 0;)
                if (streq(hook->waiting[i].syspath, syspath))
                        return hook->waiting[i].is_removal ? NULL : &hook->waiting[i];

        return NULL;
}

/*
 * The program has not been run for the earlier event, so it needs only the newest state: "add" or "change" as it was to
 * be.
 */
static void supersede(struct hook_event *waiting, struct hook_event *event) {
        char *action = event->variables.items[0];

        event->variables.items[0] = waiting->variables.items[0];
        waiting->variables.items[0] = action;
        event_clear(waiting);
        *waiting = *event;
}

static int append(struct hook *hook, const struct hook_event *event) {
        if (array_grow(hook->waiting, hook->n_waiting, 1) < 0)
                return -ENOMEM;

        hook->waiting[hook->n_waiting++] = *event;
        return 0;
}

static bool has_room(struct hook *hook) {
        if (hook->n_waiting < HOOK_EVENTS_MAX)
                return true;
        if (!hook->is_overfull)
                report(&hook->reporter, REPORT_ERROR,
                       "%s: %d events are waiting: dropping new ones until it has caught up",
                       hook->program, HOOK_EVENTS_MAX);
        hook->is_overfull = true;
        return false;
}

/**
 * hook_add() - run the program for a device as it is now, after those that wait
 *
 * A change of a device whose event is still waiting replaces that event. Beyond that no more than HOOK_EVENTS_MAX
 * events wait.
 *
 * Return: 0, also when the event was dropped, or -ENOMEM.
 */
int hook_add(struct hook *hook, const char *action, const struct device *device) {
        struct hook_event event = { .syspath = strdup(device->syspath), .is_removal = streq(action, "remove") };
        struct hook_event *waiting = streq(action, "change") ? find_waiting(hook, device->syspath) : NULL;
        int r;

        r = event.syspath ? fill(hook, action, device, &event.variables) : -ENOMEM;
        if (r >= 0 && waiting) {
                supersede(waiting, &event);
                return 0;
        }
        if (r >= 0 && has_room(hook))
                r = append(hook, &event);
        else
                r = r < 0 ? r : 1;
        if (r != 0)
                event_clear(&event);
        return r < 0 ? r : 0;
}

/*
 * In a process group of its own, so that all of it can be killed. Its signals are as a program expects them: none is
 * blocked, and none is ignored, as the monitor ignores SIGPIPE and the monitor's parent may have ignored others.
 */
static int set_signals(posix_spawnattr_t *attributes) {
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        return r == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : r;
}

static int spawn(const struct hook *hook, char **environment, pid_t *ret) {
        char *const argv[] = { (char *) hook->program, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r;

        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }

        r = set_signals(&attributes);
        if (r == 0)
                r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        if (r == 0)
                r = posix_spawnp(ret, hook->program, &actions, &attributes, argv, environment);

        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

static int check_file(const char *path) {
        struct stat file;

        if (stat(path, &file) < 0)
                return negative_errno();
        if (!S_ISREG(file.st_mode))
                return -EACCES;
        return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? negative_errno() : 0;
}

/**
 * hook_check() - look for the program where spawn() will look, so that a wrong name is an error before the first event
 *
 * Return: 0, -ENOMEM, or the error of the program's file.
 */
int hook_check(const char *program) {
        const char *directory = getenv("PATH") ?: DEFAULT_PATH, *end;
        int r = -ENOENT;

        if (strchr(program, '/') || *program == '\0')
                return check_file(program);

        for (;; directory = end + 1) {
                _cleanup_free_ char *file = NULL;
                int error;

                end = strchrnul(directory, ':'); /* an empty directory is the current one */
                if (format_text(&file, "%.*s%s%s", (int) (end - directory), directory, end > directory ? "/" : "",
                                program) < 0)
                        return -ENOMEM;
                error = check_file(file);
                if (error >= 0)
                        return 0;
                r = error == -EACCES ? error : r;
                if (*end == '\0')
                        return r;
        }
}

static void start_next(struct hook *hook) {
        struct hook_event event = *hook->waiting;
        _cleanup_free_ char **environment = make_environment(&event.variables);
        int r;

        memmove(&hook->waiting[0], &hook->waiting[1], --hook->n_waiting * sizeof(hook->waiting[0]));
        hook->is_overfull = hook->is_overfull && hook->n_waiting > 0;
        r = environment ? spawn(hook, environment, &hook->child) : -ENOMEM;
        event_clear(&event);

        if (r < 0) {
                hook->child = 0;
                report(&hook->reporter, REPORT_ERROR, "%s: cannot run: %s", hook->program, strerror(-r));
        }
        hook->deadline = deadline_after(TIMEOUT_SEC * NSEC_PER_SEC);
}

/* Return: is the program still running? */
static bool is_running(struct hook *hook) {
        int status;

        if (hook->child == 0)
                return false;
        if (waitpid(hook->child, &status, WNOHANG) == 0) {
                if (!deadline_has_passed(hook->deadline))
                        return true;
                (void) kill(-hook->child, SIGKILL);
                hook->deadline = DEADLINE_NEVER; /* SIGCHLD follows */
                report(&hook->reporter, REPORT_ERROR, "%s: killed after %d seconds", hook->program, TIMEOUT_SEC);
                return true;
        }

        if (WIFSIGNALED(status))
                report(&hook->reporter, REPORT_ERROR, "%s: killed by signal %d", hook->program, WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
                report(&hook->reporter, REPORT_ERROR, "%s: exit status %d", hook->program, WEXITSTATUS(status));

        hook->child = 0;
        return false;
}

/** hook_run() - run the program for the next event, unless it is running; call it after SIGCHLD and at the deadline */
void hook_run(struct hook *hook) {
        while (!is_running(hook) && hook->n_waiting > 0)
                start_next(hook);
}

/** hook_deadline() - the latest time to call hook_run() */
uint64_t hook_deadline(const struct hook *hook) {
        return hook->child > 0 ? hook->deadline : DEADLINE_NEVER;
}

/** hook_end() - drop the events that wait; a program that is running is sent SIGTERM */
void hook_end(struct hook *hook) {
        if (hook->child > 0)
                (void) kill(-hook->child, SIGTERM);
        for (size_t i = 0; i < hook->n_waiting; i++)
                event_clear(&hook->waiting[i]);
        free(hook->waiting);
        *hook = (struct hook){};
}
