/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The suffix and the other properties of a QEMU device.
 */

#include "format-text.h"
#include "qemu-walk.h"

static int64_t number_of(json_object *value) {
        return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

/* QEMU tells the port of a USB device only if the user has set it. */
static const char *usb_port(const struct record *r) {
        return r->port && *r->port != '\0' ? r->port : NULL;
}

static int set_scsi_suffix(struct record *r, const int64_t numbers[static QEMU_PROPERTIES_MAX]) {
        const struct record *adapter = r->on->device;
        _cleanup_free_ char *usb = NULL;

        /* virtio-scsi-device is the inner device of the adapter: use the outer one. */
        while (adapter->on->kind == QEMU_BUS_VIRTIO)
                adapter = adapter->on->device;
        if (adapter->type->own_suffix || numbers[0] < 0 || numbers[1] < 0 || numbers[2] < 0)
                return 0;

        if (adapter->type->suffix == QEMU_SUFFIX_USB_SCSI) {
                if (!usb_port(adapter))
                        return 0;
                if (format_text(&usb, SUFFIX_USB "0:%s:1.0-", usb_port(adapter)) < 0)
                        return -ENOMEM;
        }
        return format_text(&r->device->suffix, "%s" SUFFIX_SCSI "0:%lld:%lld:%lld", usb ?: "", (long long) numbers[0],
                           (long long) numbers[1], (long long) numbers[2]);
}

static int set_namespace_suffix(struct record *r, json_object *const values[static QEMU_PROPERTIES_MAX]) {
        if (json_object_get_boolean(values[2]))
                r->device->absent = "detached until the guest attaches it";
        else if (r->on->is_subsystems && !json_object_get_boolean(values[1]))
                r->device->absent = "not shared: QEMU does not tell which controller of the subsystem has it";
        if (number_of(values[0]) <= 0)
                return 0;
        return format_text(&r->device->suffix, SUFFIX_NVME "%lld", (long long) number_of(values[0]));
}

/**
 * record_set_suffix() - set the suffix of a device from its properties
 * @values: of the properties in the row of the type
 */
int record_set_suffix(struct record *r, json_object *const values[static QEMU_PROPERTIES_MAX]) {
        const int64_t numbers[] = { number_of(values[0]), number_of(values[1]), number_of(values[2]) };
        const char *text = json_get_text(values[0]);

        r->device->node = r->type->node;
        switch (r->type->suffix) {
        case QEMU_SUFFIX_NONE:
                return 0;
        case QEMU_SUFFIX_FUNCTION:
                return format_text(&r->device->suffix, "%s", "");
        case QEMU_SUFFIX_NVME:
                r->number = numbers[2];
                if (!text || *text == '\0')
                        return 0;
                r->device->node = NODE_DISK;
                return format_text(&r->device->suffix, SUFFIX_NVME "1");
        case QEMU_SUFFIX_NAMESPACE:
                return r->on->kind == QEMU_BUS_NVME ? set_namespace_suffix(r, values) : 0;
        case QEMU_SUFFIX_SCSI:
                return r->on->kind == QEMU_BUS_SCSI ? set_scsi_suffix(r, numbers) : 0;
        case QEMU_SUFFIX_ATA:
                return r->on->kind == QEMU_BUS_IDE && numbers[0] >= 0
                               ? format_text(&r->device->suffix, SUFFIX_ATA "%u.%lld", r->on->port,
                                             (long long) numbers[0])
                               : 0;
        case QEMU_SUFFIX_USB_STORAGE:
                if (!text || *text == '\0')
                        return 0;
                return format_text(&r->device->suffix, SUFFIX_USB "0:%s:1.0-" SUFFIX_SCSI "0:0:0:0", text);
        case QEMU_SUFFIX_USB_SCSI:
                r->port = text ? strdup(text) : NULL;
                return text && !r->port ? -ENOMEM : 0;
        case QEMU_SUFFIX_PORT:
                r->takes_no_plugs = json_object_is_type(values[0], json_type_boolean) &&
                                    !json_object_get_boolean(values[0]);
                return 0;
        case QEMU_SUFFIX_CARD:
                r->device->has_standby = json_object_get_boolean(values[1]);
                r->sriov_pf = text && *text != '\0' ? strdup(text) : NULL;
                return text && *text != '\0' && !r->sriov_pf ? -ENOMEM : 0;
        case QEMU_SUFFIX_EXPANDER:
                r->number = numbers[0];
                return 0;
        }

        return 0;
}
