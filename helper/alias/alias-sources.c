/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where aliases come from: files, a credential and the kernel command line.
 *
 * Where systemd runs, it decides whether the firmware of the machine is trusted, and has the credential in a file of
 * its own. Elsewhere the credential is read from where the host puts it.
 */

#include <fcntl.h>

#include "alias-list.h"
#include "array.h"
#include "format-text.h"
#include "util.h"

#define SYSTEM_CREDENTIAL "/run/credentials/@system/" ALIAS_CREDENTIAL
#define QEMU_CREDENTIAL "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/" ALIAS_CREDENTIAL "/raw"
#define FIRMWARE_TABLE "/sys/firmware/dmi/tables/DMI"
#define COMMAND_LINE "/proc/cmdline"
#define IN_INITRAMFS "/etc/initrd-release" /* systemd's in_initrd(), and dracut without systemd */

#define SIZE_MAX_TEXT ((size_t) 1 << 20) /* that of systemd's credentials */

/* The first has a file rather than the later ones, as in all such directories of systemd. */
static const char *const directories[] = { "/etc/pcipath/aliases.d", "/run/pcipath/aliases.d",
                                           "/usr/lib/pcipath/aliases.d" };

static int read_all(int fd, char **ret, size_t *ret_n) {
        _cleanup_free_ char *buf = NULL;
        size_t n = 0;
        ssize_t r;

        do {
                if (array_grow(buf, n, 4096) < 0)
                        return -ENOMEM;
                r = read(fd, buf + n, 4096);
                if (r < 0)
                        return negative_errno();
                n += (size_t) r;
                if (n > SIZE_MAX_TEXT)
                        return -EFBIG;
        } while (r > 0);

        *ret = buf;
        *ret_n = n;
        buf = NULL;
        return 0;
}

/* /dev/null is an empty file: it masks the file of the same name in a later directory. */
static int read_file(const char *path, char **ret, size_t *ret_n) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st, null;

        if (fd < 0 || fstat(fd, &st) < 0)
                return negative_errno();
        if (S_ISCHR(st.st_mode) && stat("/dev/null", &null) >= 0 && st.st_rdev == null.st_rdev) {
                *ret_n = 0;
                return 0;
        }
        return S_ISREG(st.st_mode) ? read_all(fd, ret, ret_n) : (S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL);
}

static int add_unreadable(struct alias_list *list, const char *path, int error) {
        return error == -ENOMEM ? error : alias_list_add_error(list, path, 0, strerror(-error));
}

/** alias_list_read_file() - add the aliases of a file, or record why it cannot be read. Return: 0, or -ENOMEM. */
int alias_list_read_file(struct alias_list *list, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        r = read_file(path, &text, &n);
        return r < 0 ? add_unreadable(list, path, r) : alias_list_add_text(list, text, n, path);
}

/** alias_list_read_fd() - as alias_list_read_file(), from an open file or pipe */
int alias_list_read_fd(struct alias_list *list, int fd, const char *source) {
        _cleanup_free_ char *text = NULL;
        size_t n;
        int r;

        r = read_all(fd, &text, &n);
        return r < 0 ? add_unreadable(list, source, r) : alias_list_add_text(list, text, n, source);
}

static bool is_configuration(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > strlen(".conf") && streq(name + n - strlen(".conf"), ".conf");
}

/* Adds the names of files that are not in @names yet, and their paths in the same order. */
static int list_directory(const char *path, struct string_list *names, struct string_list *paths) {
        _cleanup_closedir_ DIR *dir = opendir(path);
        struct dirent *entry;
        int r;

        if (!dir)
                return errno == ENOENT ? 0 : negative_errno();
        while ((r = read_entry(dir, &entry)) > 0) {
                if (!is_configuration(entry->d_name) || string_list_has(names, entry->d_name))
                        continue;
                r = string_list_add(names, entry->d_name);
                if (r >= 0)
                        r = string_list_join(paths, path, entry->d_name);
                if (r < 0)
                        return r;
        }
        return r;
}

static int compare_file_names(const void *a, const void *b) {
        return strcmp(strrchr(*(char *const *) a, '/'), strrchr(*(char *const *) b, '/'));
}

/* Their files, in the order of names. */
static int list_files(struct alias_list *list, const char *const *from, size_t n, struct string_list *ret_paths) {
        _cleanup_string_list_ struct string_list names = {};
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++) {
                r = list_directory(from[i], &names, ret_paths);
                if (r < 0)
                        r = add_unreadable(list, from[i], r);
        }
        if (ret_paths->n > 1)
                qsort(ret_paths->items, ret_paths->n, sizeof(ret_paths->items[0]), compare_file_names);
        return r;
}

static int read_files(struct alias_list *list) {
        _cleanup_string_list_ struct string_list paths = {};
        int r;

        r = list_files(list, directories, ELEMENTSOF(directories), &paths);
        for (size_t i = 0; i < paths.n && r >= 0; i++)
                r = alias_list_read_file(list, paths.items[i]);
        return r;
}

static int read_firmware(struct alias_list *list) {
        _cleanup_free_ char *table = NULL;
        size_t n;
        int r;

        r = read_file(FIRMWARE_TABLE, &table, &n);
        if (r == -ENOENT || r == -EACCES)
                return 0; /* most users may not read it */
        return r < 0 ? add_unreadable(list, FIRMWARE_TABLE, r)
                     : alias_list_add_firmware(list, table, n, FIRMWARE_TABLE);
}

static int read_credential(struct alias_list *list) {
        if (access(SYSTEM_CREDENTIAL, F_OK) >= 0)
                return alias_list_read_file(list, SYSTEM_CREDENTIAL);
        if (access("/run/systemd/system", F_OK) >= 0)
                return 0;
        if (access(QEMU_CREDENTIAL, F_OK) >= 0)
                return alias_list_read_file(list, QEMU_CREDENTIAL);
        return read_firmware(list);
}

/* Removes quotes, which keep blanks in a word. Return: the length of the word at @text, which is changed. */
static size_t split_word(char *text, size_t *ret_span) {
        char *to = text, *from = text;
        bool quoted = false;

        for (; *from != '\0' && (quoted || !strchr(" \t\r\n", *from)); from++)
                if (*from == '"')
                        quoted = !quoted;
                else
                        *to++ = *from;

        *ret_span = (size_t) (from - text);
        return (size_t) (to - text);
}

static int read_words(struct alias_list *list, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t n, span = 0;
        int r;

        r = read_file(path, &text, &n);
        if (r >= 0 && array_grow(text, n, 1) < 0)
                r = -ENOMEM;
        if (r < 0)
                return r == -ENOENT ? 0 : add_unreadable(list, path, r);
        text[n] = '\0';

        for (char *p = text; *p != '\0' && r >= 0; p += span) {
                p += strspn(p, " \t\r\n");
                n = split_word(p, &span);
                if (n > strlen(ALIAS_PARAMETER) &&
                    strncmp(p, ALIAS_PARAMETER "=", strlen(ALIAS_PARAMETER "=")) == 0)
                        r = alias_list_add_line(list, p + strlen(ALIAS_PARAMETER "="),
                                                n - strlen(ALIAS_PARAMETER "="), path, 0);
        }
        return r;
}

/* dracut's getcmdline() adds files of the image to the kernel's command line. */
static int read_command_lines(struct alias_list *list) {
        static const char *const image_directories[] = { "/etc/cmdline.d", "/run/initramfs/cmdline.d" };
        _cleanup_string_list_ struct string_list paths = {};
        int r = 0;

        if (access(IN_INITRAMFS, F_OK) >= 0) {
                r = list_files(list, image_directories, ELEMENTSOF(image_directories), &paths);
                if (r >= 0)
                        r = string_list_add(&paths, "/etc/cmdline");
        }
        for (size_t i = 0; i < paths.n && r >= 0; i++)
                r = read_words(list, paths.items[i]);
        return r < 0 ? r : read_words(list, COMMAND_LINE);
}

/**
 * alias_list_read() - read the aliases of this machine
 * @ret: to be cleared with alias_list_clear(); untouched on failure
 *
 * Return: 0, or -ENOMEM. Other failures are among the errors of the list.
 */
int alias_list_read(struct alias_list *ret) {
        struct alias_list list = {};
        int r;

        r = read_files(&list);
        if (r >= 0)
                r = read_credential(&list);
        if (r >= 0)
                r = read_command_lines(&list);
        if (r >= 0)
                r = alias_list_finish(&list);
        if (r < 0) {
                alias_list_clear(&list);
                return r;
        }

        *ret = list;
        return 0;
}
