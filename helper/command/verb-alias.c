/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "alias-apply.h"
#include "command.h"
#include "log-report.h"
#include "readiness.h"
#include "rtnl.h"
#include "table.h"
#include "uevent-monitor.h"

enum {
        COLUMN_NAME,
        COLUMN_TARGET,
        COLUMN_DEVICE,
        COLUMN_LINK,
        COLUMN_SOURCE,
        COLUMN_LINE,
};

static const struct column columns[] = {
        [COLUMN_NAME]   = { "NAME",   "name that the host gives"                            },
        [COLUMN_TARGET] = { "TARGET", "PCI path, with suffix and partition"                 },
        [COLUMN_DEVICE] = { "DEVICE", "device node or network interface, if it exists"      },
        [COLUMN_LINK]   = { "LINK",   "symlink or alternative name, if it exists"           },
        [COLUMN_SOURCE] = { "SOURCE", "file that the alias comes from"                      },
        [COLUMN_LINE]   = { "LINE",   "line of the file"                                    },
        {},
};

struct alias_options {
        struct table_options table_options;
        struct table_columns columns;
        const char *check; /* a file, or NULL */
        bool apply;
};

/* The device that gets the alias: a disk, partition or interface, and the only one. */
static const struct child_device *find_device(const struct lookup *lookup) {
        const struct child_device *found = NULL;

        for (size_t i = 0; i < lookup->n_selected; i++) {
                const struct child_device *u = &lookup->children.items[i];

                if (!streq(u->subsystem, "block") && !streq(u->subsystem, "net"))
                        continue;
                if (found)
                        return NULL;
                found = u;
        }

        return found;
}

/* The link or name if it leads to the device. Return: @link, or NULL. */
static const char *find_link(const struct alias *alias, const struct child_device *u,
                             char link[static sizeof(ALIAS_LINKS) + ALIAS_NAME_MAX]) {
        unsigned ifindex;

        if (streq(u->subsystem, "net")) {
                strcpy(link, alias->name);
                return rtnl_find_name(link, &ifindex) >= 0 && ifindex == if_nametoindex(u->name) ? link : NULL;
        }

        sprintf(link, ALIAS_LINKS "%s", alias->name);
        return child_device_is_at(u, link) > 0 ? link : NULL;
}

static int add_line(struct libscols_table *table, const struct table_columns *shown, const struct alias *alias,
                    const struct child_device *u) {
        char number[sizeof("4294967295")] = "", link[sizeof(ALIAS_LINKS) + ALIAS_NAME_MAX];
        const char *cells[] = {
                [COLUMN_NAME] = alias->name,
                [COLUMN_TARGET] = alias->target,
                [COLUMN_DEVICE] = u ? u->name : NULL,
                [COLUMN_LINK] = u ? find_link(alias, u, link) : NULL,
                [COLUMN_SOURCE] = alias->source,
                [COLUMN_LINE] = alias->line > 0 ? number : NULL,
        };
        struct libscols_line *line = scols_table_new_line(table, NULL);
        int r = line ? 0 : -ENOMEM;

        sprintf(number, "%u", alias->line);
        for (size_t i = 0; i < shown->n && r >= 0; i++)
                r = scols_line_set_data(line, i, cells[shown->items[i]]);
        return r;
}

/* Return: 0 or -ENOMEM. */
static int add_alias(struct libscols_table *table, const struct table_columns *shown, const struct alias *alias,
                     const struct alias_list *list) {
        struct device_spec spec;
        struct lookup lookup = {};
        int r;

        /* What cannot be read is not there. The other verbs say why. */
        if (!alias->is_refused && device_spec_parse(alias->target, &list->uids, &spec, NULL) >= 0)
                (void) lookup_device(&spec, &lookup);
        r = add_line(table, shown, alias, find_device(&lookup));
        lookup_clear(&lookup);
        return r;
}

static int print_list(const struct alias_options *options, const struct alias_list *list) {
        _cleanup_table_ struct libscols_table *table = table_new("aliases", &options->table_options);
        int r = table ? table_add_columns(table, &options->columns, &verb_alias) : -ENOMEM;

        for (size_t i = 0; i < list->n && r >= 0; i++)
                r = add_alias(table, &options->columns, &list->items[i], list);
        return r < 0 ? log_error(EXIT_FAILED, "out of memory") : table_print(table);
}

static int check_file(const char *path, struct alias_list *list) {
        int r;

        r = streq(path, "-") ? alias_list_read_fd(list, STDIN_FILENO, "standard input")
                             : alias_list_read_file(list, path);
        return r < 0 ? r : alias_list_finish(list);
}

static int run_udevadm(char *const *argv) {
        int status, r;
        pid_t pid;

        r = posix_spawn(&pid, UDEVADM, NULL, NULL, argv, environ);
        if (r != 0)
                return log_error(EXIT_FAILED, UDEVADM ": %s", strerror(r));
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return log_error(EXIT_FAILED, UDEVADM ": %s", strerror(errno));
        return status == 0 ? EXIT_DONE : log_error(EXIT_FAILED, "%s %s has failed", argv[0], argv[1]);
}

/* udevd reads its rules again and makes the links of the disks that are there. */
static int update_udevd(void) {
        static char *const reload[] = { (char *) "udevadm", (char *) "control", (char *) "--reload",
                                        (char *) "--timeout=10", NULL };
        static char *const trigger[] = { (char *) "udevadm", (char *) "trigger", (char *) "--action=change",
                                         (char *) "--subsystem-match=block",
                                         (char *) "--property-match=ID_PCI_PATH_LINK=?*",
                                         (char *) "--property-match=ID_PCI_PATH_LINKS=?*", NULL };
        int r;

        r = run_udevadm(reload);
        return r == EXIT_DONE ? run_udevadm(trigger) : r;
}

static int apply(const struct alias_list *list) {
        const struct reporter reporter = LOG_REPORTER;
        bool has_new_rules;

        ignore_sigpipe();
        if (aliases_apply(list, &reporter, &has_new_rules) < 0)
                return EXIT_FAILED;
        return has_new_rules && udev_is_running() ? update_udevd() : EXIT_DONE;
}

static int run(const struct alias_options *options) {
        _cleanup_alias_list_ struct alias_list list = {};
        int status = EXIT_DONE, r;

        r = options->check ? check_file(options->check, &list) : alias_list_read(&list);
        if (r < 0)
                return log_error(EXIT_FAILED, "out of memory");
        if (options->apply)
                status = apply(&list);
        else if (!options->check)
                status = print_list(options, &list);
        return log_alias_errors(&list) == EXIT_DONE ? status : EXIT_FAILED;
}

enum {
        OPTION_APPLY = 0x200,
        OPTION_CHECK
};

static int run_alias(int argc, char **argv) {
        struct alias_options options = {};
        int option;

        (void) table_parse_columns(verb_alias.default_columns, &verb_alias, &options.columns);
        while ((option = verb_next_option(&verb_alias, argc, argv)) >= 0)
                switch (option) {
                case 'J':
                        options.table_options.json = true;
                        break;
                case 'n':
                        options.table_options.no_headings = true;
                        break;
                case 'o':
                        if (table_parse_columns(optarg, &verb_alias, &options.columns) != EXIT_DONE)
                                return EXIT_USAGE;
                        break;
                case OPTION_APPLY:
                        options.apply = true;
                        break;
                case OPTION_CHECK:
                        options.check = optarg;
                        break;
                default:
                        return parse_common(option, argv, &verb_alias);
                }
        if (options.apply && options.check)
                return log_usage_error(&verb_alias, "--apply and --check exclude each other");
        if (optind < argc)
                return log_usage_error(&verb_alias, "%s: unexpected argument", argv[optind]);

        return run(&options);
}

const struct verb verb_alias = {
        .name = "alias",
        .operands = "",
        .summary = "List the names that the host gives to devices",
        .description = "Prints a message for each wrong line; the exit status is 1 then.\n"
                       "pcipath-aliases(5) describes where aliases come from.",
        .option_rows = (const struct option_row[]){
                { OPTION_APPLY, "apply", NULL, "Have udevd use the aliases: write its rules, and update\n"
                                               "devices if udevd runs" },
                { OPTION_CHECK, "check", "FILE", "Check the lines of FILE instead; - is standard input" },
                { 'J', "json", NULL, "Print JSON" },
                { 'n', "noheadings", NULL, "Do not print the headings" },
                COLUMN_ROWS,
                COMMON_ROWS,
                {},
        },
        .columns = columns,
        .default_columns = "NAME,TARGET,DEVICE,LINK,SOURCE,LINE",
        .run = run_alias,
};
