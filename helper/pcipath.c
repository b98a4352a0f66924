/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pcipath: what a person types and an agent calls. Each verb has a file of its own.
 */

#include <getopt.h>
#include <locale.h>
#include <stdio.h>

#include "command.h"

static const struct verb *const verbs[] = {
        &verb_list, &verb_tree, &verb_of, &verb_find, &verb_wait, &verb_convert,
};

static void print_usage(FILE *out) {
        fputs("pcipath VERB [OPTIONS] ...\n"
              "\n"
              "Name devices by where they are plugged in, as host and guest both know it.\n"
              "\n", out);
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
        fputs("\n"
              "  -h --help     Show this help, or that of a verb\n"
              "     --version  Show the version\n"
              "\n"
              "Exit status: 0 done, 1 failed, 2 bad usage or no path, 3 not there, 4 timed out.\n"
              "\n"
              "See pcipath(1) and pcipath-names(7).\n", out);
}

static int run(int argc, char **argv) {
        if (argc < 2) {
                print_usage(stderr);
                return EXIT_USAGE;
        }
        if (streq(argv[1], "-h") || streq(argv[1], "--help")) {
                print_usage(stdout);
                return flush_output(EXIT_DONE);
        }
        if (streq(argv[1], "--version"))
                return print_version();

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (streq(argv[1], verbs[i]->name))
                        return verbs[i]->run(argc - 1, argv + 1);

        return complain(EXIT_USAGE, "'%s' is no verb (see pcipath --help)", argv[1]);
}

int main(int argc, char **argv) {
        /* Not LC_NUMERIC: --timeout=0.5 is the same for everybody. */
        setlocale(LC_CTYPE, "");
        opterr = 0; /* the verbs complain themselves */
        return run(argc, argv);
}
