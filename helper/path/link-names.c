/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "link-names.h"
#include "util.h"

const char *const link_directories[] = {
        "/dev/" DISK_DIRECTORY,
        "/dev/" VFIO_DIRECTORY,
        "/dev/" ALIAS_DIRECTORY,
        /* The other device nodes: see helper/device/node-link.c. */
        "/dev/" LINK_DIRECTORY("vfio/devices"),
        "/dev/" LINK_DIRECTORY("dri"),
        "/dev/" LINK_DIRECTORY("infiniband"),
        "/dev/" LINK_DIRECTORY("input"),
        "/dev/" LINK_DIRECTORY("serial"),
        "/dev/" LINK_DIRECTORY("snd"),
        "/dev/" LINK_DIRECTORY("tape"),
        "/dev/" LINK_DIRECTORY("v4l"),
        "/dev/" LINK_DIRECTORY("virtio-ports"),
        NULL,
};

/** is_disk_suffix() - does @text begin as the suffix of a disk or of a sub-function? */
bool is_disk_suffix(const char *text) {
        static const char *const prefixes[] = {
                SUFFIX_ATA, SUFFIX_FC, SUFFIX_NVME, SUFFIX_SAS, SUFFIX_SCSI, SUFFIX_SUB_FUNCTION, SUFFIX_USB
        };

        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;

        return false;
}
