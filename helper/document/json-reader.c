/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdint.h>

#include "ascii.h"
#include "json-reader.h"
#include "util.h"

#define DEPTH_MAX 32

static int fail(struct json_reader *r, const char *reason) {
        r->reason = r->reason ?: reason;
        return -EBADMSG;
}

/** json_reader_peek() - skip white space. Return: the next byte, or a null byte at the end. */
char json_reader_peek(struct json_reader *r) {
        while (r->at < r->size && r->text[r->at] != '\0' && strchr(" \t\r\n", r->text[r->at]))
                r->at++;
        return r->at < r->size ? r->text[r->at] : '\0';
}

static int expect(struct json_reader *r, char c, const char *reason) {
        if (json_reader_peek(r) != c)
                return fail(r, r->at < r->size ? reason : "the document is not complete");
        r->at++;
        return 0;
}

/** json_reader_enter() - begin an object or an array */
int json_reader_enter(struct json_reader *r, char bracket) {
        return expect(r, bracket, bracket == '{' ? "expected an object" : "expected an array");
}

/**
 * json_reader_next() - go to the next member or item
 * @bracket: the one that closes the object or array
 * @is_first: true before the first call
 *
 * Return: 1; 0 after the last one.
 */
int json_reader_next(struct json_reader *r, char bracket, bool *is_first) {
        int k;

        if (json_reader_peek(r) == bracket) {
                r->at++;
                return 0;
        }
        k = *is_first ? 0 : expect(r, ',', "expected a comma or the end of the object or array");
        *is_first = false;
        return k < 0 ? k : 1;
}

/* Appends a code point in UTF-8. */
static char *put_character(char *to, uint32_t c) {
        if (c < 0x80)
                *to++ = (char) c;
        else if (c < 0x800) {
                *to++ = (char) (0xc0 | c >> 6);
                *to++ = (char) (0x80 | (c & 0x3f));
        } else if (c < 0x10000) {
                *to++ = (char) (0xe0 | c >> 12);
                *to++ = (char) (0x80 | (c >> 6 & 0x3f));
                *to++ = (char) (0x80 | (c & 0x3f));
        } else {
                *to++ = (char) (0xf0 | c >> 18);
                *to++ = (char) (0x80 | (c >> 12 & 0x3f));
                *to++ = (char) (0x80 | (c >> 6 & 0x3f));
                *to++ = (char) (0x80 | (c & 0x3f));
        }
        return to;
}

/* The four digits after "\u". Return: the number, or -EBADMSG. */
static int read_hex(struct json_reader *r) {
        int number = 0;

        if (r->size - r->at < 4)
                return fail(r, "the document is not complete");
        for (int i = 0; i < 4; i++) {
                char c = r->text[r->at];

                if (!ascii_isxdigit(c))
                        return fail(r, "expected four hexadecimal digits");
                number = number * 16 + (ascii_isdigit(c) ? c - '0' : ascii_tolower(c) - 'a' + 10);
                r->at++;
        }
        return number;
}

/* A lone surrogate becomes U+FFFD. */
static int read_unicode(struct json_reader *r, char **to) {
        int c = read_hex(r), low;

        if (c >= 0xd800 && c < 0xdc00 && r->size - r->at >= 6 && strncmp(r->text + r->at, "\\u", 2) == 0) {
                size_t before = r->at;

                r->at += 2;
                low = read_hex(r);
                if (low < 0)
                        return low;
                if (low >= 0xdc00 && low < 0xe000)
                        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                else
                        r->at = before;
        }
        if (c <= 0)
                return c < 0 ? c : fail(r, "a string has a null byte");
        *to = put_character(*to, c >= 0xd800 && c < 0xe000 ? 0xfffd : (uint32_t) c);
        return 0;
}

static int read_escape(struct json_reader *r, char **to) {
        static const char letters[] = "\"\\/bfnrt", characters[] = "\"\\/\b\f\n\r\t";
        char c = r->at < r->size ? r->text[r->at] : '\0';
        const char *letter = c != '\0' ? strchr(letters, c) : NULL;

        if (c != 'u' && !letter)
                return fail(r, r->at < r->size ? "unknown escape sequence" : "the document is not complete");
        r->at++;
        if (c == 'u')
                return read_unicode(r, to);
        *(*to)++ = characters[letter - letters];
        return 0;
}

/** json_reader_string() - read a string; the caller frees it */
int json_reader_string(struct json_reader *r, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t end;
        char *to;
        int k;

        k = expect(r, '"', "expected a string");
        if (k < 0)
                return k;
        /* No escape sequence is shorter than what it stands for. */
        for (end = r->at; end < r->size && r->text[end] != '"'; end++)
                end += r->text[end] == '\\';
        text = to = malloc((end < r->size ? end : r->size) - r->at + 1);
        if (!text)
                return -ENOMEM;

        for (;;) {
                if (r->at >= r->size)
                        return fail(r, "the document is not complete");
                if ((unsigned char) r->text[r->at] < ' ')
                        return fail(r, "a string has a control character");
                if (r->text[r->at] == '"')
                        break;
                if (r->text[r->at] != '\\') {
                        *to++ = r->text[r->at++];
                        continue;
                }
                r->at++;
                k = read_escape(r, &to);
                if (k < 0)
                        return k;
        }
        r->at++;
        *to = '\0';
        *ret = text;
        text = NULL;
        return 0;
}

/** json_reader_key() - read the key of a member; the caller frees it */
int json_reader_key(struct json_reader *r, char **ret) {
        _cleanup_free_ char *key = NULL;
        int k;

        k = json_reader_string(r, &key);
        if (k >= 0)
                k = expect(r, ':', "expected a colon");
        if (k < 0)
                return k;
        *ret = key;
        key = NULL;
        return 0;
}

static bool skip_text(struct json_reader *r, const char *text) {
        size_t n = strlen(text);

        if (r->size - r->at < n || strncmp(r->text + r->at, text, n) != 0)
                return false;
        r->at += n;
        return true;
}

/** json_reader_is_null() - skip the value if it is null. Return: true if it was. */
bool json_reader_is_null(struct json_reader *r) {
        return json_reader_peek(r) == 'n' && skip_text(r, "null");
}

static size_t skip_digits(struct json_reader *r) {
        size_t start = r->at;

        while (r->at < r->size && ascii_isdigit(r->text[r->at]))
                r->at++;
        return r->at - start;
}

static int skip_number(struct json_reader *r) {
        bool is_number;

        (void) skip_text(r, "-");
        is_number = skip_text(r, "0") || skip_digits(r) > 0;
        if (is_number && skip_text(r, "."))
                is_number = skip_digits(r) > 0;
        if (is_number && (skip_text(r, "e") || skip_text(r, "E"))) {
                (void) (skip_text(r, "+") || skip_text(r, "-"));
                is_number = skip_digits(r) > 0;
        }
        return is_number ? 0 : fail(r, r->at < r->size ? "expected a value" : "the document is not complete");
}

static int skip_value(struct json_reader *r, unsigned depth);

/* An object or an array. */
static int skip_nested(struct json_reader *r, char close, unsigned depth) {
        bool is_first = true;
        int k;

        if (depth == DEPTH_MAX)
                return fail(r, "nested too deeply");
        r->at++;
        while ((k = json_reader_next(r, close, &is_first)) > 0) {
                _cleanup_free_ char *key = NULL;

                if (close == '}')
                        k = json_reader_key(r, &key);
                if (k >= 0)
                        k = skip_value(r, depth + 1);
                if (k < 0)
                        return k;
        }
        return k;
}

static int skip_value(struct json_reader *r, unsigned depth) {
        _cleanup_free_ char *text = NULL;

        switch (json_reader_peek(r)) {
        case '{':
                return skip_nested(r, '}', depth);
        case '[':
                return skip_nested(r, ']', depth);
        case '"':
                return json_reader_string(r, &text);
        default:
                return skip_text(r, "null") || skip_text(r, "true") || skip_text(r, "false") ? 0 : skip_number(r);
        }
}

/** json_reader_skip() - skip a value of any type */
int json_reader_skip(struct json_reader *r) {
        return skip_value(r, 0);
}

/** json_reader_end() - check that nothing follows */
int json_reader_end(struct json_reader *r) {
        (void) json_reader_peek(r);
        return r->at == r->size ? 0 : fail(r, "text after the end");
}
