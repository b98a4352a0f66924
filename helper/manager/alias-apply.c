/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udevd reads the rules when it starts, and again when it is told to. An interface gets its aliases when
 * pcipath_altname is started for it; the kernel keeps them. So interfaces that have an alias which is no longer given
 * lose it here, and those whose aliases have changed get an event.
 */

#include <fcntl.h>
#include <stdio.h>

#include "alias-apply.h"
#include "altname.h"
#include "device-util.h"
#include "devlinks.h"
#include "lock.h"
#include "replace-file.h"
#include "rtnl.h"
#include "util.h"

/* Not the name of a rules file: udevd reads only files whose names end in ".rules". */
#define TEMPORARY ".pcipath-alias.new"

/* Return: the text of a regular file, to be freed; empty when it cannot be read; or NULL without memory. */
static char *read_text(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct stat st = {};
        ssize_t n = 0;
        char *text;

        if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
                st.st_size = 0;
        text = malloc((size_t) st.st_size + 1);
        if (!text)
                return NULL;
        if (fd >= 0)
                n = read(fd, text, (size_t) st.st_size);
        text[n > 0 ? n : 0] = '\0';
        return text;
}

/* @text: NULL to remove the file. The caller holds the lock. Return: 0, or a negative errno. */
static int replace_file(const char *path, const char *text) {
        char temporary[64];
        int fd;

        if (!text)
                return file_remove(path);

        snprintf(temporary, sizeof(temporary), "%.*s" TEMPORARY, (int) (strrchr(path, '/') + 1 - path), path);
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? negative_errno() : file_replace(path, temporary, fd, text);
}

/* Is "NAME ALIAS\n", of @n bytes, a line of the table? */
static bool table_has(const char *table, const char *line, size_t n) {
        for (const char *p = table; p && *p != '\0'; p = strchr(p, '\n'), p += p != NULL)
                if (strncmp(p, line, n) == 0)
                        return true;

        return false;
}

/* Removes the alias of a line "NAME ALIAS\n", of @n bytes, from the interface. */
static void remove_alias(const char *syspath, const char *line, size_t n) {
        const char *space = memchr(line, ' ', n);
        char alias[ALIAS_NAME_MAX + 1];

        if (!space || (size_t) (line + n - space) > sizeof(alias))
                return;
        snprintf(alias, sizeof(alias), "%.*s", (int) (line + n - space) - 2, space + 1);
        altname_remove_alias(syspath, alias);
}

/*
 * Handles each line of @table that @other does not have and that is of an interface named @name.
 * @is_old: remove the alias of the line
 *
 * Return: is there such a line?
 */
static bool compare_tables(const char *syspath, const char *name, const char *table, const char *other, bool is_old) {
        size_t n = strlen(name), n_line;
        bool found = false;

        for (const char *p = table, *end; n > 0 && (end = strchr(p, '\n')); p = end + 1) {
                n_line = (size_t) (end - p) + 1;
                if (strncmp(p, name, n) != 0 || p[n] != ' ' || table_has(other, p, n_line))
                        continue;
                found = true;
                if (is_old)
                        remove_alias(syspath, p, n_line);
        }
        return found;
}

static bool update_interface(const char *syspath, const char *table, const char *other, bool is_old) {
        char flat[PCI_PATH_STRING_MAX], name[INTERFACE_NAME_MAX + 1] = "", bare[INTERFACE_NAME_MAX + 1] = "";
        _cleanup_device_ sd_device *device = NULL;
        const char *real;
        unsigned unused;
        bool found;

        if (sd_device_new_from_syspath(&device, syspath) < 0 || sd_device_get_syspath(device, &real) < 0 ||
            device_get_interface_path(device, flat) <= 0)
                return false;
        /* Without its name it will have an event anyway: udevd has not started yet. */
        if (interface_get_name(real, flat, name) < 0 || rtnl_find_name(name, &unused) < 0)
                return false;
        (void) interface_get_bare_name(real, flat, bare);
        found = compare_tables(real, name, table, other, is_old);
        return compare_tables(real, bare, table, other, is_old) || found;
}

/* The interfaces of each line of @table that @other does not have. An interface that cannot be read is disappearing. */
static void update_interfaces(const char *table, const char *other, bool is_old) {
        _cleanup_closedir_ DIR *dir = opendir("/sys/class/net");
        char syspath[sizeof("/sys/class/net/") + NAME_MAX];
        struct dirent *entry;

        while (dir && *table != '\0' && read_entry(dir, &entry) > 0) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(syspath, sizeof(syspath), "/sys/class/net/%s", entry->d_name);
                if (update_interface(syspath, table, other, is_old))
                        altname_ask_for_event(syspath);
        }
}

static int report_file(const struct reporter *reporter, const char *path, int r) {
        if (r < 0)
                report(reporter, REPORT_ERROR, "%s: %s", path, strerror(-r));
        return r;
}

struct compiled {
        char *rules, *table;         /* NULL when there is nothing */
        char *old_rules, *old_table; /* empty then */
};

static void compiled_clear(struct compiled *compiled) {
        free(compiled->rules);
        free(compiled->table);
        free(compiled->old_rules);
        free(compiled->old_table);
}

/* The removed aliases go first, because another interface may get them. */
static int write_all(const struct compiled *c, const struct reporter *reporter, bool *ret_has_new_rules) {
        const char *rules = c->rules ?: "", *table = c->table ?: "";
        int r = 0, r_table = 0;

        *ret_has_new_rules = !streq(rules, c->old_rules);
        if (*ret_has_new_rules)
                r = report_file(reporter, ALIAS_RULES, replace_file(ALIAS_RULES, c->rules));
        if (!streq(table, c->old_table))
                r_table = report_file(reporter, ALIAS_TABLE, replace_file(ALIAS_TABLE, c->table));
        if (r_table >= 0) {
                update_interfaces(c->old_table, table, true);
                update_interfaces(table, c->old_table, false);
        }
        return r < 0 ? r : r_table;
}

static int make_directories(void) {
        static const char *const directories[] = { "/run/udev", ALIAS_RULES_DIRECTORY, "/run/pcipath" };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(directories) && r >= 0; i++)
                r = directory_make(AT_FDCWD, directories[i], 0755);
        return r;
}

/**
 * aliases_apply() - make udev's rules and the table of interfaces agree with the aliases
 * @reporter: is told of failures
 * @ret_has_new_rules: has the file of rules changed?
 *
 * Return: 0, or a negative errno that has been reported.
 */
int aliases_apply(const struct alias_list *list, const struct reporter *reporter, bool *ret_has_new_rules) {
        _cleanup_(lock_release) struct lock lock = LOCK_NULL;
        _cleanup_(compiled_clear) struct compiled c = {};
        _cleanup_close_ int fd = -1;
        int r;

        r = alias_list_print_rules(list, &c.rules);
        if (r >= 0)
                r = alias_list_print_interfaces(list, &c.table);
        if (r >= 0 && !c.rules && access(ALIAS_RULES, F_OK) < 0 && access(ALIAS_TABLE, F_OK) < 0) {
                *ret_has_new_rules = false;
                return 0; /* nothing to make and nothing to remove */
        }

        if (r >= 0)
                r = make_directories();
        if (r >= 0)
                r = fd = lock_open_directory(&lock, "alias", ALIAS_RULES_DIRECTORY, true);
        if (r >= 0) {
                c.old_rules = read_text(ALIAS_RULES);
                c.old_table = read_text(ALIAS_TABLE);
                r = c.old_rules && c.old_table ? 0 : -ENOMEM;
        }
        return r < 0 ? report_file(reporter, ALIAS_RULES_DIRECTORY, r) : write_all(&c, reporter, ret_has_new_rules);
}
