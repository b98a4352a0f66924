/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads Cloud Hypervisor's vm.info (vmm/src/api/openapi/cloud-hypervisor.yaml). Its PCI topology is flat: a segment has
 * bus 0 alone and is the guest's domain of the same number. Up to v53 each segment has a host bridge in slot 0. Later
 * versions have a host bridge on segment 0 only (vmm/src/pci_segment.rs); slot 0 of the other segments takes any
 * device.
 *
 * In device_tree, the node _virtio-pci-ID has the PCI address of its child ID. A device that is passed through has one
 * node. Before boot there is no device_tree: only slots that the configuration sets are known (pci_device_id, since
 * v52).
 */

#include <stdio.h>

#include "format-text.h"
#include "json-document.h"
#include "backend-json.h"
#include "backend.h"

#define SEGMENTS_MAX 256

static const struct label_key
        disk_labels[]  = { { LABEL_SOURCE, "path" }, { LABEL_SOURCE, "vhost_socket" }, { LABEL_SERIAL, "serial" }, {} },
        net_labels[]   = { { LABEL_MAC, "mac" }, { LABEL_SOURCE, "tap" }, { LABEL_SOURCE, "vhost_socket" }, {} },
        file_labels[]  = { { LABEL_SOURCE, "file" }, {} },
        path_labels[]  = { { LABEL_SOURCE, "path" }, {} },
        vfio_labels[]  = { { LABEL_HOST, "path" }, {} },
        socket_labels[] = { { LABEL_SOURCE, "socket" }, {} };

/* Keys of VmConfig, and the ids that Cloud Hypervisor generates (vmm/src/device_manager.rs). */
static const struct json_kind kinds[] = {
        { "disks",              "_disk",               "disk",                     NODE_DISK, .labels = disk_labels },
        { "net",                "_net",                "network controller",       NODE_INTERFACE,
          .labels = net_labels },
        { "fs",                 "_fs",                 "device",                   NODE_NONE, .labels = socket_labels },
        { "pmem",               "_pmem",               "memory controller",        NODE_NONE, .labels = file_labels },
        { "devices",            "_vfio",               "device",                   NODE_NONE, .labels = vfio_labels },
        { "user_devices",       "_vfio_user",          "device",                   NODE_NONE, .labels = socket_labels },
        { "vdpa",               "_vdpa",               "device",                   NODE_NONE, .labels = path_labels },
        { "generic_vhost_user", "_generic_vhost_user", "device",                   NODE_NONE, .labels = socket_labels },
        { "vsock",              "_vsock",              "communication controller", NODE_NONE, .labels = socket_labels },
        { "console",      NULL, "communication controller", NODE_NONE, .own_id = "__console" },
        { "rng",          NULL, "device",                   NODE_NONE, .own_id = "__rng" },
        { "balloon",      NULL, "device",                   NODE_NONE, .own_id = "__balloon" },
        { "rtc",          NULL, "device",                   NODE_NONE, .own_id = "__rtc" },
        { "ivshmem",      NULL, "memory controller",        NODE_NONE, .own_id = "__ivshmem",
          .labels = path_labels },
        { "pvmemcontrol", NULL, "device",                   NODE_NONE, .own_id = "__pvmemcontrol" },
        { "watchdog",     NULL, "device",                   NODE_NONE, .own_id = "__watchdog", .is_switch = true },
        { "iommu",        NULL, "device",                   NODE_NONE, .own_id = "__iommu",    .is_switch = true },
        { "pvpanic",      NULL, "device",                   NODE_NONE, .own_id = "__pvpanic",  .is_switch = true },
};

struct reader {
        struct json_document document;
        struct machine *machine;
        json_object *config;
        json_object *ids; /* ids of the configuration, with their kinds */
        struct bus *segments[SEGMENTS_MAX];
        bool has_slot_zero; /* a segment other than 0 has a device there: only segment 0 has a host bridge */
};

static int get_segment(struct reader *r, const char *place, int64_t number, struct bus **ret) {
        struct bus *bus;

        if (number < 0 || number >= SEGMENTS_MAX)
                return error_set(r->document.error, -EBADMSG, "%s: %.40s: segment %lld is not one of 0 to %d",
                                 r->document.name, place, (long long) number, SEGMENTS_MAX - 1);
        if (!r->segments[number]) {
                bus = machine_add_bus(r->machine, NULL);
                if (!bus || format_text(&bus->name, "%lld", (long long) number) < 0)
                        return -ENOMEM;
                bus->root.domain = (uint32_t) number;
                bus->first_slot = 1;
                if (number == 0)
                        bus->used = bus->shown = 1; /* the host bridge */
                r->segments[number] = bus;
        }

        *ret = r->segments[number];
        return 0;
}

/* "0000:00:05.0" */
static int add_function(struct reader *r, const char *place, const char *address, struct device **ret) {
        char root_name[sizeof("pci00000000:00")];
        struct pci_root root;
        struct pci_hop hop;
        struct bus *bus;
        int k;

        if (pci_hop_parse_sysname(address, &hop) < 0 ||
            snprintf(root_name, sizeof(root_name), "pci%.*s", (int) (strlen(address) - strlen(":05.0")), address) >=
                    (int) sizeof(root_name) ||
            pci_root_parse_sysname(root_name, &root) < 0 || root.bus != 0)
                return error_set(r->document.error, -EBADMSG,
                                 "%s: %.40s: '%.40s' is not an address on bus 00 of a segment: "
                                 "bridges of Cloud Hypervisor are not supported",
                                 r->document.name, place, address);

        k = get_segment(r, place, root.domain, &bus);
        if (k < 0)
                return k;
        *ret = machine_add_device(r->machine, bus, NULL);
        if (!*ret)
                return -ENOMEM;
        (*ret)->hop = hop;
        r->has_slot_zero = r->has_slot_zero || (root.domain != 0 && hop.slot == 0);
        return 0;
}

/* -- A booted machine: device_tree -- */

static int add_node(struct reader *r, const char *name, json_object *node) {
        json_object *address, *children, *first, *entry;
        const struct json_kind *kind;
        const char *id = name;
        struct device *device;
        int k;

        k = json_get_typed(&r->document, node, json_type_string, &address, "device_tree['%.40s'].pci_bdf", name);
        if (k <= 0)
                return k;
        k = add_function(r, name, json_object_get_string(address), &device);
        if (k < 0)
                return k;

        k = json_get_typed(&r->document, node, json_type_array, &children, "device_tree['%.40s'].children", name);
        if (k < 0)
                return k;
        first = k > 0 && json_object_array_length(children) == 1 ? json_object_array_get_idx(children, 0) : NULL;
        if (json_object_is_type(first, json_type_string)) {
                id = json_object_get_string(first);
                device->other_id = strdup(name);
                if (!device->other_id)
                        return -ENOMEM;
        }
        kind = json_kind_of_id(kinds, ELEMENTSOF(kinds), r->ids, id, &entry);
        return json_device_identify(device, id, kind, entry);
}

/* Offer the slots of all segments of a running machine. */
static int offer_slots(struct reader *r, int64_t n_segments) {
        struct bus *bus;
        int k;

        for (int64_t i = 0; i < n_segments; i++) {
                k = get_segment(r, "config.platform", i, &bus);
                if (k < 0)
                        return k;
                bus->takes_plugs = true;
                if (i > 0 && r->has_slot_zero)
                        bus->first_slot = 0;
        }

        r->machine->no_hotplug = NULL;
        r->machine->no_room = "every slot is in use: start the machine with more PCI segments (num_pci_segments)";
        return 0;
}

static int read_tree(struct reader *r, json_object *tree) {
        json_object *platform, *segments;
        int64_t n = 1;
        int k;

        k = json_get_typed(&r->document, r->config, json_type_object, &platform, "config.platform");
        if (k > 0)
                k = json_get_typed(&r->document, platform, json_type_int, &segments,
                                   "config.platform.num_pci_segments");
        if (k < 0)
                return k;
        if (k > 0)
                n = json_object_get_int64(segments);
        if (n < 1 || n > SEGMENTS_MAX)
                return error_set(r->document.error, -EBADMSG,
                                 "%s: config.platform.num_pci_segments is not a number from 1 to %d",
                                 r->document.name, SEGMENTS_MAX);

        json_object_object_foreach (tree, name, node) {
                k = add_node(r, name, node);
                if (k < 0)
                        return k;
        }
        return offer_slots(r, n);
}

/* -- A machine before boot: the configuration -- */

/* The host bridge is in slot 0 of segment 0. */
static int read_slot(const struct reader *r, json_object *entry, const char *place, int64_t segment,
                     json_object **ret) {
        int64_t slot, least = segment == 0 ? 1 : 0;
        int k;

        k = json_get_typed(&r->document, entry, json_type_int, ret, "%s.pci_device_id", place);
        slot = k > 0 ? json_object_get_int64(*ret) : least;
        if (slot < least || slot > 0x1f)
                return error_set(r->document.error, -EBADMSG, "%s: %s.pci_device_id is not a number from %d to 31",
                                 r->document.name, place, (int) least);
        return k;
}

static int add_configured(void *userdata, const struct json_kind *kind, json_object *entry, const char *place) {
        json_object *segment, *slot, *mode, *id = NULL;
        struct reader *r = userdata;
        struct device *device;
        int64_t number = 0;
        struct bus *bus;
        int k, has_slot;

        k = json_get_typed(&r->document, entry, json_type_int, &segment, "%s.pci_segment", place);
        if (k > 0)
                number = json_object_get_int64(segment);
        if (k >= 0)
                k = get_segment(r, place, number, &bus);
        if (k >= 0)
                k = json_get_typed(&r->document, entry, json_type_string, &id, "%s.id", place);
        if (k >= 0)
                k = has_slot = read_slot(r, entry, place, number, &slot);
        if (k < 0)
                return k;
        /* A device without id and slot cannot be named. A console that is off is not a device. */
        if (!id && !has_slot)
                return 0;
        k = json_get_typed(&r->document, entry, json_type_string, &mode, "%s.mode", place);
        if (k < 0 || (k > 0 && streq(json_object_get_string(mode), "Off")))
                return k < 0 ? k : 0;

        device = machine_add_device(r->machine, bus, NULL);
        if (!device)
                return -ENOMEM;
        if (has_slot)
                device->hop.slot = (uint8_t) json_object_get_int64(slot);
        else
                device->absent = "the slot is chosen at boot: use vm.info of the running machine";
        return json_device_identify(device, id ? json_object_get_string(id) : kind->own_id, kind,
                                    entry);
}

/* Only PCI devices have the key pci_device_id. */
static bool has_slots(json_object *section) {
        if (json_object_is_type(section, json_type_object))
                return json_object_object_get_ex(section, "pci_device_id", NULL);
        if (!json_object_is_type(section, json_type_array))
                return false;
        for (size_t i = 0; i < json_object_array_length(section); i++) {
                json_object *entry = json_object_array_get_idx(section, i);

                if (json_object_is_type(entry, json_type_object) &&
                    json_object_object_get_ex(entry, "pci_device_id", NULL))
                        return true;
        }

        return false;
}

/* Add the devices of sections of a later version. They do not move other devices. */
static int add_unknown(struct reader *r) {
        json_object_object_foreach (r->config, name, section) {
                const struct json_kind kind = { .key = name, .kind = "device" };
                int k;

                if (json_kind_is_known(kinds, ELEMENTSOF(kinds), name) || !has_slots(section))
                        continue;
                k = json_foreach_configured(&r->document, r->config, "config.", &kind, 1, add_configured, r);
                if (k < 0)
                        return k;
        }

        return 0;
}

/* -- The document -- */

/* Read the answer to vm.add-disk or another command that adds a device. */
static int read_reply(struct reader *r, json_object *address) {
        const struct json_kind *kind;
        json_object *id, *entry;
        struct device *device;
        int k;

        k = add_function(r, "bdf", json_object_get_string(address), &device);
        if (k < 0)
                return k;
        k = json_get_typed(&r->document, r->document.root, json_type_string, &id, "id");
        if (k <= 0)
                return k < 0 ? k
                             : error_set(r->document.error, -EBADMSG, "%s: the key id is missing", r->document.name);
        kind = json_kind_of_id(kinds, ELEMENTSOF(kinds), NULL, json_object_get_string(id), &entry);
        return json_device_identify(device, json_object_get_string(id), kind, entry);
}

static int read_document(struct reader *r) {
        json_object *root = r->document.root, *tree, *address;
        int k;

        k = json_get_typed(&r->document, root, json_type_string, &address, "bdf");
        if (k != 0)
                return k < 0 ? k : read_reply(r, address);

        k = json_get_typed(&r->document, root, json_type_object, &r->config, "config");
        if (k <= 0)
                return k < 0 ? k
                             : error_set(r->document.error, -EBADMSG,
                                         "%s: not vm.info of Cloud Hypervisor: the key config is missing: "
                                         "save the output of 'ch-remote --api-socket SOCKET info'",
                                         r->document.name);
        if (json_collect_ids(r->config, kinds, ELEMENTSOF(kinds), &r->ids) < 0)
                return -ENOMEM;
        k = json_get_typed(&r->document, root, json_type_object, &tree, "device_tree");
        if (k != 0)
                return k < 0 ? k : read_tree(r, tree);
        k = json_foreach_configured(&r->document, r->config, "config.", kinds, ELEMENTSOF(kinds), add_configured, r);
        return k < 0 ? k : add_unknown(r);
}

/**
 * cloud_hypervisor_parse() - read a machine from vm.info, or from the answer to a command that adds a device
 */
int cloud_hypervisor_parse(const char *name, const char *text, size_t size, struct machine *machine,
                           struct error *error) {
        struct reader r = { .machine = machine };
        int k;

        machine->no_hotplug = "slots are chosen at boot: use vm.info of the running machine";
        k = json_parse(name, text, size, &r.document, error);
        if (k >= 0)
                k = read_document(&r);
        json_object_put(r.ids);
        json_document_clear(&r.document);
        return k == -ENOMEM ? error_set(error, k, "out of memory") : k;
}

int cloud_hypervisor_read(const char *name, struct machine *machine, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = json_fetch(name, "/api/v1/vm.info", &text, &size, error);
        return r < 0 ? r : cloud_hypervisor_parse(name, text, size, machine, error);
}
