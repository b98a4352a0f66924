/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fnmatch.h>

#include "qemu-types.h"
#include "util.h"

static const struct label_key
        disk_labels[QEMU_LABELS_MAX]   = { { LABEL_BACKEND, "drive" }, { LABEL_SERIAL, "serial" } },
        socket_labels[QEMU_LABELS_MAX] = { { LABEL_BACKEND, "chardev" } },
        memory_labels[QEMU_LABELS_MAX] = { { LABEL_BACKEND, "memdev" } },
        card_labels[QEMU_LABELS_MAX]   = { { LABEL_MAC, "mac" }, { LABEL_BACKEND, "netdev" } },
        /* QEMU sets it even if the user gave the property host. */
        vfio_labels[QEMU_LABELS_MAX]   = { { LABEL_HOST, "sysfsdev" } };

// clang-format off
#define PORT(p, kind) \
        { p, kind, .is_bridge = true, .slots = SLOTS_LINK, .suffix = QEMU_SUFFIX_PORT, .properties = { "hotplug" } }
#define NETWORK(p)    { p, "network controller", .node = NODE_INTERFACE, .leaf = true, .labels = card_labels }
#define DISK(p, l)    { p, "disk", .node = NODE_DISK, .suffix = QEMU_SUFFIX_FUNCTION, .leaf = true, .labels = l }
#define SCSI_DISK(p, kind) \
        { p, kind, .node = NODE_DISK, .suffix = QEMU_SUFFIX_SCSI, .leaf = true, \
          .properties = { "channel", "scsi-id", "lun" }, .labels = disk_labels }
#define ATA_DISK(p, kind) \
        { p, kind, .node = NODE_DISK, .suffix = QEMU_SUFFIX_ATA, .leaf = true, .properties = { "unit" }, \
          .labels = disk_labels }
#define SOUND(p)      { p, "multimedia controller", .leaf = true }
#define INPUT(p)      { p, "input controller", .leaf = true }
#define EXPANDER(p)   { p, "host bridge", .suffix = QEMU_SUFFIX_EXPANDER, .leaf = true, .properties = { "bus_nr" } }
// clang-format on

/* Types of `qemu-system-x86_64 -device help`, with their variants. The first match applies. */
static const struct qemu_type type_table[] = {
        PORT("pcie-root-port",     "PCIe root port"),
        PORT("ioh3420",            "PCIe root port"),
        PORT("cxl-rp",             "PCIe root port"),
        PORT("xio3130-downstream", "PCIe switch's downstream port"),
        PORT("cxl-downstream",     "PCIe switch's downstream port"),
        { "x3130-upstream",     "PCIe switch's upstream port",   .is_bridge = true, .takes_no_plugs = true },
        { "cxl-upstream",       "PCIe switch's upstream port",   .is_bridge = true, .takes_no_plugs = true },
        { "pcie-pci-bridge",    "PCIe-to-PCI bridge", .is_bridge = true },
        { "pci-bridge*",        "PCI bridge", .is_bridge = true },
        { "i82801b11-bridge",   "PCI bridge", .is_bridge = true },
        EXPANDER("pxb"),
        EXPANDER("pxb-pcie"),
        EXPANDER("pxb-cxl"),

        DISK("virtio-blk-pci*",      disk_labels),
        DISK("vhost-user-blk-pci*",  socket_labels),
        DISK("virtio-pmem-pci*",     memory_labels),
        { "nvme", "NVMe controller", .suffix = QEMU_SUFFIX_NVME, .properties = { "drive", "subsys", "sriov_max_vfs" },
          .labels = disk_labels },
        { "nvme-ns", "disk", .node = NODE_DISK, .suffix = QEMU_SUFFIX_NAMESPACE, .leaf = true,
          .properties = { "nsid", "shared", "detached" }, .labels = disk_labels },
        { "virtio-scsi-pci*", "SCSI controller" },
        { "vhost-scsi-pci*",  "SCSI controller" },
        { "vhost-user-scsi-pci*", "SCSI controller" },
        { "lsi53c8*",         "SCSI controller" },
        { "am53c974",         "SCSI controller" },
        { "dc390",            "SCSI controller" },
        { "pvscsi",           "SCSI controller" },
        { "megasas*",         "RAID controller", .own_suffix = true },
        { "mptsas1068",       "SCSI controller", .own_suffix = true },
        SCSI_DISK("scsi-hd",    "disk"),
        SCSI_DISK("scsi-block", "disk"),
        SCSI_DISK("scsi-cd",    "optical drive"),
        SCSI_DISK("scsi-generic", "SCSI device"), /* has a link only if it is a disk */
        { "ich9-ahci",  "SATA controller" },
        { "piix?-ide*", "IDE controller" },
        { "cmd646-ide", "IDE controller" },
        { "via-ide",    "IDE controller" },
        { "sii3112",    "IDE controller" },
        ATA_DISK("ide-hd", "disk"),
        ATA_DISK("ide-cd", "optical drive"),
        { "usb-storage", "disk", .node = NODE_DISK, .suffix = QEMU_SUFFIX_USB_STORAGE, .leaf = true,
          .properties = { "port" }, .labels = disk_labels },
        { "usb-uas",     "USB storage", .suffix = QEMU_SUFFIX_USB_SCSI, .properties = { "port" } },
        { "usb-bot",     "USB storage", .suffix = QEMU_SUFFIX_USB_SCSI, .properties = { "port" } },

        { "virtio-net-pci*", "network controller", .node = NODE_INTERFACE, .suffix = QEMU_SUFFIX_CARD, .leaf = true,
          .properties = { "sriov-pf", "failover" }, .labels = card_labels },
        NETWORK("e1000*"),
        NETWORK("igb*"),
        NETWORK("rtl8139"),
        NETWORK("ne2k_pci"),
        NETWORK("pcnet"),
        NETWORK("i825*"),
        NETWORK("tulip"),
        NETWORK("vmxnet3"),

        { "mch",        "host bridge",      .leaf = true },
        { "i440FX*",    "host bridge",      .leaf = true },
        { "gpex-root",  "host bridge",      .leaf = true },
        { "ICH9-LPC",   "ISA bridge",       .leaf = true },
        { "PIIX*_PM",   "bridge",           .leaf = true },
        { "PIIX3*",     "ISA bridge" }, /* since QEMU 8.2 its other functions may be its children */
        { "ICH9-SMB",   "SMBus controller", .leaf = true },
        { "*-xhci*",    "USB controller" },
        { "*-ehci*",    "USB controller" },
        { "*-uhci*",    "USB controller" },
        { "pci-ohci*",  "USB controller" },
        { "usb-*",      "USB device",       .leaf = true },
        { "virtio-serial-pci*",  "communication controller", .leaf = true },
        { "virtio-gpu-*",        "display controller",       .leaf = true },
        { "vhost-user-gpu-pci",  "display controller",       .leaf = true },
        { "virtio-vga*",         "display controller",       .leaf = true },
        { "VGA",                 "display controller",       .leaf = true },
        { "*-vga",               "display controller",       .leaf = true },
        { "qxl",                 "display controller",       .leaf = true },
        { "vmware-svga",         "display controller",       .leaf = true },
        { "bochs-display",       "display controller",       .leaf = true },
        SOUND("virtio-sound-pci*"),
        SOUND("*intel-hda"),
        SOUND("AC97"),
        SOUND("ES1370"),
        INPUT("virtio-input-*-pci*"),
        INPUT("virtio-keyboard-pci*"),
        INPUT("virtio-mouse-pci*"),
        INPUT("virtio-tablet-pci*"),
        INPUT("virtio-multitouch-pci*"),
        { "virtio-9p-pci*",      "shared file system",       .leaf = true },
        { "vhost-user-fs-pci*",  "shared file system",       .leaf = true, .labels = socket_labels },
        { "virtio-rng-pci*",     "entropy source",           .leaf = true },
        { "virtio-balloon-pci*", "memory balloon",           .leaf = true },
        { "virtio-mem-pci*",     "memory device",            .leaf = true, .labels = memory_labels },
        { "virtio-iommu-pci*",   "IOMMU",                    .leaf = true },
        { "AMDVI-PCI",           "IOMMU",                    .leaf = true },
        { "virtio-crypto-pci*",  "crypto device",            .leaf = true },
        { "vhost-*vsock-pci*",   "communication controller", .leaf = true },
        { "pci-serial*",         "communication controller", .leaf = true },
        { "ivshmem-plain",       "memory controller",        .leaf = true, .labels = memory_labels },
        { "ivshmem-doorbell",    "memory controller",        .leaf = true, .labels = socket_labels },
        { "i6300esb",            "watchdog",                 .leaf = true },
        { "pvpanic-pci",         "panic device",             .leaf = true },
        { "acpi-erst",           "pstore device",            .leaf = true },
        { "zpci",                "zpci device",              .leaf = true, .properties = { "uid", "target" } },
        { "virtio-*-pci*",       "device",                   .leaf = true },
        { "vfio-pci*",           "device",                   .leaf = true, .labels = vfio_labels },
};

/** qemu_type_find() - find the row of a device type; an unknown type gets a row without suffix */
const struct qemu_type *qemu_type_find(const char *type) {
        static const struct qemu_type unknown = { "*", "device" };

        for (size_t i = 0; i < ELEMENTSOF(type_table); i++)
                if (fnmatch(type_table[i].pattern, type, 0) == 0)
                        return &type_table[i];

        return &unknown;
}

/** qemu_bus_find() - find the kind of a bus type */
enum qemu_bus qemu_bus_find(const char *type) {
        static const struct {
                const char *type;
                enum qemu_bus bus;
        } bus_table[] = {
                { "PCI",            QEMU_BUS_PCI    },
                { "PCIE",           QEMU_BUS_PCI    },
                { "CXL",            QEMU_BUS_PCI    },
                { "pxb-bus",        QEMU_BUS_PCI    },
                { "pxb-pcie-bus",   QEMU_BUS_PCI    },
                { "pxb-cxl-bus",    QEMU_BUS_PCI    },
                { "virtio-pci-bus", QEMU_BUS_VIRTIO },
                { "SCSI",           QEMU_BUS_SCSI   },
                { "IDE",            QEMU_BUS_IDE    },
                { "usb-bus",        QEMU_BUS_USB    },
                { "nvme-bus",       QEMU_BUS_NVME   },
                { "s390-pcibus",    QEMU_BUS_ZPCI   },
        };

        for (size_t i = 0; i < ELEMENTSOF(bus_table); i++)
                if (streq(bus_table[i].type, type))
                        return bus_table[i].bus;

        return QEMU_BUS_NONE;
}
