/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzzer once on each file of the given corpus directories. It is built with each fuzzer, so that the corpus is
 * a regression test with any compiler, with sanitizers and with valgrind.
 */

#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "util.h"

#define INPUT_MAX (1 << 20)

static int replay_file(const char *path) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t n;
        FILE *f;

        f = fopen(path, "re");
        if (!f)
                return negative_errno();

        data = malloc(INPUT_MAX);
        n = data ? fread(data, 1, INPUT_MAX, f) : 0;
        fclose(f);
        if (!data)
                return -ENOMEM;

        /* The buffer has the exact size, so that a sanitizer detects reads past its end. */
        if (n > 0) {
                uint8_t *exact = realloc(data, n);
                if (exact)
                        data = exact;
        }
        LLVMFuzzerTestOneInput(data, n);
        return 0;
}

static int replay_directory(const char *directory) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        char path[4096];
        int r, files = 0;

        dir = opendir(directory);
        if (!dir)
                return negative_errno();

        while ((entry = readdir(dir))) {
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
                r = replay_file(path);
                if (r < 0)
                        return r;
                files++;
        }

        printf("%s: %d inputs\n", directory, files);
        return files > 0 ? 0 : -ENOENT;
}

int main(int argc, char **argv) {
        int r;

        r = LLVMFuzzerInitialize(&argc, &argv);
        for (int i = 1; i < argc && r >= 0; i++) {
                r = replay_directory(argv[i]);
                if (r < 0)
                        fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
        }

        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
