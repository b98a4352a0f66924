/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads Firecracker's configuration: the file, or GET /vm/config (src/firecracker/swagger/firecracker.yaml). With
 * --enable-pci, Firecracker has one flat bus with the host bridge in slot 0. It assigns slots in the order in which it
 * attaches devices at boot (src/vmm/src/builder.rs): by kind as in the table below, then as in the configuration, the
 * root drive before the other drives.
 *
 * The API tells no slots. Once the machine runs, /vm/config lists devices in the order of a hash table, together with
 * hotplugged ones. So only a machine that has not started can be read. An unknown section may be a device of a later
 * version, which would move all others.
 */

#include "format-text.h"
#include "json-document.h"
#include "backend-json.h"
#include "backend.h"

static const struct label_key
        drive_labels[]     = { { LABEL_SOURCE, "path_on_host" }, { LABEL_SOURCE, "socket" }, {} },
        interface_labels[] = { { LABEL_MAC, "guest_mac" }, { LABEL_SOURCE, "host_dev_name" }, {} },
        pmem_labels[]      = { { LABEL_SOURCE, "path_on_host" }, {} },
        vsock_labels[]     = { { LABEL_SOURCE, "uds_path" }, {} };

static const struct json_kind kinds[] = {
        { "balloon",            NULL, "device",                   NODE_NONE      },
        { "drives",             NULL, "disk",                     NODE_DISK,      "drive_id", .labels = drive_labels },
        { "network-interfaces", NULL, "network controller",       NODE_INTERFACE, "iface_id",
          .labels = interface_labels },
        { "pmem",               NULL, "memory controller",        NODE_NONE, .labels = pmem_labels },
        { "vsock",              NULL, "communication controller", NODE_NONE, .labels = vsock_labels },
        { "entropy",            NULL, "device",                   NODE_NONE      },
        { "memory-hotplug",     NULL, "device",                   NODE_NONE      },
};

/* Sections that add no PCI device. */
static const char *const others[] = {
        "boot-source", "cpu-config", "logger", "machine-config", "metrics", "mmds-config", "serial"
};

struct reader {
        struct json_document document;
        struct machine *machine;
        struct bus *bus;
        bool is_running;
        bool want_root; /* add the root drive only, or all other drives */
        uint8_t slot;
};

/*
 * Firecracker replaces the first of two devices with the same id. The slots of the other devices are not predictable
 * then.
 */
static bool has_device(const struct reader *r, const char *type, const char *id) {
        for (size_t i = 0; i < r->machine->n_devices; i++)
                if (streq(r->machine->devices[i]->type, type) && streq(r->machine->devices[i]->id, id))
                        return true;

        return false;
}

static int add_device(void *userdata, const struct json_kind *kind, json_object *entry, const char *place) {
        json_object *is_root, *id = NULL;
        struct reader *r = userdata;
        struct device *device;
        int k;

        k = json_get_typed(&r->document, entry, json_type_boolean, &is_root, "%s.is_root_device", place);
        if (k < 0)
                return k;
        if (kind->node == NODE_DISK && r->want_root != (k > 0 && json_object_get_boolean(is_root)))
                return 0;

        k = json_get_typed(&r->document, entry, json_type_string, &id, "%s.%s", place, kind->id_key ?: "id");
        if (k < 0)
                return k;
        if (k == 0 && kind->id_key)
                return error_set(r->document.error, -EBADMSG, "%s: %s.%s is missing", r->document.name, place,
                                 kind->id_key);
        if (has_device(r, kind->key, id ? json_object_get_string(id) : kind->key))
                return error_set(r->document.error, -EBADMSG, "%s: %s: another device has the id '%.40s'",
                                 r->document.name, place, id ? json_object_get_string(id) : kind->key);
        if (r->slot == 0x1f)
                return error_set(r->document.error, -EBADMSG, "%s: %s is the 32nd device; Firecracker has 31 slots",
                                 r->document.name, place);

        device = machine_add_device(r->machine, r->bus, NULL);
        if (!device)
                return -ENOMEM;
        device->hop.slot = ++r->slot;
        if (r->is_running)
                device->absent = "a running Firecracker does not tell the slots of its devices: "
                                 "use its configuration before it starts";
        else
                device->absent = r->machine->reason;
        return json_device_identify(device, id ? json_object_get_string(id) : kind->key, kind, entry);
}

/* Add the devices of each kind in their order, the root drive first. */
static int add_devices(struct reader *r) {
        int k = 0;

        for (size_t i = 0; i < ELEMENTSOF(kinds) && k >= 0; i++) {
                r->want_root = kinds[i].node == NODE_DISK;
                if (r->want_root)
                        k = json_foreach_configured(&r->document, r->document.root, "", &kinds[i], 1, add_device, r);
                r->want_root = false;
                if (k >= 0)
                        k = json_foreach_configured(&r->document, r->document.root, "", &kinds[i], 1, add_device, r);
        }

        return k;
}

static bool is_known_section(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (streq(others[i], name))
                        return true;

        return json_kind_is_known(kinds, ELEMENTSOF(kinds), name);
}

static bool is_empty(json_object *section) {
        return !section || (json_object_is_type(section, json_type_array) && json_object_array_length(section) == 0);
}

/* Set the reason why no device has a path, if there is one. */
static int check_sections(struct reader *r) {
        json_object_object_foreach (r->document.root, name, section)
                if (!is_known_section(name) && !is_empty(section))
                        return format_text(&r->machine->reason, "the section '%.40s' is not known: "
                                                                "it may be a PCI device that moves the others",
                                           name);

        return 0;
}

/* The configuration shows a user's pci=off, but not the one that Firecracker adds without --enable-pci. */
static int check_pci(const struct reader *r) {
        const struct json_document *d = &r->document;
        json_object *backend, *args;
        const char *p;
        int k;

        k = json_get_typed(d, d->root, json_type_object, &backend, "boot-source");
        if (k <= 0)
                return k < 0 ? k
                             : error_set(d->error, -EBADMSG,
                                         "%s: not a configuration of Firecracker: the key boot-source is missing: "
                                         "use the file of its option --config-file",
                                         d->name);
        k = json_get_typed(d, backend, json_type_string, &args, "boot-source.boot_args");
        for (p = k > 0 ? json_object_get_string(args) : ""; *p != '\0'; p += strcspn(p, " "), p += strspn(p, " "))
                if (strncmp(p, "pci=off", strlen("pci=off")) == 0 && strchr(" ", p[strlen("pci=off")]))
                        return error_set(d->error, -ENXIO,
                                         "%s: the guest has no PCI: remove pci=off from boot-source.boot_args, "
                                         "and start Firecracker with --enable-pci",
                                         d->name);
        return k;
}

/**
 * firecracker_parse() - read a machine from a configuration
 * @is_running: whether the machine has started
 */
int firecracker_parse(const char *name, const char *text, size_t size, bool is_running, struct machine *machine,
                      struct error *error) {
        struct reader r = { .machine = machine, .is_running = is_running };
        int k;

        machine->no_hotplug = "Firecracker chooses the slot of a hotplugged device";

        k = json_parse(name, text, size, &r.document, error);
        if (k >= 0)
                k = check_pci(&r);
        if (k >= 0)
                k = check_sections(&r);
        if (k >= 0) {
                r.bus = machine_add_bus(machine, NULL);
                k = r.bus ? add_devices(&r) : -ENOMEM;
        }
        json_document_clear(&r.document);
        return k == -ENOMEM ? error_set(error, k, "out of memory") : k;
}

/* GET / tells whether the machine has started. */
static int ask_state(const char *name, bool *ret, struct error *error) {
        _cleanup_json_ struct json_document document = {};
        _cleanup_free_ char *text = NULL;
        json_object *state;
        size_t size;
        int r;

        r = json_fetch(name, "/", &text, &size, error);
        if (r >= 0)
                r = json_parse(name, text, size, &document, error);
        if (r >= 0)
                r = json_get_typed(&document, document.root, json_type_string, &state, "state");
        if (r <= 0)
                return r < 0 ? r : error_set(error, -EBADMSG, "%s: GET /: the key state is missing", name);
        *ret = !streq(json_object_get_string(state), "Not started");
        return 0;
}

int firecracker_read(const char *name, struct machine *machine, struct error *error) {
        _cleanup_free_ char *text = NULL;
        bool is_running = false;
        size_t size;
        int r = 0;

        if (json_is_api(name))
                r = ask_state(name, &is_running, error);
        if (r >= 0)
                r = json_fetch(name, "/vm/config", &text, &size, error);
        return r < 0 ? r : firecracker_parse(name, text, size, is_running, machine, error);
}
