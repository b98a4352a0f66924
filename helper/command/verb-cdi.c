/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cdi.h"
#include "command.h"
#include "format-text.h"
#include "lock.h"
#include "log-report.h"

/* Container runtimes read /var/run/cdi for specifications that do not outlive a boot. */
#define DEFAULT_DIRECTORY "/run/cdi"

/* Runtimes read only names that end in ".json" or ".yaml". */
#define TEMPORARY_PREFIX "." CDI_VENDOR "-"

struct cdi_options {
        const struct cdi_kind *kind; /* or NULL */
        const char *directory;       /* or NULL to print it */
};

static int make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret) {
        int r;

        r = cdi_make(kind, enumeration, ret);
        return r < 0 ? log_error(-1, "cannot read the machine's devices: %s", strerror(-r)) : r;
}

static int scan(struct enumeration *ret) {
        int r;

        r = enumerate_functions(ret);
        return r < 0 ? log_error(EXIT_FAILED, "cannot read the machine's devices: %s", strerror(-r)) : EXIT_DONE;
}

static int print_specification(const struct cdi_kind *kind) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        _cleanup_free_ char *text = NULL;
        int r;

        r = scan(&enumeration);
        if (r != EXIT_DONE)
                return r;
        r = make(kind, &enumeration, &text);
        if (r < 0)
                return EXIT_FAILED;
        if (r == 0)
                return log_error(EXIT_ABSENT, "no device of the kind " CDI_VENDOR "/%s", kind->name);

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

        return fchmod(fd, 0644) < 0 || fsync(fd) < 0 ? negative_errno() : 0;
}

/* @temporary: a template of mkstemp() */
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

/* Removes the file of a kind without devices, because runtimes give containers what an old file lists. */
static int write_specification(const char *directory, const struct cdi_kind *kind,
                               const struct enumeration *enumeration) {
        _cleanup_free_ char *text = NULL, *path = NULL, *temporary = NULL;
        int r;

        r = make(kind, enumeration, &text);
        if (r < 0)
                return EXIT_FAILED;
        if (format_text(&path, "%s/" CDI_VENDOR "-%s.json", directory, kind->name) < 0 ||
            format_text(&temporary, "%s/" TEMPORARY_PREFIX "%s.XXXXXX", directory, kind->name) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        if (r > 0)
                r = replace_file(path, temporary, text);
        else if (unlink(path) < 0 && errno != ENOENT)
                r = negative_errno();
        return r < 0 ? log_error(EXIT_FAILED, "%s: %s", path, strerror(-r)) : EXIT_DONE;
}

/* Removes the temporary files of a run that was killed. The caller holds the lock, so no other run is writing them. */
static void remove_temporaries(int dir_fd) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int fd;

        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                closep(&fd);
                return;
        }

        while (read_entry(dir, &entry) > 0)
                if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0 &&
                    entry_has_type(dir, entry, DT_REG) > 0)
                        (void) unlinkat(dir_fd, entry->d_name, 0);
}

static int write_all(const struct cdi_options *options) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        int r;

        r = scan(&enumeration);
        for (size_t i = 0; i < CDI_KINDS && r == EXIT_DONE; i++)
                if (!options->kind || options->kind == &cdi_kinds[i])
                        r = write_specification(options->directory, &cdi_kinds[i], &enumeration);
        return r;
}

/* Scans with the lock held, so that an earlier scan never overwrites the file of a later one. */
static int write_alone(const struct cdi_options *options) {
        _cleanup_(lock_release) struct lock lock = LOCK_NULL;
        _cleanup_close_ int fd = -1;
        int status, r;

        r = directory_make(AT_FDCWD, options->directory, 0755);
        if (r >= 0) {
                fd = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? negative_errno() : lock_acquire(&lock, "cdi", fd, true);
        }
        if (r < 0)
                return log_error(EXIT_FAILED, "%s: %s", options->directory, strerror(-r));
        if (r > 0)
                remove_temporaries(fd);

        status = write_all(options);
        if (status == EXIT_DONE && fsync(fd) < 0 && errno != EINVAL)
                return log_error(EXIT_FAILED, "%s: %s", options->directory, strerror(errno));
        return status;
}

enum {
        OPTION_WRITE = 0x200
};

/* Return: -1 to continue, or an exit status. */
static int parse_argv(struct cdi_options *options, int argc, char **argv) {
        int option;

        while ((option = verb_next_option(&verb_cdi, argc, argv)) >= 0)
                switch (option) {
                case 'k':
                        options->kind = cdi_kind_find(optarg);
                        if (!options->kind)
                                return log_usage_error(&verb_cdi, "--kind=%s: unknown kind", optarg);
                        break;
                case OPTION_WRITE:
                        options->directory = optarg ?: DEFAULT_DIRECTORY;
                        break;
                default:
                        return parse_common(option, argv, &verb_cdi);
                }
        if (optind < argc)
                return log_usage_error(&verb_cdi, "%s: unexpected argument", argv[optind]);

        return -1;
}

static int run_cdi(int argc, char **argv) {
        struct cdi_options options = {};
        int r;

        r = parse_argv(&options, argc, argv);
        if (r >= 0)
                return r;
        if (!options.directory)
                return print_specification(options.kind ?: &cdi_kinds[0]);

        ignore_sigpipe();
        return write_alone(&options);
}

const struct verb verb_cdi = {
        .name = "cdi",
        .operands = "",
        .summary = "Print or write a specification for container runtimes (CDI)",
        .description = "Prints a specification of the Container Device Interface. With it, podman and\n"
                       "others give a container a device such as pcipath.dev/disk=02.0-00.0.",
        .option_rows = (const struct option_row[]){
                { 'k', "kind", "KIND", "disk: disks and partitions; vfio: functions that have a VFIO\n"
                                       "driver [disk; with --write both]" },
                { OPTION_WRITE, "write", "[=DIR]", "Write DIR/pcipath.dev-KIND.json, or remove it if there is no\n"
                                                   "device of this kind [/run/cdi]" },
                COMMON_ROWS,
                {},
        },
        .run = run_cdi,
};
