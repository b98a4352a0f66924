/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fnmatch.h>

#include "libvirt-types.h"
#include "libvirt-xml.h"

/** struct libvirt_type - elements for which QEMU has one type of device */
struct libvirt_type {
        const char *element;
        const char *key;   /* an attribute, or that of a child as in "target/type"; NULL for every element */
        const char *value; /* pattern for fnmatch(); an attribute that is missing is empty */
        const char *qemu;  /* QEMU's type, which has the kind; NULL for elements that are no PCI device */
};

// clang-format off
/* The first match applies. QEMU's type of the same kind is enough: "virtio-blk-pci" for every disk. */
static const struct libvirt_type types[] = {
        { "controller", "model", "none",                        NULL                 },
        { "controller", "model", "ncr53c90",                    NULL                 },
        { "controller", "model", "pci*-root",                   NULL                 },
        { "controller", "model", "pci-bridge",                  "pci-bridge"         },
        { "controller", "model", "dmi-to-pci-bridge",           "i82801b11-bridge"   },
        { "controller", "model", "pcie-to-pci-bridge",          "pcie-pci-bridge"    },
        { "controller", "model", "pcie-root-port",              "pcie-root-port"     },
        { "controller", "model", "pcie-switch-upstream-port",   "x3130-upstream"     },
        { "controller", "model", "pcie-switch-downstream-port", "xio3130-downstream" },
        { "controller", "model", "pci*-expander-bus",           "pxb-pcie"           },
        { "controller", "type",  "pci",                         "device"             }, /* of an unknown model */
        { "controller", "model", "lsisas1078",                  "megasas"            },
        { "controller", "type",  "scsi",                        "virtio-scsi-pci"    },
        { "controller", "type",  "sata",                        "ich9-ahci"          },
        { "controller", "type",  "ide",                         "piix3-ide"          },
        { "controller", "type",  "usb",                         "qemu-xhci"          },
        { "controller", "type",  "nvme",                        "nvme"               },
        { "controller", "type",  "virtio-serial",               "virtio-serial-pci"  },
        { "disk",       "device", "cdrom",                      "scsi-cd"            },
        { "disk",       NULL,    NULL,                          "virtio-blk-pci"     },
        { "interface",  NULL,    NULL,                          "virtio-net-pci"     },
        { "hostdev",    "type",  "pci",                         "vfio-pci"           },
        { "hostdev",    "model", "vfio-ap",                     NULL                 },
        { "hostdev",    "type",  "mdev",                        "vfio-pci"           },
        { "hostdev",    "type",  "scsi",                        "scsi-generic"       },
        { "hostdev",    "type",  "scsi_host",                   "vhost-scsi-pci"     },
        { "filesystem", NULL,    NULL,                          "vhost-user-fs-pci"  },
        { "video",      "model/type", "none",                   NULL                 },
        { "video",      "model/type", "ramfb",                  NULL                 },
        { "video",      NULL,    NULL,                          "VGA"                },
        { "sound",      "model", "ac97",                        "AC97"               },
        { "sound",      "model", "es1370",                      "ES1370"             },
        { "sound",      "model", "ich[0-9]",                    "intel-hda"          },
        { "sound",      "model", "virtio",                      "virtio-sound-pci"   },
        { "rng",        NULL,    NULL,                          "virtio-rng-pci"     },
        { "memballoon", "model", "virtio*",                     "virtio-balloon-pci" },
        { "watchdog",   "model", "i6300esb",                    "i6300esb"           },
        { "input",      "bus",   "virtio",                      "virtio-keyboard-pci" },
        { "vsock",      NULL,    NULL,                          "vhost-vsock-pci"    },
        { "shmem",      NULL,    NULL,                          "ivshmem-plain"      },
        { "memory",     "model", "virtio-mem",                  "virtio-mem-pci"     },
        { "memory",     "model", "virtio-pmem",                 "virtio-pmem-pci"    },
        { "crypto",     NULL,    NULL,                          "virtio-crypto-pci"  },
        { "iommu",      "model", "virtio",                      "virtio-iommu-pci"   },
        { "iommu",      "model", "amd",                         "AMDVI-PCI"          },
        { "panic",      "model", "pvpanic",                     "pvpanic-pci"        },
        { "pstore",     NULL,    NULL,                          "acpi-erst"          },
        { "serial",     "target/type", "pci-serial",            "pci-serial"         },
};

/* src/qemu/qemu_alias.c */
static const struct libvirt_numbers numbers[] = {
        { "interface",  "hostdev",    "type",  "hostdev",     true  },
        { "interface",  "net",        NULL,    NULL,          true  },
        { "hostdev",    "hostdev",    NULL,    NULL,          true  },
        { "filesystem", "fs",         NULL,    NULL,          true  },
        { "video",      "video",      NULL,    NULL,          false },
        { "sound",      "sound",      NULL,    NULL,          false },
        { "rng",        "rng",        NULL,    NULL,          true  },
        { "memballoon", "balloon",    NULL,    NULL,          false },
        { "watchdog",   "watchdog",   NULL,    NULL,          false },
        { "input",      "input",      NULL,    NULL,          false },
        { "vsock",      "vsock",      NULL,    NULL,          false },
        { "shmem",      "shmem",      NULL,    NULL,          false },
        { "memory",     "virtiomem",  "model", "virtio-mem",  true  },
        { "memory",     "virtiopmem", "model", "virtio-pmem", true  },
        { "crypto",     "crypto",     NULL,    NULL,          true  },
        { "iommu",      "iommu",      NULL,    NULL,          false },
        { "pstore",     "pstore",     NULL,    NULL,          false },
        { "serial",     "serial",     NULL,    NULL,          false },
        { "hub",        "hub",        NULL,    NULL,          false },
        { "redirdev",   "redir",      NULL,    NULL,          true  },
};
// clang-format on

_Static_assert(ELEMENTSOF(numbers) <= LIBVIRT_NUMBERS_MAX, "a domain counts the elements of each row");

static bool matches(const xmlNode *element, const char *key, const char *value) {
        _cleanup_xml_ xmlChar *text = NULL;
        const char *slash = key ? strchr(key, '/') : NULL;
        char child[16];

        if (!key)
                return true;
        if (slash) {
                memcpy(child, key, (size_t) (slash - key));
                child[slash - key] = '\0';
        }
        text = slash ? element_child_attribute(element, child, slash + 1) : xmlGetProp(element, BAD_CAST key);
        return fnmatch(value, text ? (const char *) text : "", 0) == 0;
}

/** libvirt_find_qemu_type() - find QEMU's type for an element, or NULL if the element is no PCI device */
const char *libvirt_find_qemu_type(const xmlNode *element) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (element_is(element, types[i].element) && matches(element, types[i].key, types[i].value))
                        return types[i].qemu;

        return NULL;
}

/**
 * libvirt_find_numbers() - find the row that numbers an element
 * @ret_counter: less than LIBVIRT_NUMBERS_MAX; elements with the same prefix share it
 */
const struct libvirt_numbers *libvirt_find_numbers(const xmlNode *element, size_t *ret_counter) {
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                size_t first = 0;

                if (!element_is(element, numbers[i].element) || !matches(element, numbers[i].key, numbers[i].value))
                        continue;
                while (!streq(numbers[first].prefix, numbers[i].prefix))
                        first++;
                *ret_counter = first;
                return &numbers[i];
        }

        return NULL;
}
