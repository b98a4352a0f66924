/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plays QEMU. Each line of the input is the return value of the next command, or "!" for an error. A line that begins
 * with ">" is sent unchanged. A first line "list-get" is a QEMU that has this command. A next line "labels" asks for
 * labels in place of free slots. All answers are in the socket before the first command is sent.
 */

#include <stdio.h>
#include <sys/socket.h>

#include "fuzz-host.h"
#include "qemu-walk.h"
#include "backend.h"

#define INPUT_MAX 65536 /* fits into a socket */

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

static bool skip_line(const char **text, size_t *size, const char *line) {
        size_t n = strlen(line);

        if (*size < n || memcmp(*text, line, n) != 0)
                return false;
        *text += n;
        *size -= n;
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_machine_ struct machine machine = {};
        struct error error = {};
        struct qmp qmp = { .stream = { .path = "input" } };
        const char *text = (const char *) data;
        int fds[2], r;

        qmp.has_list_get = skip_line(&text, &size, "list-get\n");
        machine.wants_labels = skip_line(&text, &size, "labels\n");
        machine.wants_room = !machine.wants_labels;
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
