/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is measured from: the kernel's "add" event of a disk.
 */

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static inline int64_t now_us(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static inline int listen_to_kernel(void) {
        const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
        int fd;

        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0) {
                perror("netlink");
                exit(EXIT_FAILURE);
        }
        return fd;
}

static inline bool is_disk_added(int fd) {
        char buf[8192];
        ssize_t n;

        n = recv(fd, buf, sizeof(buf) - 1, 0);
        if (n <= 0)
                return false;
        buf[n] = '\0';
        return strncmp(buf, "add@", 4) == 0 && strstr(buf, "/block/");
}
