/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Aliases: names that the host gives to disks, partitions and network interfaces, pcipath-aliases(5). What the host
 * writes is untrusted text. Each wrong line is one message, and the other lines count.
 */

#include <stdbool.h>
#include <stddef.h>

#include "alias-name.h"
#include "format.h"
#include "string-list.h"

#define ALIASES_MAX 4096

/** struct alias - a name and its target */
struct alias {
        char *name;
        char *target;    /* as it was written */
        char *link;      /* name of the target's link by PCI path, if it is a disk or partition; or NULL */
        char *interface; /* name of the target by PCI path, if it is an interface; or NULL if it cannot be one */
        char *source;    /* file, or another origin */
        unsigned line;   /* of the file, from 1; or 0 */
        size_t order;    /* in which it was given */
        bool is_whole;   /* the target is no partition */
        bool is_refused; /* the name has two targets */
};

/** struct alias_list - sorted by name after alias_list_finish(); to be cleared with alias_list_clear() */
struct alias_list {
        struct alias *items;
        size_t n;
        struct string_list errors; /* a message for each wrong line */
        struct uid_map uids;       /* of this machine, once a target needs it */
        bool has_uids, is_full;
};

int alias_list_add_line(struct alias_list *list, const char *text, size_t n, const char *source, unsigned line);
int alias_list_add_text(struct alias_list *list, const char *text, size_t n, const char *source);
int alias_list_add_error(struct alias_list *list, const char *source, unsigned line, const char *reason);
int alias_list_finish(struct alias_list *list);
const struct alias *alias_list_find(const struct alias_list *list, const char *name);
int alias_list_get_links(const struct alias_list *list, const struct string_list *links, struct string_list *ret);
void alias_list_clear(struct alias_list *list);

/* alias-sources.c */
int alias_list_read(struct alias_list *ret);
int alias_list_read_file(struct alias_list *list, const char *path);
int alias_list_read_fd(struct alias_list *list, int fd, const char *source);

/* alias-firmware.c */
int alias_list_add_firmware(struct alias_list *list, const char *table, size_t n, const char *source);

/* alias-rules.c */
int alias_list_print_rules(const struct alias_list *list, char **ret);
int alias_list_print_interfaces(const struct alias_list *list, char **ret);

#define _cleanup_alias_list_ __attribute__((__cleanup__(alias_list_clear)))
