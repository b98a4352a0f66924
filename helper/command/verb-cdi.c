/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cdi.h"
#include "command.h"

/* Of the directories that runtimes read the one for what is made anew in each boot; they call it /var/run/cdi. */
#define DEFAULT_DIRECTORY "/run/cdi"

struct request {
        const struct cdi_kind *kind; /* or NULL */
        const char *directory;       /* or NULL to print it */
};

static int make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret) {
        int r;

        r = cdi_make(kind, enumeration, ret);
        return r < 0 ? log_error(-1, "cannot look at the machine: %s", strerror(-r)) : r;
}

static int print_specification(const struct cdi_kind *kind, const struct enumeration *enumeration) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = make(kind, enumeration, &text);
        if (r < 0)
                return EXIT_FAILED;
        if (r == 0)
                return log_error(EXIT_ABSENT, "nothing of the kind " CDI_VENDOR "/%s is there", kind->name);

        fputs(text, stdout);
        return flush_output(EXIT_DONE);
}

static int write_text(int fd, const char *text) {
        size_t n = strlen(text);

        while (n > 0) {
                ssize_t written = write(fd, text, n);

                if (written < 0)
                        return negative_errno();
                text += written;
                n -= (size_t) written;
        }

        return fchmod(fd, 0644) < 0 ? negative_errno() : 0;
}

/* @temporary: a template of mkstemp(), whose name no runtime takes for a specification: they all end in ".json" or ".yaml". */
static int replace_file(const char *path, char *temporary, const char *text) {
        int fd, r;

        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        r = write_text(fd, text);
        close(fd);
        if (r >= 0 && rename(temporary, path) < 0)
                r = negative_errno();
        if (r < 0)
                unlink(temporary);
        return r;
}

/* A kind that has no device has no file: whatever is in one, a runtime would give to a container. */
static int write_specification(const char *directory, const struct cdi_kind *kind, const struct enumeration *enumeration) {
        _cleanup_free_ char *text = NULL, *path = NULL, *temporary = NULL;
        int r;

        r = make(kind, enumeration, &text);
        if (r < 0)
                return EXIT_FAILED;
        if (asprintf(&path, "%s/" CDI_VENDOR "-%s.json", directory, kind->name) < 0 ||
            asprintf(&temporary, "%s/." CDI_VENDOR "-%s.XXXXXX", directory, kind->name) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        if (r > 0)
                r = replace_file(path, temporary, text);
        else if (unlink(path) < 0 && errno != ENOENT)
                r = negative_errno();
        return r < 0 ? log_error(EXIT_FAILED, "%s: %s", path, strerror(-r)) : EXIT_DONE;
}

static int write_all(const struct request *request, const struct enumeration *enumeration) {
        int r = EXIT_DONE;

        if (mkdir(request->directory, 0755) < 0 && errno != EEXIST)
                return log_error(EXIT_FAILED, "%s: %s", request->directory, strerror(errno));

        for (size_t i = 0; i < CDI_KINDS && r == EXIT_DONE; i++)
                if (!request->kind || request->kind == &cdi_kinds[i])
                        r = write_specification(request->directory, &cdi_kinds[i], enumeration);
        return r;
}

enum { OPTION_WRITE = 0x200 };

/* Return: -1 to go on, or an exit status. */
static int parse_argv(struct request *request, int argc, char **argv) {
        static const struct option options[] = {
                { "kind",  required_argument, NULL, 'k'          },
                { "write", optional_argument, NULL, OPTION_WRITE },
                COMMON_OPTIONS,
                {},
        };
        int option;

        while ((option = getopt_long(argc, argv, "hk:", options, NULL)) >= 0)
                switch (option) {
                case 'k':
                        request->kind = cdi_kind_find(optarg);
                        if (!request->kind)
                                return log_error(EXIT_USAGE, "--kind=%s: no such kind (see pcipath cdi --help)", optarg);
                        break;
                case OPTION_WRITE:
                        request->directory = optarg ?: DEFAULT_DIRECTORY;
                        break;
                default:
                        return parse_common(option, argv, &verb_cdi);
                }
        if (optind < argc)
                return log_error(EXIT_USAGE, "%s: pcipath cdi takes options alone (see pcipath cdi --help)", argv[optind]);

        return -1;
}

static int run_cdi(int argc, char **argv) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        struct request request = {};
        int r;

        r = parse_argv(&request, argc, argv);
        if (r >= 0)
                return r;

        r = enumerate_functions(&enumeration);
        if (r < 0)
                return log_error(EXIT_FAILED, "cannot look at the machine: %s", strerror(-r));

        return request.directory ? write_all(&request, &enumeration)
                                 : print_specification(request.kind ?: &cdi_kinds[0], &enumeration);
}

const struct verb verb_cdi = {
        .name = "cdi",
        .arguments = "[-k KIND] [--write[=DIR]]",
        .summary = "Tell container runtimes of the devices (CDI)",
        .options = "Prints a specification of the Container Device Interface, by which podman and\n"
                   "others give a container the device pcipath.dev/disk=02.0-00.0, for example.\n"
                   "\n"
                   "  -k --kind=KIND    disk, for disks and partitions; vfio, for functions with a\n"
                   "                    driver of VFIO [disk; with --write both]\n"
                   "     --write[=DIR]  Write DIR/pcipath.dev-KIND.json instead, or remove it when\n"
                   "                    nothing of that kind is there [/run/cdi]\n"
                   "  -h --help         Show this help\n"
                   "     --version      Show the version\n",
        .run = run_cdi,
};
