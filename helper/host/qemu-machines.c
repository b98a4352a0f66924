/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fnmatch.h>

#include "qemu-machines.h"
#include "util.h"

#define NEEDS_PORT "hotplug needs an empty PCIe port: add a pcie-root-port and start the machine again"
#define NEEDS_BRIDGE "every slot is in use: add a pci-bridge and start the machine again"

// clang-format off
static const struct qemu_machine machines[] = {
        /* rhel6.6.0 and similar: Red Hat's versions of pc */
        { "i440FX-pcihost", { "pc", "pc-i440fx-*", "pc-0.*", "pc-1.*", "rhel[0-9]*" },
          .built_in = 1U << 0 | 1U << 1, .built_in_type = "ide", .needs_acpi = true,
          .no_hotplug = "hotplug on i440fx needs ACPI: enable it and start the machine again",
          .no_room = NEEDS_BRIDGE },
        { "q35-pcihost", { "q35", "pc-q35-*" },
          .built_in = 1U << 0 | 1U << 0x1f, .built_in_type = "sata", .no_hotplug = NEEDS_PORT, .no_room = NEEDS_PORT },
        { "gpex-pcihost", { "virt", "virt-*", "sbsa-ref", "microvm", "loongson3-virt" },
          .built_in = 1U << 0, .no_hotplug = NEEDS_PORT, .no_room = NEEDS_PORT },
        { "spapr-pci-host-bridge", { "pseries", "pseries-*" },
          .root_number = ROOT_BY_INDEX, .no_room = NEEDS_BRIDGE },
        { "s390-pcihost", { "s390-ccw-virtio", "s390-ccw-virtio-*" },
          .root_number = ROOT_BY_UID,
          .no_hotplug = "devices on s390 have no slots: their paths are made from their uids" },
};
// clang-format on

/** qemu_machine_find_by_type() - find the row of a machine type, such as "pc-q35-7.2"; NULL if there is none */
const struct qemu_machine *qemu_machine_find_by_type(const char *machine_type) {
        for (size_t i = 0; i < ELEMENTSOF(machines); i++)
                for (size_t j = 0; j < QEMU_MACHINE_PATTERNS_MAX && machines[i].patterns[j]; j++)
                        if (fnmatch(machines[i].patterns[j], machine_type, 0) == 0)
                                return &machines[i];

        return NULL;
}

/** qemu_machine_find_by_host_bridge() - find the row of a host bridge's type; NULL if there is none */
const struct qemu_machine *qemu_machine_find_by_host_bridge(const char *type) {
        for (size_t i = 0; i < ELEMENTSOF(machines); i++)
                if (streq(machines[i].host_bridge, type))
                        return &machines[i];

        return NULL;
}
