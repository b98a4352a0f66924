/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <stdio.h>

#include "command.h"
#include "device-spec.h"
#include "uids.h"

#define TO_LINK "link" /* a disk's link, which is not a format of paths */

struct conversion {
        const struct format *from; /* NULL: any */
        const struct format *to;   /* NULL: the link of a disk */
        struct uid_map uids;
        bool live;
        FILE *out;
};

/* The link of a disk can have a suffix, so the text is a device spec. */
static int convert_to_link(const struct conversion *c, const char *text) {
        struct pci_path_error error;
        char buf[DEVICE_SPEC_LINK_MAX];
        struct device_spec spec;
        int r;

        if (device_spec_parse(text, c->live ? &c->uids : NULL, &spec, &error) < 0)
                return log_path_error(text, &error);

        r = device_spec_print_link(&spec, buf);
        if (r == -E2BIG)
                return log_error(EXIT_USAGE, "'%s' has no link: the name would be longer than %d bytes", text,
                                 LINK_NAME_MAX);
        if (r < 0)
                return log_error(EXIT_USAGE, "'%s' is not a disk or partition; only these have links", text);

        fprintf(c->out, "%s\n", buf);
        return EXIT_DONE;
}

static int convert(const struct conversion *c, const char *text) {
        const struct uid_map *uids = c->live ? &c->uids : NULL;
        char buf[FORMAT_MAX];
        struct pci_path_error error;
        struct pci_path path;
        const char *reason;
        int r;

        if (!c->to)
                return convert_to_link(c, text);

        r = c->from ? c->from->parse(text, uids, &path, &error) : format_parse_any(text, uids, &path, &error);
        if (r < 0)
                return log_path_error(text, &error);
        if (c->to->print(&path, uids, buf, &reason) < 0)
                return log_error(EXIT_USAGE, "'%s' cannot be written as %s: %s", text, c->to->name, reason);

        fprintf(c->out, "%s\n", buf);
        return EXIT_DONE;
}

/* An alias is no format, so --from excludes it. */
static int convert_text(const struct conversion *c, const char *text) {
        _cleanup_free_ char *expanded = NULL;
        int r;

        r = c->from ? EXIT_DONE : expand_alias(text, &expanded);
        return r == EXIT_DONE ? convert(c, expanded ?: text) : r;
}

static int convert_lines(const struct conversion *c) {
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ssize_t n;
        int status;

        while ((n = getline(&line, &size, stdin)) >= 0) {
                if (n > 0 && line[n - 1] == '\n')
                        line[--n] = '\0';
                if (strlen(line) != (size_t) n)
                        return log_error(EXIT_USAGE, "standard input: '%s' is followed by a null byte", line);
                status = convert_text(c, line);
                if (status != EXIT_DONE)
                        return status;
        }

        return ferror(stdin) ? log_error(EXIT_FAILED, "cannot read: %s", strerror(errno)) : EXIT_DONE;
}

static int convert_all(struct conversion *c, char **texts, int n) {
        _cleanup_free_ char *output = NULL;
        int status = EXIT_DONE;
        size_t size;

        c->out = open_memstream(&output, &size);
        if (!c->out)
                return log_error(EXIT_FAILED, "out of memory");

        for (int i = 0; i < n && status == EXIT_DONE; i++)
                status = streq(texts[i], "-") ? convert_lines(c) : convert_text(c, texts[i]);

        if (finish_memstream(c->out, &output) < 0)
                return log_error(EXIT_FAILED, "out of memory");
        if (status == EXIT_DONE)
                fputs(output, stdout);
        return status == EXIT_DONE ? flush_output(status) : status;
}

static const struct format *parse_format(const char *option, const char *name) {
        const struct format *format = format_find(name);

        if (!format)
                log_usage_error(&verb_convert, "--%s=%s: unknown format", option, name);
        return format;
}

enum {
        OPTION_FROM = 0x200,
        OPTION_TO,
        OPTION_LIVE
};

/* Return: -1 to continue, or an exit status. */
static int parse_argv(int argc, char **argv, struct conversion *c) {
        int option;

        while ((option = verb_next_option(&verb_convert, argc, argv)) >= 0)
                switch (option) {
                case OPTION_FROM:
                        c->from = parse_format("from", optarg);
                        if (!c->from)
                                return EXIT_USAGE;
                        break;
                case OPTION_TO:
                        c->to = streq(optarg, TO_LINK) ? NULL : parse_format("to", optarg);
                        if (!c->to && !streq(optarg, TO_LINK))
                                return EXIT_USAGE;
                        break;
                case OPTION_LIVE:
                        c->live = true;
                        break;
                default:
                        return parse_common(option, argv, &verb_convert);
                }

        if (!c->to && c->from)
                return log_usage_error(&verb_convert, "--from cannot be used with --to=link");
        if (optind == argc)
                return log_usage_error(&verb_convert, "no path given");
        return -1;
}

static int run_convert(int argc, char **argv) {
        struct conversion c = { .to = format_find("path") };
        int r;

        r = parse_argv(argc, argv, &c);
        if (r >= 0)
                return r;

        if (c.live) {
                r = uid_map_read(&c.uids);
                if (r < 0)
                        return log_error(EXIT_FAILED, "cannot read the root buses of this machine: %s", strerror(-r));
        }

        r = convert_all(&c, argv + optind, argc - optind);
        uid_map_clear(&c.uids);
        return r;
}

const struct verb verb_convert = {
        .name = "convert",
        .operands = "PATH...",
        .summary = "Convert PCI paths between the formats of programs",
        .description = "Use - as PATH to read lines from standard input.\n"
                       "\n"
                       "FORMAT  example\n"
                       "  path    02.0/00.0          pcipath's own format [default of --to]\n"
                       "  flat    02.0-00.0          the same, for file and interface names\n"
                       "  kata    02/00              Kata Containers\n"
                       "  kernel  0000:00:02.0/00.0  the kernel's pci= parameter\n"
                       "  lspci   00:02.0/00.0       lspci -P\n"
                       "  uefi    PciRoot(0x0)/Pci(0x2,0x0)/Pci(0x0,0x0)\n"
                       "  qemu    /pci@i0cf8/pci-bridge@2/scsi@0   QEMU's boot order\n"
                       "  link    " DISK_LINKS "02.0-00.0   the link of a disk; --to only\n"
                       "\n"
                       "For --to=link, PATH can have a ,SUFFIX and ,part=N, as for 'pcipath find'.",
        .option_rows = (const struct option_row[]){
                { OPTION_TO, "to", "FORMAT", "Print paths in this format" },
                { OPTION_FROM, "from", "FORMAT", "Accept only this format [default: any]" },
                { OPTION_LIVE, "live", NULL, "The paths are of this machine: read the ACPI _UIDs of its\n"
                                             "root buses. Without --live, only PciRoot(0x0) is known" },
                COMMON_ROWS,
                {},
        },
        .run = run_convert,
};
