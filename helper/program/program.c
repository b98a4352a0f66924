/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>

#include "ascii.h"
#include "deadline.h"
#include "format-text.h"
#include "program.h"
#include "util.h"

/** program_encode_flags() - the encoding of text for this locale */
enum encode_flags program_encode_flags(void) {
        return streq(nl_langinfo(CODESET), "UTF-8") ? 0 : ENCODE_ASCII;
}

/**
 * log_error() - print one line on standard error
 *
 * Encodes the whole line, because it can contain text of devices and documents.
 *
 * Return: @status.
 */
int log_error(int status, const char *format, ...) {
        _cleanup_free_ char *line = NULL;
        va_list ap;

        va_start(ap, format);
        (void) format_line_va(program_encode_flags(), &line, format, ap);
        va_end(ap);

        fprintf(stderr, "%s: %s\n", program.name, line ?: "out of memory");
        return status;
}

/**
 * log_usage_error() - print an error of the command line, and where its help is
 * @verb: the verb with the help, or NULL for that of the program
 * @format: a text without a full stop
 *
 * Return: EXIT_USAGE.
 */
int log_usage_error(const struct verb *verb, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = format_text_va(&text, format, ap);
        va_end(ap);

        if (r < 0)
                return log_error(EXIT_USAGE, "out of memory");
        return log_error(EXIT_USAGE, "%s. Try '%s%s%s --help'.", text, program.name, verb ? " " : "",
                         verb ? verb->name : "");
}

#define POINT_AT_MAX 70

/* Prints the text with a mark below the error, if the text fits on a line. */
static void point_at(const char *text, size_t offset) {
        char before[POINT_AT_MAX + 1], line[4 * POINT_AT_MAX + 1];
        size_t mark;

        if (strlen(text) > POINT_AT_MAX || offset > strlen(text))
                return;

        snprintf(before, sizeof(before), "%.*s", (int) offset, text);
        mark = encode_text(before, ENCODE_ASCII, NULL, line, sizeof(line));
        encode_text(text, ENCODE_ASCII, NULL, line, sizeof(line));
        fprintf(stderr, "    %s\n    %*s^\n", line, (int) mark, "");
}

/** log_path_error() - print why a text is not a path, and mark the first wrong byte */
int log_path_error(const char *text, const struct pci_path_error *error) {
        log_error(EXIT_USAGE, "'%s' is not a path, at byte %zu: %s", text, error->offset, error->reason);
        point_at(text, error->offset);
        return EXIT_USAGE;
}

/* getopt_long() would print the option unencoded. @result: of getopt_long() */
static int log_option_error(int result, char **argv, const struct verb *verb) {
        const char letter[] = { '-', (char) optopt, '\0' };
        bool is_long = strncmp(argv[optind - 1], "--", 2) == 0;
        const char *option = is_long || optopt == 0 ? argv[optind - 1] : letter;

        if (result == ':')
                return log_usage_error(verb, "%s: missing argument", option);
        if (is_long && optopt != 0)
                return log_usage_error(verb, "%s: unexpected argument", option);
        return log_usage_error(verb, "%s: unknown option", option);
}

/**
 * flush_output() - write what is buffered; call it last
 *
 * Return: @status or EXIT_FAILED.
 */
int flush_output(int status) {
        if (fflush(stdout) != 0 || ferror(stdout))
                return log_error(EXIT_FAILED, "cannot write: %s", strerror(errno));
        return status;
}

#define SECONDS_MAX UINT64_C(1000000000)

/**
 * parse_seconds() - read the argument of --timeout, decimal digits with an optional fraction, as "30" or "0.5"
 * @ret: in nanoseconds; further digits are ignored
 *
 * Return: EXIT_DONE, or EXIT_USAGE after an error message.
 */
int parse_seconds(const struct verb *verb, const char *text, uint64_t *ret) {
        uint64_t seconds = 0, fraction = 0, unit = NSEC_PER_SEC;
        const char *p = text;

        for (; ascii_isdigit(*p) && seconds <= SECONDS_MAX; p++)
                seconds = seconds * 10 + (uint64_t) (*p - '0');
        if (p > text && *p == '.' && ascii_isdigit(p[1]))
                for (p++; ascii_isdigit(*p); p++)
                        fraction += (unit /= 10) * (uint64_t) (*p - '0');
        if (seconds > SECONDS_MAX)
                return log_usage_error(verb, "--timeout=%s: more than %" PRIu64 " seconds", text, SECONDS_MAX);
        if (p == text || *p != '\0')
                return log_usage_error(verb, "--timeout=%s: not a number of seconds, like 30 or 0.5", text);

        *ret = seconds * NSEC_PER_SEC + fraction;
        return EXIT_DONE;
}

static int print_help(const struct verb *verb) {
        verb_print_help(verb);
        return flush_output(EXIT_DONE);
}

static int print_version(void) {
        printf("%s %s\n%s\n", program.name, PROJECT_VERSION, PROJECT_FEATURES);
        return flush_output(EXIT_DONE);
}

/** parse_common() - handle --help, --version, --list-columns and the options that getopt_long() refuses */
int parse_common(int option, char **argv, const struct verb *verb) {
        switch (option) {
        case OPTION_HELP:
                return print_help(verb);
        case OPTION_VERSION:
                return print_version();
        case OPTION_LIST_COLUMNS:
                verb_list_columns(verb);
                return flush_output(EXIT_DONE);
        default:
                return log_option_error(option, argv, verb);
        }
}

static void print_usage(FILE *out) {
        fprintf(out, "%s COMMAND [OPTIONS] ...\n\n%s\n\n", program.name, program.summary);
        for (size_t i = 0; i < program.n_verbs; i++)
                fprintf(out, "  %-9s %s\n", program.verbs[i]->name, program.verbs[i]->summary);
        fprintf(out, "\n"
                     "  -h --help     Show this help, or that of a command\n"
                     "     --version  Show the version and what was built in\n"
                     "\n" EXIT_STATUS_HELP "\n"
                     "See %s(1) and pcipath-names(7).\n",
                program.name);
}

/* For completion. */
static int list_verbs(void) {
        for (size_t i = 0; i < program.n_verbs; i++)
                puts(program.verbs[i]->name);
        puts("--help\n--version");
        return flush_output(EXIT_DONE);
}

/* For completion. getopt_long() does not know --list-options, which would make "--li" for --links ambiguous. */
static int list_options(const struct verb *verb) {
        verb_list_options(verb);
        return flush_output(EXIT_DONE);
}

static int run_verb(const struct verb *verb, int argc, char **argv) {
        return argc == 2 && streq(argv[1], "--list-options") ? list_options(verb) : verb->run(argc, argv);
}

/** program_run() - the whole of main() */
int program_run(int argc, char **argv) {
        /* Not LC_NUMERIC: --timeout=0.5 is the same for everybody. */
        setlocale(LC_CTYPE, "");
        opterr = 0; /* log_option_error() prints an encoded message instead */

        if (argc < 2) {
                print_usage(stderr);
                return EXIT_USAGE;
        }
        if (streq(argv[1], "-h") || streq(argv[1], "--help")) {
                print_usage(stdout);
                return flush_output(EXIT_DONE);
        }
        if (streq(argv[1], "--version"))
                return print_version();
        if (streq(argv[1], "--list-verbs"))
                return list_verbs();

        for (size_t i = 0; i < program.n_verbs; i++)
                if (streq(argv[1], program.verbs[i]->name))
                        return run_verb(program.verbs[i], argc - 1, argv + 1);

        for (const char *const *name = program.not_built; name && *name; name++)
                if (streq(argv[1], *name))
                        return log_usage_error(NULL, "the command '%s' was not built in", argv[1]);

        return log_usage_error(NULL, "unknown command '%s'", argv[1]);
}

/**
 * keep_heap_small() - for a verb that scans the machine again and again
 *
 * The space that a large buffer leaves in the heap is soon pinned by small objects that glibc caches, and the next
 * buffer takes new space: the heap grows for a thousand scans (glibc 2.36). So buffers of a page get a mapping of their
 * own.
 */
void keep_heap_small(void) {
        (void) mallopt(M_MMAP_THRESHOLD, 4096);
}
