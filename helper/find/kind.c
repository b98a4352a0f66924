/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <stdio.h>

#include "kind.h"
#include "sysfs.h"
#include "util.h"

/* PCI Code and ID Assignment Specification 1.16, chapter 1. A row with a subclass comes before its base class. */
static const struct class_row {
        uint8_t base, sub;
        bool any_sub;
        const char *name;
} class_table[] = {
        { 0x01, 0x00, false, "SCSI controller"          },
        { 0x01, 0x01, false, "IDE controller"           },
        { 0x01, 0x06, false, "SATA controller"          },
        { 0x01, 0x08, false, "NVMe controller"          },
        { 0x01, 0x00, true,  "storage controller"       },
        { 0x02, 0x00, true,  "network controller"       },
        { 0x03, 0x00, true,  "display controller"       },
        { 0x04, 0x00, true,  "multimedia controller"    },
        { 0x05, 0x00, true,  "memory controller"        },
        { 0x06, 0x00, false, "host bridge"              },
        { 0x06, 0x01, false, "ISA bridge"               },
        { 0x06, 0x00, true,  "bridge"                   },
        { 0x07, 0x00, true,  "communication controller" },
        { 0x08, 0x00, true,  "system peripheral"        },
        { 0x09, 0x00, true,  "input controller"         },
        { 0x0b, 0x00, true,  "processor"                },
        { 0x0c, 0x03, false, "USB controller"           },
        { 0x0c, 0x05, false, "SMBus controller"         },
        { 0x0c, 0x00, true,  "serial bus controller"    },
        { 0x0d, 0x00, true,  "wireless controller"      },
        { 0x10, 0x00, true,  "encryption controller"    },
        { 0x11, 0x00, true,  "signal processing controller" },
        { 0x12, 0x00, true,  "accelerator"              },
        { 0x13, 0x00, true,  "instrumentation"          },
};

static const char *class_name(uint8_t base, uint8_t sub) {
        for (size_t i = 0; i < ELEMENTSOF(class_table); i++) {
                const struct class_row *row = &class_table[i];

                if (row->base == base && (row->any_sub || row->sub == sub))
                        return row->name;
        }

        return "device";
}

/** pci_kind_find_class() - the base class of a kind. Return: -ENOENT for a kind that can have several. */
int pci_kind_find_class(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(class_table); i++)
                if (streq(class_table[i].name, name))
                        return class_table[i].base;

        return -ENOENT;
}

enum {
        CONFIG_SIZE = 256,
        CONFIG_CAPABILITIES = 0x34, /* PCI 3.0, 6.1 */
        CAPABILITY_PCIE = 0x10,
};

static size_t read_config(const char *syspath, uint8_t config[static CONFIG_SIZE]) {
        _cleanup_close_ int fd = -1;
        char path[PATH_MAX];
        ssize_t n;

        if (snprintf(path, sizeof(path), "%s/config", syspath) >= (int) sizeof(path))
                return 0;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, config, CONFIG_SIZE);
        return n < 0 ? 0 : (size_t) n;
}

/*
 * Device/Port Type of the PCI Express capability (PCIe 5.0, 7.5.3.2). Capabilities are beyond the 64 bytes that users
 * other than root can read, so for them a port is a "PCI bridge". NULL when the type is unknown.
 */
static const char *pcie_bridge_name(const char *syspath) {
        static const char *const names[16] = {
                [0x4] = "PCIe root port",
                [0x5] = "PCIe switch's upstream port",
                [0x6] = "PCIe switch's downstream port",
                [0x7] = "PCIe-to-PCI bridge",
                [0x8] = "PCI-to-PCIe bridge",
        };
        uint8_t config[CONFIG_SIZE];
        size_t n, at;

        n = read_config(syspath, config);
        at = n == CONFIG_SIZE ? config[CONFIG_CAPABILITIES] : 0;

        /* The limit ends a list with a loop: there is room for 48 capabilities. */
        for (int i = 0; i < 48 && at >= 0x40 && at + 3 < n; i++) {
                if (config[at] == CAPABILITY_PCIE)
                        return names[config[at + 2] >> 4];
                at = config[at + 1] & 0xfcU;
        }

        return NULL;
}

static unsigned long read_number(const char *syspath, const char *name) {
        char text[16];

        return sysfs_read_attribute(syspath, name, sizeof(text), text) < 0 ? 0 : strtoul(text, NULL, 16);
}

/*
 * A virtio device that has no matching PCI class has class 00ff or ff. Its device id tells the kind (Virtio 1.2,
 * 4.1.2.1 and 5).
 */
static const char *virtio_name(const char *syspath) {
        static const struct {
                uint16_t device, transitional;
                const char *name;
        } table[] = {
                { 0x1044, 0x1005, "entropy source"     },
                { 0x1045, 0x1002, "memory balloon"     },
                { 0x1049, 0x1009, "shared file system" },
                { 0x1053, 0,      "vsock device"       },
                { 0x1057, 0,      "IOMMU"              },
                { 0x1058, 0,      "memory device"      },
                { 0x105a, 0,      "shared file system" },
                { 0x105b, 0,      "persistent memory"  },
        };
        unsigned long device;

        if (read_number(syspath, "vendor") != 0x1af4)
                return NULL;
        device = read_number(syspath, "device");
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (device != 0 && (device == table[i].device || device == table[i].transitional))
                        return table[i].name;

        return NULL;
}

/**
 * pci_function_get_kind() - describe the function at @syspath
 *
 * A function of an unknown class is called a "device".
 */
void pci_function_get_kind(const char *syspath, struct pci_kind *ret) {
        unsigned long class = read_number(syspath, "class");
        const char *name;
        uint8_t sub;

        sub = (uint8_t) (class >> 8);

        *ret = (struct pci_kind){ .base_class = (uint8_t) (class >> 16) };
        ret->is_bridge = ret->base_class == 0x06 && (sub == 0x04 || sub == 0x09);
        ret->name = ret->is_bridge ? "PCI bridge" : class_name(ret->base_class, sub);

        name = ret->is_bridge ? pcie_bridge_name(syspath)
                              : (ret->base_class == 0xff || (class >> 8) == 0x00ff ? virtio_name(syspath) : NULL);
        if (name)
                ret->name = name;
}
