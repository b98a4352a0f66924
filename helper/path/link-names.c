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

/*
 * The driver's name of a port can have other characters as well. Those of separators and of patterns are left out, so
 * that the suffix can be a part of a device spec.
 */
#define PORT_CHARACTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"

/**
 * interface_suffix_span() - get the length of the suffix of an interface at the beginning of @text
 *
 * Such a suffix is "S88", "np0", "d1" or "S88np0". It ends at a comma or at the end of the text.
 *
 * Return: 0 when there is none.
 */
size_t interface_suffix_span(const char *text) {
        const size_t length = strcspn(text, ",");
        size_t at = 0, n;

        /* A misspelt suffix of a disk is none. */
        if (strncmp(text, SUFFIX_NVME, 3) == 0)
                return 0;
        if (text[at] == INTERFACE_SUB_FUNCTION) {
                n = strspn(text + 1, "0123456789");
                if (n == 0 || (n > 1 && text[1] == '0'))
                        return 0;
                at += 1 + n;
        }
        n = 0;
        if (text[at] == INTERFACE_PORT_NAME)
                n = strspn(text + at + 1, PORT_CHARACTERS);
        else if (text[at] == INTERFACE_PORT_NUMBER && text[at + 1] != '0')
                n = strspn(text + at + 1, "0123456789");
        at += n > 0 ? 1 + n : 0;
        return at == length ? length : 0;
}
