/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The PCI functions of a domain, and the PCI controllers among them.
 */

#include "format-text.h"
#include "libvirt-qemu.h"
#include "qemu-types.h"

static const char *const no_number =
        "the number of the root bus is not in the document; libvirt adds it when the domain is defined";
static const char *const wrong_number = "the number of the root bus is wrong; correct the document";

/* -- Controllers -- */

/*
 * Each host bridge of pseries is a domain, numbered by the index in <target>, not by the controller's index.
 * @element: NULL for the first host bridge of a document that has none
 */
static void set_root(const struct domain *d, const xmlNode *element, unsigned index_of_controller, struct bus *bus) {
        const xmlNode *target = element ? element_child(element, "target") : NULL;
        unsigned index = 0;
        int r;

        if (!d->type && !d->is_bhyve)
                bus->nameless = "the PCI addresses of this machine type are not known";
        else if (d->type && d->type->root_number == ROOT_BY_INDEX) {
                r = target ? element_parse_number(target, "index", 0xffff, &index) : !element;
                if (r > 0)
                        bus->root.domain = index;
                else
                        bus->nameless = r == 0 ? no_number : wrong_number;
        } else if (index_of_controller != 0)
                bus->nameless = "a second root bus, which this machine type does not support";
        else if (d->type)
                bus->used = bus->shown = d->type->built_in;
}

static bool takes_plugs(const struct domain *d, const xmlNode *element, const struct libvirt_model *model) {
        _cleanup_xml_ xmlChar *hotplug = element_child_attribute(element, "target", "hotplug");

        /* On s390 the path is made from the uid, not from a slot. */
        return model->takes_plugs && d->type && !domain_is_s390(d) && (d->has_acpi || !d->type->needs_acpi) &&
               !(hotplug && streq((const char *) hotplug, "off"));
}

/** domain_add_controller() - add a PCI controller; call it before the devices on its bus are added */
int domain_add_controller(struct domain *d, const xmlNode *element) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");
        struct controller_bus *c;
        unsigned index = 0;
        int r;

        /* Without an index, libvirt gives a root 0. No address can name another controller. */
        r = element_parse_number(element, "index", CONTROLLERS_MAX - 1, &index);
        if (r < 0 || (r == 0 && libvirt_model_find((const char *) model)->controller != CONTROLLER_ROOT))
                return 0;
        c = &d->controllers[index];
        if (c->bus) {
                c->is_double = true;
                c->bus->nameless = "behind one of two PCI controllers with the same index; correct the document";
                return 0;
        }

        c->element = element;
        c->model = libvirt_model_find((const char *) model);
        c->bus = machine_add_bus(d->machine, NULL);
        if (!c->bus || format_text(&c->bus->name, "0x%02x", index) < 0)
                return -ENOMEM;

        c->bus->takes_plugs = takes_plugs(d, element, c->model);
        c->bus->first_slot = c->model->first_slot;
        c->bus->last_slot = c->model->last_slot;
        c->bus->slots = c->model->last_slot == 0 ? SLOTS_LINK : SLOTS_BUS;
        c->bus->nameless = "behind a controller that has no PCI address"; /* connect_controller() changes this */
        if (c->model->controller == CONTROLLER_ROOT) {
                c->bus->nameless = NULL;
                set_root(d, element, index, c->bus);
        }
        return 0;
}

/**
 * domain_add_first_root() - add the root bus 0 to a document that does not have it, as libvirt does
 *
 * libvirt also adds devices to such a document, so no slot is known to be free. s390 has no root bus.
 */
int domain_add_first_root(struct domain *d) {
        bool is_pcie = d->type && !d->type->needs_acpi && d->type->root_number == ROOT_ZERO;
        struct controller_bus *c = &d->controllers[0];

        if (c->bus || domain_is_s390(d))
                return 0;
        c->model = libvirt_model_find(is_pcie ? "pcie-root" : "pci-root");
        c->bus = machine_add_bus(d->machine, NULL);
        if (!c->bus || format_text(&c->bus->name, "0x00") < 0)
                return -ENOMEM;
        set_root(d, NULL, 0, c->bus);
        if (d->type)
                d->machine->no_hotplug = "the root bus is not in the document; libvirt adds it when the domain is "
                                         "defined";
        return 0;
}

/* QEMU's pxb: the controller's bus is behind a bridge at 00.0 of the new root bus. */
static int add_hidden_bridge(struct domain *d, struct controller_bus *c, unsigned number) {
        struct bus *root = machine_add_bus(d->machine, NULL);
        struct device *hidden = root ? machine_add_device(d->machine, root, NULL) : NULL;

        if (!hidden)
                return -ENOMEM;
        root->root.bus = (uint8_t) number;
        c->bus->bridge = hidden;
        hidden->type = strdup("pci-bridge");
        hidden->kind = qemu_type_find("pci-bridge")->kind;
        return hidden->type ? 0 : -ENOMEM;
}

/* Connect the controller's bus to its function. */
static int connect_controller(struct domain *d, struct controller_bus *c, struct device *function) {
        unsigned number;
        int r;

        if (c->is_double)
                return 0;
        switch (c->model->controller) {
        case CONTROLLER_ROOT:
                return 0;
        case CONTROLLER_UNKNOWN:
                c->bus->nameless = "behind a controller of a model that is not known";
                return 0;
        case CONTROLLER_BRIDGE:
                c->bus->nameless = NULL;
                c->bus->bridge = function;
                return 0;
        case CONTROLLER_EXPANDER:
        case CONTROLLER_EXPANDER_BRIDGE:
                break;
        }

        r = element_parse_number(element_child(c->element, "target") ?: c->element, "busNr", 0xff, &number);
        c->bus->nameless = r > 0 ? NULL : (r == 0 ? no_number : wrong_number);
        if (r <= 0)
                return 0;
        if (c->model->controller == CONTROLLER_EXPANDER_BRIDGE)
                return add_hidden_bridge(d, c, number);
        c->bus->root.bus = (uint8_t) number;
        return 0;
}

/* -- Functions -- */

/* Guests on s390 see no topology: each function is alone in a domain, whose number is the uid. */
static int read_uid(struct domain *d, const xmlNode *zpci, struct device *function) {
        unsigned uid = 0;
        int r;

        r = zpci ? element_get_number(zpci, "uid", 0xffff, function, &uid) : 0;
        if (r < 0)
                return r;
        /* QEMU treats 0 as unset and chooses a uid. */
        if (uid == 0) {
                function->absent = "no uid in the address; libvirt adds it when the domain is defined";
                return 0;
        }

        return machine_give_root(d->machine, function, uid);
}

static int read_slot(struct domain *d, const xmlNode *address, struct device *f) {
        unsigned domain = 0, bus = 0, slot = 0, function = 0;
        int r, has_slot, has_bus;

        r = element_get_number(address, "domain", 0xffff, f, &domain);
        if (r >= 0)
                r = element_get_number(address, "function", 7, f, &function);
        if (r >= 0)
                r = has_slot = element_get_number(address, "slot", 0x1f, f, &slot);
        if (r >= 0)
                r = has_bus = element_get_number(address, "bus", CONTROLLERS_MAX - 1, f, &bus);
        if (r < 0)
                return r;

        f->hop.slot = (uint8_t) slot;
        f->hop.function = (uint8_t) function;
        if (!has_slot || !has_bus) {
                f->absent = "the address is incomplete; libvirt adds the rest when the domain is defined";
                d->machine->n_unplaced++;
        } else if (domain != 0 || !d->controllers[bus].bus)
                f->absent = "the address names a PCI controller that is not in the document; "
                            "libvirt adds it when the domain is defined";
        /* libvirt passes only the slot to bhyve, and most devices become function 0. */
        else if (d->is_bhyve && (bus != 0 || function != 0))
                f->absent = "not function 0 of a slot on bus 0: bhyve supports no other functions";
        else
                f->bus = d->controllers[bus].bus;
        return 0;
}

static int read_address(struct domain *d, const xmlNode *element, const xmlNode *address, struct device *function) {
        const xmlNode *zpci = element_child(address, "zpci");
        int r;

        /* libvirt 11.3: qemuBuildMemoryCommandLine() adds no "zpci" device, so QEMU chooses a uid. */
        if (domain_is_s390(d) && element_is(element, "memory")) {
                function->absent = "libvirt does not pass the uid of a memory device to QEMU";
                return 0;
        }
        r = zpci || domain_is_s390(d) ? read_uid(d, zpci, function) : read_slot(d, address, function);
        if (r == -EBADMSG)
                d->machine->n_unplaced++;
        return r;
}

static int set_controller(struct domain *d, const xmlNode *element, struct device *function) {
        struct controller_bus *c;
        unsigned index;
        int r;

        if (!element_attribute_is(element, "type", "pci"))
                return domain_add_adapter(d, element, function);
        r = element_get_number(element, "index", CONTROLLERS_MAX - 1, function, &index);
        if (r <= 0)
                return r;

        c = &d->controllers[index];
        if (domain_is_s390(d))
                function->absent = BRIDGE_ON_S390;
        /* A controller that is not on a bus has no bus behind it. */
        return function->bus ? connect_controller(d, c, function) : 0;
}

/** domain_add_function() - add a device with a PCI address. Return: 0, -EBADMSG if the address is wrong, -ENOMEM. */
int domain_add_function(struct domain *d, const xmlNode *element, const xmlNode *address) {
        struct device *function = machine_add_device(d->machine, NULL, NULL);
        const char *qemu_type;
        int r;

        if (!function)
                return -ENOMEM;
        r = domain_identify(d, element, function);
        if (r >= 0)
                r = read_address(d, element, address, function);
        if (r >= 0)
                r = domain_override(d, function);
        if (r < 0)
                return r;

        if (element_is(element, "controller"))
                return set_controller(d, element, function);
        qemu_type = libvirt_find_qemu_type(element);
        function->node = qemu_type ? qemu_type_find(qemu_type)->node : NODE_NONE;
        function->has_standby = element_child_attribute_is(element, "teaming", "type", "persistent");
        if (function->node != NODE_DISK)
                return 0;
        function->suffix = strdup("");
        return function->suffix ? 0 : -ENOMEM;
}

/** domain_add_without_path() - add a device that is not on PCI, or whose PCI address is unknown */
int domain_add_without_path(struct domain *d, const xmlNode *element, const char *reason) {
        struct device *device = machine_add_device(d->machine, NULL, NULL);

        if (!device)
                return -ENOMEM;
        device->absent = reason;
        return domain_identify(d, element, device);
}
