/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An event only says which PCI function to scan. The whole machine is scanned when the function is not known, when the
 * event concerns other functions as well (NVMe multipath, IOMMU groups, names of interfaces), and when events were
 * lost.
 */

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "command.h"
#include "deadline.h"
#include "hook.h"
#include "log-report.h"
#include "manager.h"
#include "uevent-monitor.h"

struct monitor {
        struct manager manager;
        struct uevent_monitor monitor;
        struct hook hook;
        struct string_list functions; /* to scan */
        bool everything;              /* scan the whole machine */
        bool beside_udev;
        bool wants_aliases;           /* read them again */
        int ready_fd, signal_fd;
};

static void add_function(struct monitor *m, const char *syspath) {
        if (!string_list_has(&m->functions, syspath) && string_list_add(&m->functions, syspath) < 0)
                m->everything = true;
}

/* Cuts the syspath to that of the PCI function at or above the device. Return: does the function exist? */
static bool cut_to_function(char *syspath) {
        struct pci_hop unused;

        for (char *slash = strrchr(syspath, '/'); slash; slash = strrchr(syspath, '/')) {
                if (pci_hop_parse_sysname(slash + 1, &unused) == 0)
                        return true;
                *slash = '\0';
        }

        return false;
}

/* Does an event below one function concern others? */
static bool concerns_others(const struct monitor *m, const struct uevent *event) {
        if (streq(event->subsystem, "nvme"))
                return access("/sys/class/nvme-subsystem", F_OK) == 0;
        if (streq(event->subsystem, "net"))
                return (streq(event->action, "remove") || streq(event->action, "move")) &&
                       manager_has_refused_name(&m->manager);
        return streq(event->subsystem, "pci") && strstr(event->action, "bind") && access("/sys/class/vfio", F_OK) == 0;
}

/* Events of the devices above, such as a driver that is bound, do not change the content of disks and interfaces. */
static bool is_content_event(const struct uevent *event) {
        return streq(event->subsystem, "block") || streq(event->subsystem, "net");
}

static void handle_event(const struct uevent *event, void *userdata) {
        struct monitor *m = userdata;
        char syspath[PATH_MAX];

        if (snprintf(syspath, sizeof(syspath), "/sys%s", event->devpath) >= (int) sizeof(syspath))
                return;
        if (!streq(event->action, "remove") && is_content_event(event))
                manager_touch(&m->manager, syspath);

        if (streq(event->subsystem, "vfio") || strstr(syspath, "/nvme-subsystem/") || concerns_others(m, event))
                m->everything = true;
        else if (cut_to_function(syspath))
                add_function(m, syspath);
}

static void handle_write(struct monitor *m, const struct inotify_event *event) {
        const struct device *device;

        if (event->mask & IN_Q_OVERFLOW) {
                manager_touch(&m->manager, "/sys");
                m->everything = true;
                return;
        }

        device = event->mask & IN_CLOSE_WRITE ? manager_find_watch(&m->manager, event->wd) : NULL;
        if (!device)
                return;
        manager_touch(&m->manager, device->syspath);
        add_function(m, device->function);
}

static void handle_writes(struct monitor *m) {
        char buf[4096] __attribute__((__aligned__(__alignof__(struct inotify_event))));
        ssize_t n;

        while ((n = read(m->manager.watch_fd, buf, sizeof(buf))) > 0)
                for (char *p = buf; p < buf + n;) {
                        const struct inotify_event *event = (const struct inotify_event *) (void *) p;

                        handle_write(m, event);
                        p += sizeof(*event) + event->len;
                }
}

/* After a failure the next event causes a scan of the whole machine. */
static void scan(struct monitor *m) {
        struct string_list functions = m->functions;
        bool everything = m->everything;
        int r = 0;

        m->functions = (struct string_list){};
        m->everything = false;
        if (everything)
                r = manager_scan(&m->manager);
        for (size_t i = 0; i < functions.n && !everything && r >= 0; i++)
                r = manager_scan_function(&m->manager, functions.items[i]);
        string_list_clear(&functions);

        if (r < 0) {
                log_error(EXIT_FAILED, "cannot read the machine's devices: %s", strerror(-r));
                m->everything = true;
        }
}

/* Return: must the monitor end? */
static bool handle_signals(struct monitor *m) {
        struct signalfd_siginfo info;
        bool end = false;

        while (read(m->signal_fd, &info, sizeof(info)) == sizeof(info)) {
                m->wants_aliases = m->wants_aliases || info.ssi_signo == SIGHUP;
                end = end || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        }
        return end;
}

static void read_aliases(struct monitor *m) {
        m->wants_aliases = false;
        if (!m->manager.directory)
                return;
        if (manager_read_aliases(&m->manager) < 0)
                log_error(EXIT_FAILED, "out of memory: the aliases stay as they were");
        else
                m->everything = true;
}

static uint64_t next_deadline(const struct monitor *m) {
        uint64_t hook = hook_deadline(&m->hook), retry = manager_retry_deadline(&m->manager);

        return hook < retry ? hook : retry;
}

static void add_retries(struct monitor *m) {
        const struct device *device;

        while ((device = manager_take_retry(&m->manager)))
                add_function(m, device->function);
}

/* Return: an exit status. */
static int run(struct monitor *m) {
        struct pollfd fds[] = {
                { .fd = m->monitor.netlink_fd, .events = POLLIN },
                { .fd = m->manager.watch_fd,   .events = POLLIN },
                { .fd = m->signal_fd,          .events = POLLIN },
        };
        int r;

        for (;;) {
                hook_run(&m->hook);
                r = deadline_poll(fds, ELEMENTSOF(fds), next_deadline(m));
                if (r >= 0)
                        r = uevent_monitor_read(&m->monitor, handle_event, m);
                if (r < 0)
                        return log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r));
                if (r > 0) {
                        manager_touch(&m->manager, "/sys");
                        m->everything = true;
                }
                handle_writes(m);
                add_retries(m);
                if (handle_signals(m))
                        return EXIT_DONE;
                if (m->wants_aliases)
                        read_aliases(m);
                if (m->everything || m->functions.n > 0)
                        scan(m);
        }
}

static void hook_changed(const char *action, const struct device *device, void *userdata) {
        struct monitor *m = userdata;

        if (hook_add(&m->hook, action, device) < 0)
                log_error(EXIT_FAILED, "out of memory: %s is not run for %s", m->hook.program, device->name);
}

static int open_signals(void) {
        sigset_t signals;
        int fd;

        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGCHLD);
        sigaddset(&signals, SIGHUP);
        (void) signal(SIGCHLD, SIG_DFL); /* an ignored SIGCHLD is not sent */
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return negative_errno();

        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? negative_errno() : fd;
}

static int open_all(struct monitor *m) {
        int r;

        r = manager_open(&m->manager);
        if (r < 0)
                return log_open_error(m->manager.directory, r);

        r = m->signal_fd = open_signals();
        if (r >= 0)
                r = uevent_monitor_open(&m->monitor, UEVENT_KERNEL);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot listen for events: %s", strerror(-r));

        /* Without inotify in the kernel, writing to a disk does not change its links. */
        m->manager.watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return EXIT_DONE;
}

/* Reports that all devices that existed at the start have their links. */
static int notify_ready(struct monitor *m) {
        int r = EXIT_DONE;

        (void) sd_notify(0, "READY=1");
        if (m->ready_fd < 0)
                return EXIT_DONE;
        if (write(m->ready_fd, "\n", 1) < 0)
                r = log_error(EXIT_FAILED, "--ready-fd: cannot write: %s", strerror(errno));
        closep(&m->ready_fd);
        m->ready_fd = -1;
        return r;
}

static int monitor_all(struct monitor *m) {
        int r;

        if (!m->beside_udev && udev_is_running())
                return log_error(EXIT_FAILED, "udevd is running and already does this. Try 'pcipath monitor --help'.");
        if (m->hook.program) {
                r = hook_check(m->hook.program);
                if (r < 0)
                        return log_error(EXIT_FAILED, "--exec=%s: cannot run: %s", m->hook.program, strerror(-r));
                m->manager.changed = hook_changed;
                m->manager.userdata = m;
        }

        r = open_all(m);
        if (r != EXIT_DONE)
                return r;
        r = manager_scan_until_quiet(&m->manager);
        if (r < 0) {
                log_error(EXIT_FAILED, "cannot read the machine's devices: %s", strerror(-r));
                m->everything = true;
        }
        hook_run(&m->hook);
        r = notify_ready(m);
        if (r == EXIT_DONE)
                r = run(m);
        (void) sd_notify(0, "STOPPING=1");
        return r;
}

static void close_all(struct monitor *m) {
        hook_end(&m->hook);
        string_list_clear(&m->functions);
        closep(&m->manager.watch_fd);
        manager_close(&m->manager);
        uevent_monitor_close(&m->monitor);
        closep(&m->signal_fd);
        closep(&m->ready_fd);
}

/*
 * Copies a standard descriptor and replaces it with /dev/null. If it were closed, the next file that is opened would
 * get its number. Standard error stays open for messages.
 */
static int take_standard_fd(int fd) {
        _cleanup_close_ int null = -1;
        int copy;

        copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        if (copy < 0 || fd == STDERR_FILENO)
                return copy < 0 ? negative_errno() : copy;

        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0 && dup2(null, fd) >= 0)
                return copy;
        close(copy);
        return negative_errno();
}

static int parse_fd(const char *text, int *ret) {
        unsigned long number;
        char *end;
        int fd;

        number = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || number > INT_MAX || fcntl((int) number, F_GETFD) < 0)
                return log_usage_error(&verb_monitor, "--ready-fd=%s: not an open file descriptor", text);

        fd = (int) number > STDERR_FILENO ? (int) number : take_standard_fd((int) number);
        if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return log_error(EXIT_FAILED, "--ready-fd=%s: %s", text, strerror(fd < 0 ? -fd : errno));
        closep(ret);
        *ret = fd;
        return EXIT_DONE;
}

enum {
        OPTION_MODULES = 0x200,
        OPTION_LINKS,
        OPTION_EXEC,
        OPTION_READY_FD,
        OPTION_BESIDE_UDEV
};

/* Return: -1 to continue, or an exit status. */
static int parse_option(struct monitor *m, int option, char **argv) {
        int r;

        switch (option) {
        case OPTION_MODULES:
                m->manager.want_modules = true;
                return -1;
        case OPTION_LINKS:
                m->manager.directory = m->hook.directory = optarg ?: "/dev";
                return -1;
        case OPTION_EXEC:
                m->hook.program = optarg;
                return -1;
        case OPTION_READY_FD:
                r = parse_fd(optarg, &m->ready_fd);
                return r == EXIT_DONE ? -1 : r;
        case OPTION_BESIDE_UDEV:
                m->beside_udev = true;
                return -1;
        default:
                return parse_common(option, argv, &verb_monitor);
        }
}

static int run_monitor(int argc, char **argv) {
        struct monitor m = { .manager = MANAGER_NULL, .monitor = UEVENT_MONITOR_NULL, .ready_fd = -1, .signal_fd = -1 };
        int option, r;

        while ((option = verb_next_option(&verb_monitor, argc, argv)) >= 0) {
                r = parse_option(&m, option, argv);
                if (r >= 0)
                        return r;
        }
        if (optind < argc)
                return log_usage_error(&verb_monitor, "%s: unexpected argument", argv[optind]);
        if (!m.manager.want_modules && !m.manager.directory && !m.hook.program)
                return log_usage_error(&verb_monitor, "nothing to do: use --modules, --links or --exec");

        ignore_sigpipe();
        keep_heap_small();
        m.manager.want_retry = true;
        m.manager.reporter = m.hook.reporter = (struct reporter) LOG_REPORTER;
        r = monitor_all(&m);
        close_all(&m);
        return r;
}

const struct verb verb_monitor = {
        .name = "monitor",
        .operands = "",
        .summary = "Run coldplug, then handle hotplug events",
        .description = "Runs until SIGTERM or SIGINT, and leaves the links as they are then.\n"
                       "SIGHUP makes it read the aliases again.",
        .option_rows = (const struct option_row[]){
                { OPTION_MODULES, "modules", NULL, "Load drivers, as coldplug does" },
                { OPTION_LINKS, "links", "[=DIR]", "Make links below DIR, as coldplug does [/dev]" },
                { OPTION_EXEC, "exec", "PROGRAM", "Run PROGRAM when a device was added, has other links or was\n"
                                                  "removed, with $ACTION (add, change, remove), $ID_PCI_PATH,\n"
                                                  "$DEVNAME or $INTERFACE, $DEVLINKS, $SUBSYSTEM and $DEVPATH;\n"
                                                  "one run after the other, each of at most 60 seconds" },
                { OPTION_READY_FD, "ready-fd", "N", "Write a newline to file descriptor N and close it when all\n"
                                                    "devices that exist at the start are done" },
                { OPTION_BESIDE_UDEV, "beside-udev", NULL, "Run even if udevd is running" },
                COMMON_ROWS,
                {},
        },
        .run = run_monitor,
};
