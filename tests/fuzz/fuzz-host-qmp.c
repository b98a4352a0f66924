/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plays QEMU. Each line of the input is the return value of the next command, or "!" for an error. A line that begins
 * with ">" is sent unchanged. A first line "labels" asks for labels, too. All answers are in the socket before the
 * first command is sent.
 */

#include <stdio.h>
#include <sys/socket.h>

#include "fuzz-host.h"
#include "qemu-walk.h"
#include "backend.h"

#define INPUT_MAX 65536 /* fits into a socket */
#define WITH_LABELS "labels\n"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        return 0;
}

static void write_reply(FILE *out, const char *line, size_t n) {
        if (n > 0 && line[0] == '>')
                fwrite(line + 1, 1, n - 1, out);
        else if (n == 1 && line[0] == '!')
                fputs("{\"error\":{\"class\":\"GenericError\",\"desc\":\"\"}}", out);
        else
                fprintf(out, "{\"return\":%.*s}", (int) n, line);
}

static void write_replies(int fd, const char *data, size_t size) {
        char *text = NULL;
        size_t n = 0;
        FILE *out;

        out = open_memstream(&text, &n);
        if (!out)
                return;
        for (size_t i = 0; i < size;) {
                const char *end = memchr(data + i, '\n', size - i);
                size_t length = end ? (size_t) (end - data) - i : size - i;

                write_reply(out, data + i, length);
                i += length + 1;
        }
        fclose(out);
        (void) send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_machine_ struct machine machine = {};
        struct error error = {};
        struct qmp qmp = { .stream = { .path = "input" } };
        const char *text = (const char *) data;
        int fds[2], r;

        if (size >= strlen(WITH_LABELS) && memcmp(text, WITH_LABELS, strlen(WITH_LABELS)) == 0) {
                machine.wants_labels = true;
                text += strlen(WITH_LABELS);
                size -= strlen(WITH_LABELS);
        }
        if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return 0;
        write_replies(fds[1], text, size);
        shutdown(fds[1], SHUT_WR);

        qmp.stream.fd = fds[0];
        qmp.tokener = json_tokener_new();
        r = qemu_read_from(&qmp, &machine, &error);
        if (r < 0)
                CHECK(error.text[0] != '\0');
        else
                check_machine(&machine);
        close(fds[1]);
        return 0;
}
