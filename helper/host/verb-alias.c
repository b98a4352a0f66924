/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Aliases of a guest's devices, in the forms in which a host hands them over: pcipath-aliases(5). Names and targets
 * have only letters, digits and "._:-", so they mean nothing to a shell, to QEMU's options or in XML. What is not so is
 * refused. A line break is quoted for the shell.
 */

#include <stdio.h>

#include "alias-name.h"
#include "base64.h"
#include "format-text.h"
#include "options.h"
#include "string-list.h"

#define USER_PREFIX "ua-" /* of all aliases that a user of libvirt gives */
#define FW_CFG_NAME "opt/io.systemd.credentials/" ALIAS_CREDENTIAL

/* "NAME=TARGET" for each, in the order of output. */
struct alias_lines {
        struct string_list lines;
        struct string_list names;
};

static void alias_lines_clear(struct alias_lines *aliases) {
        string_list_clear(&aliases->lines);
        string_list_clear(&aliases->names);
}

/* The link of a disk without its directory, the name of an interface without its prefix, or the flat path. */
static int print_target(const struct device *d, const char *operand, char buf[static PCI_PATH_STRING_MAX]) {
        const struct pci_path *path = device_get_path(d);
        char name[NAME_IN_GUEST_MAX];
        const char *found;

        if (!path)
                return log_error(EXIT_ABSENT, "%s: %s", operand,
                                 d->absent ?: "below a function that the guest does not show");
        found = device_name_in_guest(d, name);
        if (!found && d->node != NODE_NONE)
                return log_error(EXIT_ABSENT, "%s: the name of this device in the guest is not known", operand);

        pci_path_print(path, PCI_PATH_FLAT, buf);
        if (found && d->node == NODE_DISK)
                strcpy(buf, found + strlen(DISK_LINKS));
        return EXIT_DONE;
}

static bool is_plain(const char *text) {
        return text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._:-")] == '\0';
}

static int add_line(struct alias_lines *aliases, const char *name, size_t n_name, const struct device *d,
                    const char *operand) {
        _cleanup_free_ char *copy = strndup(name, n_name), *line = NULL;
        const char *fault = alias_name_find_fault(name, n_name);
        char target[PCI_PATH_STRING_MAX];
        int r;

        if (!copy)
                return log_error(EXIT_FAILED, "out of memory");
        if (fault)
                return log_error(EXIT_USAGE, "%s: %s", operand, fault);
        if (string_list_has(&aliases->names, copy))
                return log_error(EXIT_USAGE, "%s: this name is given to two devices", copy);
        r = print_target(d, operand, target);
        if (r != EXIT_DONE)
                return r;
        if (!is_plain(target))
                return log_error(EXIT_ABSENT, "%s: the name in the guest has characters that are not allowed", operand);
        if (format_text(&line, "%s=%s", copy, target) < 0 || string_list_add(&aliases->lines, line) < 0 ||
            string_list_add(&aliases->names, copy) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        return EXIT_DONE;
}

/* NAME=ID. An id is looked for first. */
static int add_operand(struct alias_lines *aliases, const struct machine *machine, const char *operand) {
        const char *equals = strchr(operand, '='), *id;
        const struct device *d, *other;

        if (!equals)
                return log_usage_error(&verb_alias, "%s: not NAME=ID", operand);
        id = equals + 1;
        d = machine_find(machine, id, 0);
        other = d ? machine_find(machine, id, 1) : machine_find_by_label(machine, id, 1);
        d = d ?: machine_find_by_label(machine, id, 0);
        if (!d)
                return log_error(EXIT_ABSENT, "%s: no such device, or none that has a PCI path", id);
        if (other)
                return log_error(EXIT_FAILED, "%s: several devices have this ID. '%s list' shows others", id,
                                 program.name);
        return add_line(aliases, operand, (size_t) (equals - operand), d, operand);
}

/* The disks and interfaces to which the user of libvirt has given an alias. */
static int add_user_aliases(struct alias_lines *aliases, const struct machine *machine) {
        int status = EXIT_DONE;

        for (size_t i = 0; i < machine->n_devices && status == EXIT_DONE; i++) {
                const struct device *d = machine->devices[i];

                if (d->id && strncmp(d->id, USER_PREFIX, strlen(USER_PREFIX)) == 0 && device_get_path(d) &&
                    d->node != NODE_NONE)
                        status = add_line(aliases, d->id + strlen(USER_PREFIX), strlen(d->id) - strlen(USER_PREFIX), d,
                                          d->id);
        }
        if (status == EXIT_DONE && aliases->lines.n == 0)
                return log_error(EXIT_ABSENT, "no disk or interface has a user alias (" USER_PREFIX "...). "
                                              "Use NAME=ID, see '%s alias --help'",
                                 program.name);
        return status;
}

static void print_lines(const struct string_list *lines, const char *before, const char *separator) {
        for (size_t i = 0; i < lines->n; i++)
                printf("%s%s%s", i > 0 ? separator : "", before, lines->items[i]);
}

/* Of the lines with a line break between them. */
static int print_base64(const struct string_list *lines) {
        _cleanup_free_ char *text = NULL, *encoded = NULL;
        size_t n;
        FILE *out;

        out = open_memstream(&text, &n);
        if (!out)
                return -ENOMEM;
        for (size_t i = 0; i < lines->n; i++)
                fprintf(out, "%s\n", lines->items[i]);
        if (finish_memstream(out, &text) < 0)
                return -ENOMEM;

        encoded = malloc(BASE64_ENCODED_SIZE(n));
        if (!encoded)
                return -ENOMEM;
        base64_encode(text, n, encoded);
        fputs(encoded, stdout);
        return 0;
}

static int print_plain(const struct string_list *lines) {
        print_lines(lines, "", "\n");
        return 0;
}

static int print_smbios(const struct string_list *lines) {
        fputs("-smbios type=11,value=io.systemd.credential.binary:" ALIAS_CREDENTIAL "=", stdout);
        return print_base64(lines);
}

static int print_fw_cfg(const struct string_list *lines) {
        fputs("-fw_cfg 'name=" FW_CFG_NAME ",string=", stdout);
        print_lines(lines, "", "\n");
        putchar('\'');
        return 0;
}

static int print_libvirt(const struct string_list *lines) {
        fputs("<sysinfo type='fwcfg'>\n  <entry name='" FW_CFG_NAME "'>", stdout);
        print_lines(lines, "", "\n");
        fputs("</entry>\n</sysinfo>", stdout);
        return 0;
}

static int print_kernel(const struct string_list *lines) {
        print_lines(lines, ALIAS_PARAMETER "=", " ");
        return 0;
}

static const struct alias_format {
        const char *name;
        int (*print)(const struct string_list *lines);
} formats[] = {
        { "lines",   print_plain   },
        { "smbios",  print_smbios  },
        { "fw-cfg",  print_fw_cfg  },
        { "libvirt", print_libvirt },
        { "kernel",  print_kernel  },
};

static const struct alias_format *find_format(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (streq(formats[i].name, name))
                        return &formats[i];

        return NULL;
}

static int run_alias(int argc, char **argv) {
        _cleanup_(alias_lines_clear) struct alias_lines aliases = {};
        _cleanup_machine_ struct machine machine = {};
        const struct alias_format *format;
        struct options options;
        int r;

        r = options_parse(argc, argv, &verb_alias, &options);
        if (r >= 0)
                return r;
        format = find_format(options.to ?: "lines");
        if (!format)
                return log_usage_error(&verb_alias, "--to=%s: unknown format", options.to);
        machine.wants_labels = optind < argc;

        r = options_read(&options, 0, &machine);
        for (int i = optind; i < argc && r == EXIT_DONE; i++)
                r = add_operand(&aliases, &machine, argv[i]);
        if (r == EXIT_DONE && optind == argc)
                r = add_user_aliases(&aliases, &machine);
        if (r != EXIT_DONE)
                return r;
        if (format->print(&aliases.lines) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        putchar('\n');
        return flush_output(EXIT_DONE);
}

const struct verb verb_alias = {
        .name = "alias",
        .operands = "SOURCE [NAME=ID...]",
        .summary = "Print aliases of devices, for the guest",
        .description = "NAME is a name that the guest shall use for the device. ID is as for\n"
                       "'pcipath-host of'. Without NAME=ID, uses the user aliases of libvirt:\n"
                       "ua-database is the alias database. See pcipath-aliases(5).\n"
                       "\n"
                       "FORMAT   prints\n"
                       "  lines    NAME=TARGET lines, for a file in the guest or a credential [default]\n"
                       "  smbios   QEMU's argument -smbios\n"
                       "  fw-cfg   QEMU's argument -fw_cfg\n"
                       "  libvirt  an element of a domain's XML\n"
                       "  kernel   words for the guest's kernel command line",
        .option_rows = (const struct option_row[]){
                { OPTION_TO, "to", "FORMAT", "Print the aliases in this format [lines]" },
                SOURCE_ROWS,
                {},
        },
        .run = run_alias,
};
