/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any text as a file of aliases, and as a table of the firmware: each alias is one, and no text gets into udev's rules
 * but names and links. A rule can only compare a link and make another.
 */

#include <regex.h>

#include "alias-list.h"
#include "fuzz.h"
#include "link-names.h"
#include "util.h"

/* The whole grammar of what is compiled: none of its texts has a quote, a comma, a '$' or a line break. */
#define LINK "[0-9a-zA-Z._:-]+(-part\\[1-9]\\*)?"
static const char rule[] = "^(ACTION==\"remove\", GOTO=\"pcipath_alias_end\""
                           "|SUBSYSTEM!=\"block\", GOTO=\"pcipath_alias_end\""
                           "|ENV\\{ID_PCI_PATH_LINKS\\}==\"\\?\\*\", GOTO=\"pcipath_alias_several\""
                           "|ENV\\{ID_PCI_PATH_LINK\\}!=\"\\?\\*\", GOTO=\"pcipath_alias_end\""
                           "|ENV\\{DEVTYPE\\}==\"partition\", GOTO=\"pcipath_alias_partition\""
                           "|GOTO=\"pcipath_alias_end\"|LABEL=\"pcipath_alias_(partition|several|end)\""
                           "|ENV\\{ID_PCI_PATH_LINK\\}==\"" LINK "\", "
                           "SYMLINK\\+=\"disk/by-pci-alias/[a-z][a-z0-9._-]{0,62}(-part%n)?\""
                           "|ENV\\{DEVTYPE\\}==\"(disk|partition)\", ENV\\{ID_PCI_PATH_LINKS\\}=="
                           "\"disk/by-pci-path/" LINK "\\|disk/by-pci-path/" LINK " \\*"
                           "\\|\\* disk/by-pci-path/" LINK "\\|\\* disk/by-pci-path/" LINK " \\*\", "
                           "SYMLINK\\+=\"disk/by-pci-alias/[a-z][a-z0-9._-]{0,62}(-part%n)?\")$";
static const char interface[] = "^pci-[0-9a-f._v-]+(S[0-9]+)? [a-z][a-z0-9._-]{0,62}$";

static regex_t rule_regex, interface_regex;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;
        CHECK(regcomp(&rule_regex, rule, REG_EXTENDED | REG_NOSUB) == 0);
        CHECK(regcomp(&interface_regex, interface, REG_EXTENDED | REG_NOSUB) == 0);
        return 0;
}

/* The first line of the rules is a comment. */
static void check_lines(char *text, const regex_t *regex) {
        char *save = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                CHECK(line[0] == '#' ? line == text : regexec(regex, line, 0, NULL, 0) == 0);
}

static void check_list(struct alias_list *list) {
        _cleanup_free_ char *rules = NULL, *interfaces = NULL;

        CHECK(alias_list_finish(list) == 0);
        CHECK(list->n <= ALIASES_MAX && list->errors.n <= 65);
        for (size_t i = 0; i < list->n; i++) {
                const struct alias *alias = &list->items[i];

                CHECK(!alias_name_find_fault(alias->name, strlen(alias->name)));
                CHECK(strlen(alias->link) <= LINK_NAME_MAX && !strchr(alias->link, '/'));
                CHECK(streq(alias_list_find(list, alias->name)->name, alias->name));
                CHECK(alias->is_refused || i == 0 || strcmp(list->items[i - 1].name, alias->name) < 0);
        }

        CHECK(alias_list_print_rules(list, &rules) == 0);
        CHECK(alias_list_print_interfaces(list, &interfaces) == 0);
        CHECK(rules || !interfaces);
        if (rules)
                check_lines(rules, &rule_regex);
        if (interfaces)
                check_lines(interfaces, &interface_regex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct alias_list text = {}, firmware = {};

        CHECK(alias_list_add_text(&text, (const char *) data, size, "text") == 0);
        check_list(&text);
        alias_list_clear(&text);

        CHECK(alias_list_add_firmware(&firmware, (const char *) data, size, "firmware") == 0);
        check_list(&firmware);
        alias_list_clear(&firmware);
        return 0;
}
