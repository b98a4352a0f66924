/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#include "command.h"
#include "uids.h"

/* What is not printable in a user's or device's text becomes '?', here and nowhere else. */
static void put_printable(const char *text) {
        for (; *text != '\0'; text++)
                fputc((unsigned char) *text >= ' ' && *text != 0x7f ? *text : '?', stderr);
}

/**
 * complain() - one line on standard error
 *
 * Return: @status.
 */
int complain(int status, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);

        fputs("pcipath: ", stderr);
        put_printable(n < 0 ? "out of memory" : text);
        fputc('\n', stderr);
        return status;
}

/* Shows where in a text an error is, with a mark below it; a text of more than a line is not shown. */
static void point_at(const char *text, size_t offset) {
        if (strlen(text) > 70 || offset > strlen(text))
                return;

        fputs("    ", stderr);
        put_printable(text);
        fprintf(stderr, "\n    %*s^\n", (int) offset, "");
}

/** complain_of_path() - say where and why a text is not a path */
int complain_of_path(const char *text, const struct pci_path_error *error) {
        complain(EXIT_USAGE, "'%s' is no path, at byte %zu: %s", text, error->offset, error->reason);
        point_at(text, error->offset);
        return EXIT_USAGE;
}

/** complain_of_absence() - say how far the way to a target goes */
int complain_of_absence(const char *text, const struct target *target, const struct lookup *lookup) {
        _cleanup_free_ char *reason = NULL;

        if (lookup_explain(target, lookup, &reason) < 0)
                return complain(EXIT_FAILED, "out of memory");
        return complain(EXIT_ABSENT, "%s: %s", text, reason);
}

/* In place of getopt_long()'s own complaint, which would show the option as it is. */
static int complain_of_option(char **argv, const struct verb *verb) {
        const char letter[] = { '-', (char) optopt, '\0' };
        const char *option = strncmp(argv[optind - 1], "--", 2) == 0 || optopt == 0 ? argv[optind - 1] : letter;

        return complain(EXIT_USAGE, "%s: no such option, or its argument is missing (see pcipath %s --help)", option,
                        verb->name);
}

/** parse_common() - act on --help, --version, and on what getopt_long() refuses */
int parse_common(int option, char **argv, const struct verb *verb) {
        switch (option) {
        case OPTION_HELP:
                return print_help(verb);
        case OPTION_VERSION:
                return print_version();
        default:
                return complain_of_option(argv, verb);
        }
}

/* pcipath VERB ... and what its options do. */
int print_help(const struct verb *verb) {
        printf("pcipath %s %s\n\n%s.\n%s\nSee pcipath(1) and pcipath-names(7).\n", verb->name, verb->arguments,
               verb->summary, verb->options);
        return flush_output(EXIT_DONE);
}

int print_version(void) {
        puts("pcipath " PROJECT_VERSION);
        return flush_output(EXIT_DONE);
}

/**
 * flush_output() - the last thing to do: output that was not written is a failure
 *
 * Return: @status or EXIT_FAILED.
 */
int flush_output(int status) {
        if (fflush(stdout) != 0 || ferror(stdout))
                return complain(EXIT_FAILED, "cannot write: %s", strerror(errno));
        return status;
}

/**
 * parse_target() - read what the user asks for, in any spelling
 * @type: of what is below the function, or NULL
 *
 * Return: EXIT_DONE, or the status of what was complained of.
 */
int parse_target(const char *text, const char *type, struct target *ret) {
        struct uid_map uids = {};
        struct pci_path_error error;
        int r;

        /* Only UEFI's spelling needs the machine to be read. A machine without ACPI has none of it. */
        if (strncasecmp(text, "Pci", 3) == 0)
                (void) uid_map_read(&uids);

        r = target_parse(text, &uids, ret, &error);
        uid_map_clear(&uids);
        if (r < 0)
                return complain_of_path(text, &error);

        if (type && !streq(type, "block") && (ret->choice.part > 0 || ret->choice.suffix[0] != '\0'))
                return complain(EXIT_USAGE, "%s: a disk or partition has the type block, not %s", text, type);
        ret->choice.type = type;
        return EXIT_DONE;
}

/** print_found() - a line for each device that was asked for */
void print_found(const struct lookup *lookup) {
        for (size_t i = 0; i < lookup->n_chosen; i++)
                puts(lookup->usables.items[i].name);
        if (lookup->n_chosen == 0)
                puts(lookup_address(lookup));
}
