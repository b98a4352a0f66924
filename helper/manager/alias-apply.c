/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * udevd reads the rules when it starts, and again when it is told to. An interface gets its aliases when
 * pcipath_altname is started for it; the kernel keeps them. So interfaces that have an alias which is no longer given
 * lose it here, and those whose aliases have changed get an event.
 */

#include <fcntl.h>
#include <net/if.h>

#include "alias-apply.h"
#include "altname.h"
#include "format-text.h"
#include "lock.h"
#include "replace-file.h"
#include "rtnl.h"

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

static void remove_name(unsigned ifindex, const char *alias) {
        unsigned owner;

        if (rtnl_find_name(alias, &owner) >= 0 && owner == ifindex)
                (void) rtnl_delete_altname(ifindex, alias);
}

/* @line: "NAME ALIAS\n" of one of the tables, that the other one does not have */
static void update_interface(const char *line, size_t n, bool is_old) {
        char text[INTERFACE_NAME_MAX + ALIAS_NAME_MAX + 3], ifname[IF_NAMESIZE], syspath[64], *alias;
        unsigned ifindex;

        if (n >= sizeof(text))
                return;
        memcpy(text, line, n - 1);
        text[n - 1] = '\0';
        alias = strchr(text, ' ');
        if (!alias)
                return;
        *alias++ = '\0';

        if (rtnl_find_name(text, &ifindex) < 0 || !if_indextoname(ifindex, ifname))
                return;
        if (is_old)
                remove_name(ifindex, alias);
        snprintf(syspath, sizeof(syspath), "/sys/class/net/%s", ifname);
        altname_ask_for_event(syspath);
}

/* Each line of @table that @other does not have. */
static void update_interfaces(const char *table, const char *other, bool is_old) {
        for (const char *p = table, *end; p && (end = strchr(p, '\n')); p = end + 1)
                if (!table_has(other, p, (size_t) (end - p) + 1))
                        update_interface(p, (size_t) (end - p) + 1, is_old);
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
        if (r >= 0) {
                fd = open(ALIAS_RULES_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                r = fd < 0 ? negative_errno() : lock_acquire(&lock, "alias", fd, true);
        }
        if (r >= 0) {
                c.old_rules = read_text(ALIAS_RULES);
                c.old_table = read_text(ALIAS_TABLE);
                r = c.old_rules && c.old_table ? 0 : -ENOMEM;
        }
        return r < 0 ? report_file(reporter, ALIAS_RULES_DIRECTORY, r) : write_all(&c, reporter, ret_has_new_rules);
}
