/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "array.h"
#include "ascii.h"
#include "format-text.h"
#include "stream.h"
#include "document.h"
#include "http.h"

#define HEADER_MAX 16384U

/**
 * http_parse_header() - read the status and the length of the body from the header of a response
 * @header: lines up to the empty one, without it
 *
 * Return: the status, 200 for example, or -EBADMSG with a reason.
 */
int http_parse_header(const char *header, size_t *ret_length, const char **ret_reason) {
        static const char version[] = "HTTP/1.x ";
        const char *digits = header + strlen(version);
        bool has_length = false;
        int status;

        *ret_reason = "the answer is not HTTP";
        if (strncmp(header, version, strlen("HTTP/1.")) != 0 || strlen(header) < strlen("HTTP/1.x 200") ||
            strspn(digits, "0123456789") != 3)
                return -EBADMSG;
        status = atoi(digits);

        for (const char *line = strstr(header, "\r\n"); line; line = strstr(line, "\r\n")) {
                unsigned long length;
                char *end;

                line += 2;
                if (ascii_strncasecmp(line, "Transfer-Encoding:", strlen("Transfer-Encoding:")) == 0) {
                        *ret_reason = "a chunked answer is not supported";
                        return -EBADMSG;
                }
                if (ascii_strncasecmp(line, "Content-Length:", strlen("Content-Length:")) != 0)
                        continue;
                line += strlen("Content-Length:");
                line += strspn(line, " \t");
                errno = 0;
                length = strtoul(line, &end, 10);
                if (*line < '0' || *line > '9' || errno != 0 || (*end != '\r' && *end != '\0') || has_length) {
                        *ret_reason = "Content-Length is not a number";
                        return -EBADMSG;
                }
                *ret_length = length;
                has_length = true;
        }

        *ret_reason = "Content-Length is missing";
        return has_length || status != 200 ? status : -EBADMSG;
}

struct response {
        char *text; /* received so far */
        size_t size;
        size_t body;   /* offset; 0 until the header is complete */
        size_t length; /* of the body */
};

/* Return: 1 if the header is complete, 0 if not yet. */
static int read_header(struct response *a, const char *socket, const char *path, struct error *error) {
        char *end = memmem(a->text, a->size, "\r\n\r\n", 4);
        const char *reason;
        int status;

        if (!end)
                return a->size <= HEADER_MAX
                               ? 0
                               : error_set(error, -EBADMSG, "%s: GET %s: the answer is not HTTP", socket, path);

        *end = '\0';
        a->body = (size_t) (end - a->text) + 4;
        status = http_parse_header(a->text, &a->length, &reason);
        if (status < 0)
                return error_set(error, status, "%s: GET %s: %s", socket, path, reason);
        if (status != 200)
                return error_set(error, -EPROTO,
                                 "%s: GET %s: the server answers with status %d: use the API socket of the monitor, "
                                 "and create the machine first",
                                 socket, path, status);
        if (a->length > DOCUMENT_MAX)
                return error_set(error, -EFBIG, "%s: GET %s: the answer is larger than %u MiB", socket, path,
                                 DOCUMENT_MAX_MIB);
        return 1;
}

static int read_response(struct stream *c, const char *options, const char *path, struct response *a,
                         struct error *error) {
        size_t n_output = strlen(options);

        while (a->body == 0 || a->size < a->body + a->length) {
                char buf[16384];
                int n;

                n = stream_exchange(c, &options, &n_output, buf, sizeof(buf), error);
                if (n < 0)
                        return n;
                if (n == 0)
                        return error_set(error, -ECONNRESET,
                                         "%s: GET %s: the connection was closed before the answer came", c->path, path);

                if (array_grow(a->text, a->size, (size_t) n) < 0)
                        return error_set(error, -ENOMEM, "out of memory");
                memcpy(a->text + a->size, buf, (size_t) n);
                a->size += (size_t) n;
                n = a->body == 0 ? read_header(a, c->path, path, error) : 0;
                if (n < 0)
                        return n;
        }

        return 0;
}

/**
 * http_get() - send a GET request and read the body of the answer
 * @ret: the caller frees it
 */
int http_get(const char *socket, const char *path, char **ret, size_t *ret_size,
             struct error *error) {
        _cleanup_stream_ struct stream stream = STREAM_CLOSED;
        _cleanup_free_ char *options = NULL;
        struct response response = {};
        int r;

        if (format_text(&options, "GET %s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n", path) < 0)
                return error_set(error, -ENOMEM, "out of memory");
        r = stream_open(socket, &stream, error);
        if (r >= 0)
                r = read_response(&stream, options, path, &response, error);
        if (r < 0) {
                free(response.text);
                return r;
        }

        memmove(response.text, response.text + response.body, response.length);
        *ret = response.text;
        *ret_size = response.length;
        return 0;
}
