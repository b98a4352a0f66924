/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The devices in <qemu:commandline>. libvirt does not know them, and its addresses can name none of their buses. A
 * device has a path if its arguments have its bus and its address.
 */

#include <fnmatch.h>

#include "array.h"
#include "format-text.h"
#include "libvirt-qemu.h"
#include "qemu-types.h"

/** struct extra - a device of the command line */
struct extra {
        const xmlNode *element; /* <qemu:arg> */
        const struct qemu_type *type;
        json_object *properties;
        struct device *device;
};

struct extras {
        struct extra *items;
        size_t n;
};

/* -- Arguments -- */

/* QEMU's option has the driver first: "virtio-blk-pci,id=a,drive=b"; a comma in a value is doubled. */
static json_object *parse_options(const char *text) {
        json_object *object = json_object_new_object(), *value;
        _cleanup_free_ char *word = malloc(strlen(text) + 1);
        char *equals;
        size_t n;

        if (!object || !word)
                goto fail;
        for (bool is_first = true; *text != '\0' || is_first; is_first = false) {
                for (n = 0; *text != '\0' && (*text != ',' || text[1] == ','); text++) {
                        text += *text == ',';
                        word[n++] = *text;
                }
                word[n] = '\0';
                text += *text == ',';

                equals = strchr(word, '=');
                if (equals)
                        *equals = '\0';
                value = json_object_new_string(equals ? equals + 1 : (is_first ? word : "on"));
                if (!value || json_object_object_add(object, equals || !is_first ? word : "driver", value) < 0) {
                        json_object_put(value);
                        goto fail;
                }
        }
        return object;

fail:
        json_object_put(object);
        return NULL;
}

/* QEMU's short names of drivers (softmmu/qdev-monitor.c, qdev_alias_table). */
static int name_driver(const char *driver, char **ret) {
        static const char *const full[] = { "*-pci", "*-pci-*transitional", "*-device", "*-ccw", "virtio-vga*" };

        if (streq(driver, "ahci"))
                return format_text(ret, "ich9-ahci");
        if (streq(driver, "lsi"))
                return format_text(ret, "lsi53c895a");
        for (size_t i = 0; i < ELEMENTSOF(full); i++)
                if (fnmatch(full[i], driver, 0) == 0)
                        return format_text(ret, "%s", driver);
        return format_text(ret, "%s%s", driver, strncmp(driver, "virtio-", strlen("virtio-")) == 0 ? "-pci" : "");
}

/* Drivers that are no PCI device. */
static bool is_off_pci(const char *driver) {
        static const char *const patterns[] = { "usb-*",   "scsi-*",       "ide-*",       "isa-*",      "nvme-*",
                                                "hda-*",   "ccid-*",       "*-device",    "*-ccw",      "*dimm",
                                                "tpm-*",   "virtconsole",  "virtserial*", "vmcoreinfo", "vmgenid",
                                                "pvpanic", "intel-iommu",  "ramfb",       "floppy",     "zpci" };

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
                if (fnmatch(patterns[i], driver, 0) == 0)
                        return !streq(driver, "usb-ehci");

        return false;
}

/* -- Devices -- */

static int copy_text(const char *text, char **ret) {
        *ret = text ? strdup(text) : NULL;
        return text && !*ret ? -ENOMEM : 0;
}

static int set_labels(const struct extra *e) {
        int r = 0;

        for (size_t i = 0; e->type->labels && i < QEMU_LABELS_MAX && r >= 0; i++)
                if (e->type->labels[i].key)
                        r = device_set_label(e->device, e->type->labels[i].label,
                                             json_get_text(json_get(e->properties, e->type->labels[i].key)));
        if (r >= 0)
                r = device_set_label(e->device, LABEL_HOST, json_get_text(json_get(e->properties, "host")));
        return r;
}

/* The bus behind a bridge of the command line. libvirt cannot plug into it. */
static int add_bus(struct domain *d, const struct extra *e) {
        struct bus *bus;

        if (!e->type->is_bridge || !e->device->id)
                return 0;
        bus = machine_add_bus(d->machine, e->device);
        if (!bus)
                return -ENOMEM;
        bus->slots = e->type->slots;
        return domain_name_bus(d, e->device->id, bus);
}

static int add_device(struct domain *d, struct extras *extras, const xmlNode *element, json_object *properties,
                      const char *driver) {
        struct extra *e;

        if (array_grow(extras->items, extras->n, 1) < 0)
                return -ENOMEM;
        e = &extras->items[extras->n];
        *e = (struct extra){ .element = element, .type = qemu_type_find(driver) };
        e->device = machine_add_device(d->machine, NULL, NULL);
        if (!e->device)
                return -ENOMEM;
        e->properties = json_object_get(properties);
        extras->n++;

        e->device->absent = "below a controller in qemu:commandline, which is not read";
        e->device->kind = e->type->kind;
        if (copy_text(driver, &e->device->type) < 0 ||
            copy_text(json_get_text(json_get(properties, "id")), &e->device->id) < 0 || set_labels(e) < 0)
                return -ENOMEM;
        return add_bus(d, e);
}

static int note_unread(struct domain *d, const xmlNode *element, const char *what) {
        if (d->machine->unread)
                return 0;
        return format_text(&d->machine->unread, "line %ld: %s is not read; it can add devices or move them",
                           xmlGetLineNo(element), what);
}

static int read_device(struct domain *d, struct extras *extras, const xmlNode *element, const char *text) {
        json_object *properties = *text == '{' ? json_tokener_parse(text) : parse_options(text);
        const char *driver = json_get_text(json_get(properties, "driver"));
        _cleanup_free_ char *name = NULL;
        int r = 0;

        if (!driver || *driver == '\0')
                r = note_unread(d, element, "the value of -device");
        else if (name_driver(driver, &name) < 0)
                r = -ENOMEM;
        /* Of the devices below controllers, a user expects disks. */
        else if (!is_off_pci(name) || qemu_type_find(name)->node == NODE_DISK)
                r = add_device(d, extras, element, properties, name);
        json_object_put(properties);
        return r;
}

/* -- Places -- */

/* The one root bus, which QEMU takes for a device without a bus. */
static struct bus *find_only_root(const struct domain *d) {
        const struct controller_bus *root = &d->controllers[0];

        for (size_t i = 1; i < CONTROLLERS_MAX; i++)
                if (d->controllers[i].bus && d->controllers[i].model->controller != CONTROLLER_BRIDGE)
                        return NULL;

        return root->bus && root->model->controller == CONTROLLER_ROOT ? root->bus : NULL;
}

static int set_unplaced(struct domain *d, const struct extra *e, const char *reason) {
        d->machine->n_unplaced++;
        return device_set_absent(e->device, "line %ld: %s", xmlGetLineNo(e->element), reason);
}

static int set_place(struct domain *d, const struct extra *e) {
        json_object *address = json_get(e->properties, "addr");
        const char *name = json_get_text(json_get(e->properties, "bus"));
        struct bus *bus = name ? domain_find_bus(d, name) : find_only_root(d);

        if (is_off_pci(e->device->type))
                return 0;
        if (domain_is_s390(d))
                return device_set_absent(e->device, "in qemu:commandline, which has no uid for it");
        if (!bus && name)
                return device_set_absent(e->device, "line %ld: the bus '%.40s' is not a PCI bus of the document",
                                         xmlGetLineNo(e->element), name);
        if (!bus || (!address && bus->slots != SLOTS_LINK))
                return set_unplaced(d, e, "no bus= and addr= in qemu:commandline, so that QEMU chooses them");
        if (address && !qemu_parse_address(address, &e->device->hop))
                return set_unplaced(d, e, "addr= in qemu:commandline is not a PCI address");

        e->device->absent = NULL;
        e->device->bus = bus;
        return 0;
}

/* "failover=on", or JSON's true */
static bool is_on(json_object *value) {
        const char *text = json_get_text(value);

        return text ? streq(text, "on") || streq(text, "yes") || streq(text, "true") || streq(text, "y")
                    : json_object_get_boolean(value);
}

/* With the property drive, an NVMe controller has one namespace. */
static int set_node(const struct extra *e) {
        bool is_namespace = e->type->suffix == QEMU_SUFFIX_NVME && json_get(e->properties, "drive");

        if (!e->device->bus)
                return 0;
        e->device->has_standby = e->type->suffix == QEMU_SUFFIX_CARD && is_on(json_get(e->properties, "failover"));
        e->device->node = is_namespace ? NODE_DISK : e->type->node;
        if (e->device->node != NODE_DISK)
                return 0;
        return format_text(&e->device->suffix, "%s", is_namespace ? SUFFIX_NVME "1" : "");
}

/* -- The element -- */

/* Options of QEMU that add devices, besides -device. -drive does unless it has if=none. */
static bool adds_devices(const char *option, const char *next) {
        static const char *const options[] = { "-audio", "-cdrom", "-hda",   "-hdb",  "-hdc",  "-hdd",
                                               "-net",   "-nic",   "-readconfig", "-set", "-soundhw",
                                               "-usb",   "-vga",   "-virtfs", "-watchdog" };

        if (streq(option, "-drive"))
                return next && !strstr(next, "if=none") && !strstr(next, "if=pflash");
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (streq(option, options[i]))
                        return true;

        return false;
}

static const xmlNode *next_argument(const xmlNode *element) {
        while (element && !element_is(element, "arg"))
                element = element->next;
        return element;
}

static int read_arguments(struct domain *d, const xmlNode *commandline, struct extras *extras) {
        const xmlNode *e = next_argument(commandline->children), *next;
        int r = 0;

        for (; e && r >= 0; e = next) {
                _cleanup_xml_ xmlChar *text = xmlGetProp(e, BAD_CAST "value"), *value = NULL;
                const char *option = (const char *) text;

                next = next_argument(e->next);
                if (!option)
                        continue;
                option += strncmp(option, "--", 2) == 0;
                value = next ? xmlGetProp(next, BAD_CAST "value") : NULL;
                if (adds_devices(option, (const char *) value))
                        r = note_unread(d, e, option);
                if (!streq(option, "-device") || !value)
                        continue;
                r = read_device(d, extras, next, (const char *) value);
                next = next_argument(next->next);
        }

        return r;
}

/* Other hypervisors have a <commandline> in a namespace of their own. */
static int note_other_commandlines(struct domain *d, const xmlNode *domain, const xmlNode *of_qemu) {
        int r = 0;

        for (const xmlNode *e = domain->children; e && r >= 0; e = e->next)
                if (element_is(e, "commandline") && e->ns && e != of_qemu)
                        r = note_unread(d, e, "<commandline>");
        return r;
}

/**
 * domain_read_commandline() - name the buses, and read <qemu:commandline>; call it after the controllers are added
 *
 * Return: 0, or -ENOMEM.
 */
int domain_read_commandline(struct domain *d, const xmlNode *domain) {
        const xmlNode *commandline = element_child_of_qemu(domain, "commandline");
        struct extras extras = {};
        int r;

        r = domain_name_controllers(d);
        if (r >= 0 && commandline)
                r = read_arguments(d, commandline, &extras);
        if (r >= 0)
                r = note_other_commandlines(d, domain, commandline);
        domain_sort_buses(d);
        for (size_t i = 0; i < extras.n; i++) {
                if (r >= 0)
                        r = set_place(d, &extras.items[i]);
                if (r >= 0)
                        r = set_node(&extras.items[i]);
                json_object_put(extras.items[i].properties);
        }

        free(extras.items);
        return r;
}
