/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Name every device below /sys/devices with the library, in one process: a line with its syspath, PCI path and
 * link name, separated by tabs, for each place where it is below a PCI function; "!" and an errno where there is no
 * name. For tests over thousands of trees; pcipath_id prints the same of one device, and a test holds the two equal.
 */

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "device-names.h"
#include "util.h"

static int name_device(const char *syspath) {
        _cleanup_device_ sd_device *device = NULL;
        _cleanup_names_ struct names names = {};
        char canonical[PCI_PATH_STRING_MAX];
        int r;

        r = sd_device_new_from_syspath(&device, syspath);
        if (r >= 0)
                r = device_get_names(device, &names);
        if (r < 0)
                return r;

        for (size_t i = 0; i < names.n; i++) {
                pci_path_print(&names.items[i].path, PCI_PATH_CANONICAL, canonical);
                printf("%s\t%s\t%s\n", syspath, canonical, names.items[i].link);
        }
        return 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        char uevent[4096];
        int r;

        (void) st;
        (void) ftw;

        if (type != FTW_D || snprintf(uevent, sizeof(uevent), "%s/uevent", path) >= (int) sizeof(uevent) ||
            access(uevent, F_OK) < 0)
                return 0;

        r = name_device(path);
        if (r < 0)
                printf("%s\t!%d\n", path, -r);
        return 0;
}

int main(void) {
        return nftw("/sys/devices", visit, 64, FTW_PHYS) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
