/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A driver makes the devices below a device, which want drivers of their own: a virtio-blk disk needs virtio_pci for the
 * function and virtio_blk for what that makes of it. Whichever is missing, there is no disk.
 */

#include <fts.h>

#include "driverless.h"
#include "pci-path.h"
#include "sysfs.h"
#include "util.h"

/* What no module can be made for (a SCSI host, a class' folder) has no modalias. */
static void print_if_driverless(FILE *out, const FTSENT *entry, const char **separator) {
        char driver[NAME_MAX + 1], modalias[256];

        if (sysfs_read_link_name(entry->fts_path, "driver", driver) != -ENOENT ||
            sysfs_read_attribute(entry->fts_path, "modalias", sizeof(modalias), modalias) < 0)
                return;

        fprintf(out, "%s%s (%s)", *separator, entry->fts_name, modalias);
        *separator = ", ";
}

static void close_fts(FTS **fts) {
        if (*fts)
                fts_close(*fts);
}

/**
 * driverless_print() - the devices of the function at @syspath and below it that no driver has been found for, by modalias
 * @before: printed before the first
 *
 * What is below another function, a bridge's own bus say, is that function's.
 */
void driverless_print(FILE *out, const char *syspath, const char *before) {
        char *const paths[] = { (char *) syspath, NULL };
        FTS *fts __attribute__((__cleanup__(close_fts))) = NULL;
        struct pci_hop unused;
        FTSENT *entry;

        fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
        while (fts && (entry = fts_read(fts))) {
                if (entry->fts_info != FTS_D)
                        continue;
                if (entry->fts_level > 0 && pci_hop_parse_sysname(entry->fts_name, &unused) == 0)
                        (void) fts_set(fts, entry, FTS_SKIP);
                else
                        print_if_driverless(out, entry, &before);
        }
}
