/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Cloud Hypervisor, by vm.info (vmm/src/api/openapi/cloud-hypervisor.yaml). Its PCI is flat: a segment has one bus, 0,
 * with the host bridge in slot 0, and is the guest's domain of the same number. The node _virtio-pci-ID of device_tree
 * has the address of its child ID; a device that is passed through is a node of its own. Before the boot there is no
 * device_tree: then a slot is known only where the configuration has chosen it (pci_device_id, from v52 on).
 */

#include <stdio.h>

#include "json-document.h"
#include "monitor-json.h"
#include "source.h"

#define SEGMENTS_MAX 256

/* Keys of VmConfig, and the beginnings of ids that Cloud Hypervisor makes up (vmm/src/device_manager.rs). */
static const struct json_kind kinds[] = {
        { "disks",              "_disk",      "disk",                     NODE_DISK      },
        { "net",                "_net",       "network controller",       NODE_INTERFACE },
        { "fs",                 "_fs",        "device",                   NODE_NONE      },
        { "pmem",               "_pmem",      "memory controller",        NODE_NONE      },
        { "devices",            "_vfio",      "device",                   NODE_NONE      },
        { "user_devices",       "_vfio_user", "device",                   NODE_NONE      },
        { "vdpa",               "_vdpa",      "device",                   NODE_NONE      },
        { "generic_vhost_user", NULL,         "device",                   NODE_NONE      },
        { "vsock",              "_vsock",     "communication controller", NODE_NONE      },
        { "console",            "_console",   "communication controller", NODE_NONE      },
        { "rng",                "_rng",       "device",                   NODE_NONE      },
        { "balloon",            "_balloon",   "device",                   NODE_NONE      },
};

struct reader {
        struct json_document document;
        struct machine *machine;
        json_object *config;
        struct bus *segments[SEGMENTS_MAX];
};

static int get_segment(struct reader *r, int64_t number, struct bus **ret) {
        struct bus *bus;

        if (number < 0 || number >= SEGMENTS_MAX)
                return problem_set(r->document.problem, -EBADMSG, "%s: segment %lld is not one of %d",
                                   r->document.name, (long long) number, SEGMENTS_MAX);
        if (!r->segments[number]) {
                bus = machine_add_bus(r->machine, NULL);
                if (!bus || asprintf(&bus->name, "%lld", (long long) number) < 0)
                        return -ENOMEM;
                bus->root.domain = (uint32_t) number;
                bus->first_slot = 1;
                /* The host bridge. */
                bus->used = bus->shown = 1;
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
            (int) sizeof(root_name) || pci_root_parse_sysname(root_name, &root) < 0 || root.bus != 0)
                return problem_set(r->document.problem, -EBADMSG,
                                   "%s: %.40s: '%.40s' is no address on bus 00 of a segment",
                                   r->document.name, place, address);

        k = get_segment(r, root.domain, &bus);
        if (k < 0)
                return k;
        *ret = machine_add_device(r->machine, bus, NULL);
        if (!*ret)
                return -ENOMEM;
        (*ret)->hop = hop;
        return 0;
}

/* -- Booted: the tree -- */

static int add_node(struct reader *r, const char *name, json_object *node) {
        json_object *address, *children, *first;
        struct device *device;
        const char *id = name;
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
        return json_device_identify(device, id, json_kind_of_id(kinds, ELEMENTSOF(kinds), r->config, id));
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
                return problem_set(r->document.problem, -EBADMSG, "%s: config.platform.num_pci_segments: not 1 to %d",
                                   r->document.name, SEGMENTS_MAX);

        for (int64_t i = 0; i < n; i++) {
                struct bus *bus;

                k = get_segment(r, i, &bus);
                if (k < 0)
                        return k;
                bus->takes_plugs = true;
        }
        json_object_object_foreach(tree, name, node) {
                k = add_node(r, name, node);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* -- Not booted: the configuration -- */

static int add_configured(void *userdata, const struct json_kind *kind, json_object *entry, const char *place) {
        json_object *segment, *slot, *id;
        struct reader *r = userdata;
        int64_t number = 0;
        struct device *device;
        struct bus *bus;
        int k;

        k = json_get_typed(&r->document, entry, json_type_int, &segment, "%s.pci_segment", place);
        if (k > 0)
                number = json_object_get_int64(segment);
        if (k >= 0)
                k = get_segment(r, number, &bus);
        if (k < 0)
                return k;
        k = json_get_typed(&r->document, entry, json_type_string, &id, "%s.id", place);
        if (k <= 0)
                return k; /* nobody can ask for it */

        device = machine_add_device(r->machine, bus, NULL);
        if (!device)
                return -ENOMEM;
        k = json_device_identify(device, json_object_get_string(id), kind);
        if (k < 0)
                return k;

        k = json_get_typed(&r->document, entry, json_type_int, &slot, "%s.pci_device_id", place);
        if (k < 0)
                return k;
        if (k == 0)
                device->absent = "its slot is chosen at the boot: ask vm.info after it";
        else if (json_object_get_int64(slot) < 1 || json_object_get_int64(slot) > 0x1f)
                return problem_set(r->document.problem, -EBADMSG, "%s: %s.pci_device_id: not 1 to 31", r->document.name,
                                   place);
        else
                device->hop.slot = (uint8_t) json_object_get_int64(slot);
        return 0;
}

/* -- The document -- */

/* What vm.add-disk and its like answer. */
static int read_reply(struct reader *r, json_object *address) {
        struct device *device;
        json_object *id;
        int k;

        k = add_function(r, "bdf", json_object_get_string(address), &device);
        if (k < 0)
                return k;
        k = json_get_typed(&r->document, r->document.root, json_type_string, &id, "id");
        if (k <= 0)
                return k < 0 ? k : problem_set(r->document.problem, -EBADMSG, "%s: no id", r->document.name);
        return json_device_identify(device, json_object_get_string(id),
                                    json_kind_of_id(kinds, ELEMENTSOF(kinds), NULL, json_object_get_string(id)));
}

static int read_document(struct reader *r) {
        json_object *root = r->document.root, *tree, *address;
        int k;

        k = json_get_typed(&r->document, root, json_type_string, &address, "bdf");
        if (k != 0)
                return k < 0 ? k : read_reply(r, address);

        k = json_get_typed(&r->document, root, json_type_object, &r->config, "config");
        if (k <= 0)
                return k < 0 ? k : problem_set(r->document.problem, -EBADMSG,
                                               "%s: not vm.info of Cloud Hypervisor: no config",
                                               r->document.name);
        k = json_get_typed(&r->document, root, json_type_object, &tree, "device_tree");
        if (k != 0)
                return k < 0 ? k : read_tree(r, tree);
        return json_foreach_configured(&r->document, r->config, "config.", kinds, ELEMENTSOF(kinds), add_configured, r);
}

/**
 * cloud_hypervisor_parse() - the machine of a document: vm.info, or the answer to a device that was added
 */
int cloud_hypervisor_parse(const char *name, const char *text, size_t size, struct machine *machine,
                           struct problem *problem) {
        struct reader r = { .machine = machine };
        int k;

        k = json_parse(name, text, size, &r.document, problem);
        if (k >= 0)
                k = read_document(&r);
        json_document_clear(&r.document);
        return k == -ENOMEM ? problem_set(problem, k, "out of memory") : k;
}

int cloud_hypervisor_read(const char *name, double timeout, struct machine *machine, struct problem *problem) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = json_fetch(name, "/api/v1/vm.info", timeout, &text, &size, problem);
        return r < 0 ? r : cloud_hypervisor_parse(name, text, size, machine, problem);
}
