/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An event only triggers another check of sysfs and udev's database, which hold the state. So events are discarded,
 * many at once, or read only for the path of the device. An event lost to a full buffer (ENOBUFS) triggers a check,
 * too. A program that opens the monitor before its first check misses nothing.
 *
 * Any process can send to the socket. That is harmless where events are discarded. Paths are read only from events of
 * the kernel.
 *
 * sd_device_monitor would be the usual way. It supports udev's group only, and does not report ENOBUFS (systemd 252,
 * device_monitor_event_handler()).
 */

#include <linux/netlink.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <systemd/sd-device.h>

#include "deadline.h"
#include "uevent-monitor.h"
#include "util.h"

/*
 * As libudev and systemctl do. systemd keeps the socket while it restarts udevd. In systemd 262 it is a symlink to
 * udevd's Varlink socket.
 */
bool udev_is_running(void) {
        return access("/run/udev/control", F_OK) == 0;
}

/* This file exists while udevd has unfinished events: udev_queue_get_queue_is_empty(). */
bool udev_is_idle(void) {
        return access("/run/udev/queue", F_OK) < 0;
}

static int open_netlink(enum uevent_source source) {
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = source };
        int fd, r;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
        if (fd < 0)
                return negative_errno();
        if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0) {
                r = negative_errno();
                close(fd);
                return r;
        }

        return fd;
}

static int open_queue(void) {
        int fd, r;

        fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (fd < 0)
                return negative_errno();
        if (inotify_add_watch(fd, "/run/udev", IN_DELETE) < 0) {
                r = negative_errno();
                close(fd);
                return r;
        }

        return fd;
}

/**
 * uevent_monitor_open() - start to receive events
 * @m: initialised with UEVENT_MONITOR_NULL; to be closed with uevent_monitor_close()
 * @source: UEVENT_UDEV also reports when udev's queue becomes empty
 *
 * Return: 0, or a negative errno.
 */
int uevent_monitor_open(struct uevent_monitor *m, enum uevent_source source) {
        m->netlink_fd = open_netlink(source);
        if (m->netlink_fd < 0)
                return m->netlink_fd;

        if (source == UEVENT_UDEV) {
                m->queue_fd = open_queue();
                if (m->queue_fd < 0)
                        return m->queue_fd;
        }

        return 0;
}

/**
 * uevent_monitor_end_on() - treat these signals as a timeout
 *
 * The program can then still say what is missing, or tidy up.
 *
 * Return: 0, or a negative errno.
 */
int uevent_monitor_end_on(struct uevent_monitor *m, const sigset_t *signals) {
        if (sigprocmask(SIG_BLOCK, signals, NULL) < 0)
                return negative_errno();

        m->end_fd = signalfd(-1, signals, SFD_CLOEXEC);
        return m->end_fd < 0 ? negative_errno() : 0;
}

void uevent_monitor_close(struct uevent_monitor *m) {
        closep(&m->netlink_fd);
        closep(&m->queue_fd);
        closep(&m->end_fd);
        *m = (struct uevent_monitor) UEVENT_MONITOR_NULL;
}

/* Discard all received events. Return: 0, or a negative errno. */
static int drain(int fd) {
        char buf[8192];
        ssize_t n;

        do
                n = read(fd, buf, sizeof(buf));
        while (n >= 0 || errno == ENOBUFS || errno == EINTR);

        return errno == EAGAIN ? 0 : negative_errno();
}

/**
 * uevent_monitor_wait() - sleep until an event since the last call
 * @deadline: applies also when events never stop
 *
 * Return: 1, 0 after the deadline or one of the signals of uevent_monitor_end_on(), or a negative errno.
 */
int uevent_monitor_wait(struct uevent_monitor *m, uint64_t deadline) {
        struct pollfd fds[] = {
                { .fd = m->end_fd,     .events = POLLIN },
                { .fd = m->netlink_fd, .events = POLLIN },
                { .fd = m->queue_fd,   .events = POLLIN },
        };
        int n, r;

        n = deadline_poll(fds, ELEMENTSOF(fds), deadline);
        if (n <= 0)
                return n;
        if (fds[0].revents != 0)
                return 0;

        for (size_t i = 1; i < ELEMENTSOF(fds); i++)
                if (fds[i].revents != 0) {
                        r = drain(fds[i].fd);
                        if (r < 0)
                                return r;
                }

        return 1;
}

/*
 * "add@/devices/…", and properties: each ends with a null byte (lib/kobject_uevent.c). Return: does @text have this
 * format?
 */
static bool parse_event(char *text, size_t n, struct uevent *ret) {
        struct uevent event = { .action = text, .subsystem = "" };
        char *at;

        if (n == 0 || text[n - 1] != '\0')
                return false;
        at = strchr(text, '@');
        if (!at || at[1] != '/')
                return false;
        *at = '\0';
        event.devpath = at + 1;

        for (char *p = at + 1; p < text + n; p += strlen(p) + 1)
                if (strncmp(p, "SUBSYSTEM=", 10) == 0)
                        event.subsystem = p + 10;

        *ret = event;
        return true;
}

/**
 * uevent_monitor_read() - call @fn for each event of the kernel since the last call
 * @m: opened for UEVENT_KERNEL
 *
 * Does not wait. Events of an unknown format and those sent by a process are ignored.
 *
 * Return: 1 when events were lost, 0 when none, or a negative errno.
 */
int uevent_monitor_read(struct uevent_monitor *m, uevent_fn fn, void *userdata) {
        char buf[8192];
        bool lost = false;
        ssize_t n;

        for (;;) {
                struct sockaddr_nl sender = {};
                socklen_t size = sizeof(sender);
                struct uevent event;

                n = recvfrom(m->netlink_fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *) &sender, &size);
                if (n >= 0 && sender.nl_pid == 0 && parse_event(buf, (size_t) n, &event))
                        fn(&event, userdata);
                else if (n < 0 && errno == ENOBUFS)
                        lost = true;
                else if (n < 0 && errno != EINTR)
                        return errno == EAGAIN ? lost : negative_errno();
        }
}
