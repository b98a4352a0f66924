/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <sys/socket.h>
#include <sys/un.h>

#include "deadline.h"
#include "stream.h"

/** stream_open() - connect to a Unix socket */
int stream_open(const char *path, struct stream *ret, struct error *error) {
        _cleanup_stream_ struct stream c = { .fd = -1, .path = path };
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(error, -ENAMETOOLONG, "%s: the path of a socket has at most %zu bytes", path,
                                 sizeof(address.sun_path) - 1);
        strcpy(address.sun_path, path);

        c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c.fd < 0)
                return error_set(error, -errno, "cannot create a socket: %s", strerror(errno));
        if (connect(c.fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return error_set(error, -errno, "%s: cannot connect: %s", path,
                                 errno == ECONNREFUSED ? "no monitor serves this socket" : strerror(errno));

        *ret = c;
        c.fd = -1;
        return 0;
}

void stream_close(struct stream *stream) {
        closep(&stream->fd);
        stream->fd = -1;
}

/**
 * stream_exchange() - send output until input arrives, then read the input
 * @output: bytes to send; moved past the bytes that were sent
 *
 * The stream reads while it sends. Otherwise both ends could fill their buffers and wait for each other.
 *
 * Return: the number of bytes read into @buf, 0 at the end of the stream, or a negative errno.
 */
int stream_exchange(struct stream *c, const char **output, size_t *n_output, char *buf, size_t size,
                    struct error *error) {
        for (;;) {
                struct pollfd p = { .fd = c->fd, .events = POLLIN };
                ssize_t n;
                int r;

                if (*n_output > 0) {
                        n = send(c->fd, *output, *n_output, MSG_NOSIGNAL | MSG_DONTWAIT);
                        if (n > 0) {
                                *output += n;
                                *n_output -= (size_t) n;
                        } else if (errno != EAGAIN && errno != EINTR)
                                *n_output = 0; /* the peer has closed the connection: read the rest */
                }

                n = recv(c->fd, buf, size, MSG_DONTWAIT);
                if (n >= 0)
                        return (int) n;
                if (errno == ECONNRESET)
                        return 0;
                if (errno != EAGAIN && errno != EINTR)
                        return error_set(error, -errno, "%s: cannot read: %s", c->path, strerror(errno));

                if (*n_output > 0)
                        p.events |= POLLOUT;
                r = deadline_poll(&p, 1, DEADLINE_NEVER);
                if (r < 0)
                        return error_set(error, r, "%s: cannot wait: %s", c->path, strerror(-r));
        }
}
