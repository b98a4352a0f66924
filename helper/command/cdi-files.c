/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "cdi-files.h"
#include "command.h"
#include "format-text.h"
#include "lock.h"
#include "replace-file.h"

/* Runtimes read only names that end in ".json" or ".yaml". */
#define TEMPORARY_PREFIX "." CDI_VENDOR "-"

/** cdi_scan_or_report() - scan the machine. Return: an exit status. */
int cdi_scan_or_report(struct enumeration *ret) {
        int r;

        r = enumerate_functions(ret);
        return r < 0 ? log_error(EXIT_FAILED, "cannot read the machine's devices: %s", strerror(-r)) : EXIT_DONE;
}

/** cdi_make_or_report() - cdi_make() that reports its error. Return: 1, 0 when there is no device, or -1. */
int cdi_make_or_report(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret) {
        int r;

        r = cdi_make(kind, enumeration, ret);
        return r < 0 ? log_error(-1, "cannot read the machine's devices: %s", strerror(-r)) : r;
}

static int make_path(const char *directory, const struct cdi_kind *kind, char **ret) {
        return format_text(ret, "%s/" CDI_VENDOR "-%s.json", directory, kind->name) < 0
                       ? log_error(-1, "out of memory")
                       : 0;
}

/* A runtime is not told of a file that has not changed. */
static bool has_text(const char *path, const char *text) {
        _cleanup_free_ char *found = NULL;
        _cleanup_close_ int fd = -1;
        size_t n = strlen(text);
        struct stat st;

        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 0777) != 0644 ||
            (size_t) st.st_size != n)
                return false;
        found = malloc(n);
        return found && read(fd, found, n) == (ssize_t) n && memcmp(found, text, n) == 0;
}

/* Removes the file of a kind without devices, because runtimes give containers what an old file lists. */
static int write_file(const char *directory, const struct cdi_kind *kind, const struct enumeration *enumeration) {
        _cleanup_free_ char *text = NULL, *path = NULL, *temporary = NULL;
        int fd, r;

        r = cdi_make_or_report(kind, enumeration, &text);
        if (r < 0 || make_path(directory, kind, &path) < 0)
                return EXIT_FAILED;
        if (format_text(&temporary, "%s/" TEMPORARY_PREFIX "%s.XXXXXX", directory, kind->name) < 0)
                return log_error(EXIT_FAILED, "out of memory");

        if (r == 0)
                r = file_remove(path);
        else if (!has_text(path, text)) {
                fd = mkostemp(temporary, O_CLOEXEC);
                r = fd < 0 ? negative_errno() : file_replace(path, temporary, fd, text);
        }
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

/* Return: a file descriptor with the lock held, or a negative errno. */
static int open_alone(const char *directory, struct lock *lock) {
        int fd = lock_open_directory(lock, "cdi", directory, true);

        if (fd >= 0 && lock->fd >= 0)
                remove_temporaries(fd);
        return fd;
}

static int write_files(const char *directory, const struct cdi_kind *kind) {
        _cleanup_enumeration_ struct enumeration enumeration = {};
        int r;

        r = cdi_scan_or_report(&enumeration);
        for (size_t i = 0; i < CDI_KINDS && r == EXIT_DONE; i++)
                if (!kind || kind == &cdi_kinds[i])
                        r = write_file(directory, &cdi_kinds[i], &enumeration);
        return r;
}

/* Scans with the lock held, so that an earlier scan never overwrites the file of a later one. */
int cdi_files_write(const char *directory, const struct cdi_kind *kind) {
        _cleanup_(lock_release) struct lock lock = LOCK_NULL;
        _cleanup_close_ int fd = -1;
        int status, r;

        r = directory_make(AT_FDCWD, directory, 0755);
        if (r >= 0)
                r = fd = open_alone(directory, &lock);
        if (r < 0)
                return log_error(EXIT_FAILED, "%s: %s", directory, strerror(-r));

        status = write_files(directory, kind);
        if (status == EXIT_DONE && fsync(fd) < 0 && errno != EINVAL)
                return log_error(EXIT_FAILED, "%s: %s", directory, strerror(errno));
        return status;
}

int cdi_files_remove(const char *directory, const struct cdi_kind *kind) {
        _cleanup_(lock_release) struct lock lock = LOCK_NULL;
        _cleanup_close_ int fd = -1;
        int status = EXIT_DONE;

        fd = open_alone(directory, &lock);
        if (fd == -ENOENT)
                return EXIT_DONE;
        if (fd < 0)
                return log_error(EXIT_FAILED, "%s: %s", directory, strerror(-fd));

        for (size_t i = 0; i < CDI_KINDS; i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (kind && kind != &cdi_kinds[i])
                        continue;
                r = make_path(directory, &cdi_kinds[i], &path);
                if (r >= 0)
                        r = file_remove(path);
                if (r < 0)
                        status = path ? log_error(EXIT_FAILED, "%s: %s", path, strerror(-r)) : EXIT_FAILED;
        }

        return status;
}
