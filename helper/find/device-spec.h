/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A device spec selects a function by its path in any format, or a disk, partition or network interface of it.
 *
 *     PATH[,SUFFIX][,part=N]      02.0/00.0,part=1    02.0/00.0,nvme-2    PciRoot(0x0)/Pci(0x2,0x0),part=1
 *     FLAT[-SUFFIX][-partN]       02.0-00.0-part1     02.0-00.0-nvme-2-part1
 *     PATH,PORT                   02.0/00.0,np0       02.0/00.0,d1        02.0/00.0,S88np0
 *     FLATPORT                    02.0-00.0np0        02.0-00.0d1         02.0-00.0S88np0
 *     ...,type=TYPE               02.0/00.0,type=net  04.0,type=pci
 */

#include "selector.h"
#include "pci-path.h"
#include "format.h"

#define DEVICE_SPEC_LINK_MAX (sizeof(DISK_LINKS) + LINK_NAME_MAX)

/** struct device_spec - a parsed device spec; its type, if any, points into the parsed text */
struct device_spec {
        struct pci_path path;
        struct selector selector;
};

int device_spec_parse(const char *text, const struct uid_map *uids, struct device_spec *ret,
                      struct pci_path_error *ret_error);
int device_spec_print_link(const struct device_spec *spec, char buf[static DEVICE_SPEC_LINK_MAX]);
size_t device_spec_list_span(const char *list);
