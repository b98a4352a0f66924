/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "channel.h"

static double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int time_out(const struct channel *c, struct problem *problem) {
        return problem_set(problem, -ETIMEDOUT,
                           "%s: no complete answer within %g s; a monitor serves one client at a time",
                           c->path, c->timeout);
}

/* connect() waits while the listener's queue is full, and SO_SNDTIMEO bounds it: unix(7) has no other way. */
static int connect_until(const struct channel *c, const struct sockaddr_un *address) {
        double left = c->deadline - now();
        struct timeval timeout = { .tv_sec = (time_t) left };

        /* 0 would be for ever. */
        timeout.tv_usec = (suseconds_t) ((left - (double) timeout.tv_sec) * 1e6) | 1;
        if (left <= 0)
                return -ETIMEDOUT;
        if (setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return negative_errno();
        if (connect(c->fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : negative_errno();
        return fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0 ? negative_errno() : 0;
}

/**
 * channel_open() - connect to a socket in the file system
 * @timeout: seconds that all of the talk may take
 *
 * Return: 0, or a negative errno; -ETIMEDOUT when the time is over.
 */
int channel_open(const char *path, double timeout, struct channel *ret, struct problem *problem) {
        _cleanup_channel_ struct channel c = {
                .fd = -1,
                .path = path,
                .timeout = timeout,
                .deadline = now() + timeout,
        };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return problem_set(problem, -ENAMETOOLONG, "%s: a socket's path has %zu bytes at most", path,
                                   sizeof(address.sun_path) - 1);
        strcpy(address.sun_path, path);

        c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c.fd < 0)
                return problem_set(problem, -errno, "cannot make a socket: %s", strerror(errno));
        r = connect_until(&c, &address);
        if (r == -ETIMEDOUT)
                return time_out(&c, problem);
        if (r < 0)
                return problem_set(problem, r, "%s: cannot connect: %s", path, strerror(-r));

        *ret = c;
        c.fd = -1;
        return 0;
}

void channel_close(struct channel *channel) {
        closep(&channel->fd);
        channel->fd = -1;
}

static int wait_until_ready(const struct channel *c, short events, struct problem *problem) {
        struct pollfd p = { .fd = c->fd, .events = events };
        double left = c->deadline - now();
        int n;

        n = left <= 0 ? 0 : poll(&p, 1, (int) ((left > 1e6 ? 1e6 : left) * 1000) + 1);
        if (n == 0)
                return time_out(c, problem);
        return n < 0 && errno != EINTR ? problem_set(problem, -errno, "%s: %s", c->path, strerror(errno)) : 0;
}

/**
 * channel_exchange() - send what can be sent, until something can be read
 * @output: what is still to be sent; moved on by what was
 *
 * Reading goes on while it sends: neither end can fill the other's buffers and then wait for ever.
 *
 * Return: how many bytes were read into @buf, 0 at the end of the stream, or a negative errno.
 */
int channel_exchange(struct channel *c, const char **output, size_t *n_output, char *buf, size_t size,
                     struct problem *problem) {
        for (;;) {
                ssize_t n;
                int r;

                /* Here, too: who never stops talking never lets poll() wait. */
                if (now() >= c->deadline)
                        return time_out(c, problem);

                if (*n_output > 0) {
                        n = send(c->fd, *output, *n_output, MSG_NOSIGNAL);
                        if (n > 0) {
                                *output += n;
                                *n_output -= (size_t) n;
                        } else if (errno != EAGAIN && errno != EINTR)
                                *n_output = 0; /* it hung up: read what it had to say */
                }

                n = recv(c->fd, buf, size, 0);
                if (n >= 0)
                        return (int) n;
                if (errno == ECONNRESET)
                        return 0;
                if (errno != EAGAIN && errno != EINTR)
                        return problem_set(problem, -errno, "%s: cannot read: %s", c->path, strerror(errno));

                r = wait_until_ready(c, *n_output > 0 ? POLLIN | POLLOUT : POLLIN, problem);
                if (r < 0)
                        return r;
        }
}
