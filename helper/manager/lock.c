/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A lock is an flock(2) on a file in /run/pcipath, which only root can open. A lock on the directory itself could be
 * held by everybody who can read the directory, a container that has it mounted for example.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "deadline.h"
#include "lock.h"
#include "util.h"

#define LOCK_DIRECTORY "/run/pcipath"

/* A process that was killed holds its lock until the kernel has closed its files. */
#define TIMEOUT_NSEC NSEC_PER_SEC
#define INTERVAL_NSEC (10 * NSEC_PER_MSEC)

/**
 * directory_make() - make a directory with exactly this mode, whatever the umask is
 *
 * Return: 0, also when something with this name exists, or a negative errno.
 */
int directory_make(int at_fd, const char *name, mode_t mode) {
        _cleanup_close_ int fd = -1;

        if (mkdirat(at_fd, name, mode) < 0)
                return errno == EEXIST ? 0 : negative_errno();

        fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 || fchmod(fd, mode) < 0 ? negative_errno() : 0;
}

/* Return: 0, or a negative errno; -EBUSY when another process holds the lock. */
static int lock_file(int fd, bool wait) {
        uint64_t deadline = deadline_after(TIMEOUT_NSEC);

        while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0) {
                if (errno == EINTR)
                        continue;
                if (errno != EWOULDBLOCK)
                        return negative_errno();
                if (deadline_has_passed(deadline))
                        return -EBUSY;
                (void) deadline_poll(NULL, 0, deadline_after(INTERVAL_NSEC));
        }

        return 0;
}

/* The process that held the lock removes the file: a lock on a removed file excludes nobody. */
static bool is_current(int fd, const char *path) {
        struct stat ours, current;

        return fstat(fd, &ours) >= 0 && stat(path, &current) >= 0 && ours.st_dev == current.st_dev &&
               ours.st_ino == current.st_ino;
}

/**
 * lock_acquire() - become the only process that does this below a directory
 * @lock: initialised with LOCK_NULL; to be released with lock_release(), whatever is returned
 * @purpose: what the process does
 * @directory_fd: the directory, however it was named
 * @wait: wait as long as another process holds the lock, not just for a second
 *
 * Return: 1, 0 when /run has no place for locks, or a negative errno; -EBUSY when another process holds the lock.
 */
int lock_acquire(struct lock *lock, const char *purpose, int directory_fd, bool wait) {
        struct stat st;
        int r;

        if (fstat(directory_fd, &st) < 0)
                return negative_errno();
        snprintf(lock->path, sizeof(lock->path), LOCK_DIRECTORY "/%.8s-%jx-%jx", purpose, (uintmax_t) st.st_dev,
                 (uintmax_t) st.st_ino);
        if (directory_make(AT_FDCWD, LOCK_DIRECTORY, 0755) < 0)
                return 0;

        for (;;) {
                int fd = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

                if (fd < 0)
                        return 0;
                r = lock_file(fd, wait);
                if (r >= 0 && is_current(fd, lock->path)) {
                        lock->fd = fd;
                        return 1;
                }
                close(fd);
                if (r < 0)
                        return r;
        }
}

/**
 * lock_open_directory() - open a directory and become the only process that does this below it
 *
 * Parameters are those of lock_acquire().
 *
 * Return: a file descriptor, or a negative errno.
 */
int lock_open_directory(struct lock *lock, const char *purpose, const char *path, bool wait) {
        int fd, r;

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return negative_errno();
        r = lock_acquire(lock, purpose, fd, wait);
        if (r >= 0)
                return fd;
        close(fd);
        return r;
}

void lock_release(struct lock *lock) {
        if (lock->fd < 0)
                return;
        (void) unlink(lock->path);
        close(lock->fd);
        *lock = (struct lock) LOCK_NULL;
}
