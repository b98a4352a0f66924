/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-models.h"
#include "util.h"

/* The last columns: whether the model supports hotplug, and in which slots (https://libvirt.org/pci-hotplug.html). */
static const struct libvirt_model models[] = {
        { "pci-root",                    CONTROLLER_ROOT,            true,  1, 0x1f },
        { "pcie-root",                   CONTROLLER_ROOT,            false, 1, 0x1f },
        { "pci-bridge",                  CONTROLLER_BRIDGE,          true,  1, 0x1f },
        { "dmi-to-pci-bridge",           CONTROLLER_BRIDGE,          false, 1, 0x1f },
        { "pcie-to-pci-bridge",          CONTROLLER_BRIDGE,          true,  1, 0x1f },
        { "pcie-root-port",              CONTROLLER_BRIDGE,          true,  0, 0    },
        { "pcie-switch-upstream-port",   CONTROLLER_BRIDGE,          false, 0, 0x1f },
        { "pcie-switch-downstream-port", CONTROLLER_BRIDGE,          true,  0, 0    },
        { "pci-expander-bus",            CONTROLLER_EXPANDER_BRIDGE, false, 0, 0x1f },
        { "pcie-expander-bus",           CONTROLLER_EXPANDER,        false, 0, 0x1f },
};

/** libvirt_model_find() - find the row of a model; for a missing or unknown model, a row without hotplug */
const struct libvirt_model *libvirt_model_find(const char *name) {
        static const struct libvirt_model unknown = { NULL, CONTROLLER_UNKNOWN, false, 0, 0x1f };

        for (size_t i = 0; name && i < ELEMENTSOF(models); i++)
                if (streq(models[i].name, name))
                        return &models[i];

        return &unknown;
}
