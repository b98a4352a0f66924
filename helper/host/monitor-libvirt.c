/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt, by a domain's XML. The bus of a device's address is no bus number but the index of the PCI controller that
 * the device is plugged into (https://libvirt.org/pci-addresses.html); controllers have such an address themselves, up
 * to a root. So the elements are read twice: once for the controllers' buses, once for what is plugged into them.
 */

#include <stdio.h>

#include "document.h"
#include "libvirt-xml.h"
#include "source.h"

static int no_address(const struct domain *d, const xmlNode *element) {
        char name[ELEMENT_NAME_MAX];

        return problem_set(d->problem, -ENXIO,
                           "%s, line %ld: %s has no address; libvirt gives it one when the domain is"
                           " defined: virsh define, then virsh dumpxml", d->file, xmlGetLineNo(element),
                           element_describe(element, name));
}

/* -- Controllers -- */

static int complain_of_element(const struct domain *d, const xmlNode *element, const char *what) {
        char name[ELEMENT_NAME_MAX];

        return problem_set(d->problem, -EBADMSG, "%s, line %ld: %s: %s", d->file, xmlGetLineNo(element),
                           element_describe(element, name), what);
}

/* A host bridge on pseries makes a domain of its own, numbered by its index there, not by that of the controller. */
static int set_root(const struct domain *d, const xmlNode *element, unsigned index_of_controller, struct bus *bus) {
        const xmlNode *model = element_child(element, "model"), *target = element_child(element, "target");
        _cleanup_xml_ xmlChar *name = model ? xmlGetProp(model, BAD_CAST "name") : NULL;
        unsigned index;
        int r;

        if (!d->is_pseries && !(name && streq((const char *) name, "spapr-pci-host-bridge"))) {
                if (index_of_controller != 0)
                        return complain_of_element(d, element, "a second root, of a machine that is not pseries");
                bus->used = bus->shown = d->built_in;
                return 0;
        }
        r = target ? element_get_number(d, target, "index", 0xffff, &index) : 0;
        if (r < 0)
                return r;
        if (r == 0)
                return complain_of_element(d, element, "a host bridge of pseries needs <target index='…'/>");
        bus->root.domain = index;
        return 0;
}

static int add_controller(struct domain *d, const xmlNode *element) {
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model"), *hotplug = NULL;
        const xmlNode *target = element_child(element, "target");
        struct controller_bus *c;
        unsigned index;
        int r;

        r = element_get_number(d, element, "index", CONTROLLERS_MAX - 1, &index);
        if (r < 0)
                return r;
        if (r == 0 || !model || !libvirt_model_find((const char *) model))
                return r == 0 ? no_address(d, element) : complain_of_element(d, element, "no known model");
        c = &d->controllers[index];
        if (c->bus)
                return complain_of_element(d, element, "another controller has this index");

        c->element = element;
        c->model = libvirt_model_find((const char *) model);
        c->bus = machine_add_bus(d->machine, NULL);
        if (!c->bus || asprintf(&c->bus->name, "0x%02x", index) < 0)
                return -ENOMEM;

        hotplug = target ? xmlGetProp(target, BAD_CAST "hotplug") : NULL;
        /* On s390 it is the uid that makes the path, and no slot. */
        c->bus->takes_plugs = c->model->takes_plugs && !d->is_s390 && !(hotplug && streq((const char *) hotplug, "off"));
        c->bus->first_slot = c->model->first_slot;
        c->bus->last_slot = c->model->last_slot;
        c->bus->slots = c->model->last_slot == 0 ? SLOTS_LINK : SLOTS_BUS;
        if (c->model->controller == CONTROLLER_ROOT)
                return set_root(d, element, index, c->bus);
        c->bus->nameless = "behind a controller that has no PCI address"; /* until it has */
        return 0;
}

/* What is behind the function that the controller is. */
static int connect_controller(struct domain *d, struct controller_bus *c, struct device *function) {
        struct device *hidden;
        unsigned number;
        struct bus *root;
        int r;

        c->bus->nameless = NULL;
        if (c->model->controller == CONTROLLER_BRIDGE) {
                c->bus->bridge = function;
                return 0;
        }

        r = element_get_number(d, element_child(c->element, "target") ?: c->element, "busNr", 0xff, &number);
        if (r < 0)
                return r;
        if (r == 0)
                return complain_of_element(d, c->element, "an expander needs <target busNr='…'/>");
        if (c->model->controller == CONTROLLER_EXPANDER) {
                c->bus->root.bus = (uint8_t) number;
                return 0;
        }

        /* QEMU's pxb: the bus of the document is behind a bridge at 00.0 of the new root bus. */
        root = machine_add_bus(d->machine, NULL);
        if (!root)
                return -ENOMEM;
        root->root.bus = (uint8_t) number;
        c->bus->bridge = hidden = machine_add_device(d->machine, root, NULL);
        if (!hidden)
                return -ENOMEM;
        hidden->kind = "PCI bridge";
        hidden->type = strdup("pci-bridge");
        return hidden->type ? 0 : -ENOMEM;
}

/* -- Functions -- */

/* A guest of s390 sees no topology: each function is alone in a domain, which is its uid. */
static int add_zpci_function(struct domain *d, const xmlNode *element, const xmlNode *zpci, struct device **ret) {
        struct bus *bus;
        unsigned uid;
        int r;

        r = element_get_number(d, zpci, "uid", 0xffff, &uid);
        if (r <= 0)
                return r < 0 ? r : no_address(d, element);

        bus = machine_add_bus(d->machine, NULL);
        *ret = bus ? machine_add_device(d->machine, bus, NULL) : NULL;
        if (!*ret)
                return -ENOMEM;
        bus->root.domain = uid;
        return 1;
}

static int add_addressed_function(struct domain *d, const xmlNode *element, const xmlNode *address,
                                  struct device **ret) {
        unsigned domain = 0, bus, slot, function = 0;
        const xmlNode *zpci = element_child(address, "zpci");
        int r;

        if (zpci)
                return add_zpci_function(d, element, zpci, ret);
        if (d->is_s390)
                return no_address(d, element);

        r = element_get_number(d, address, "domain", 0xffff, &domain);
        if (r >= 0)
                r = element_get_number(d, address, "function", 7, &function);
        if (r < 0)
                return r;
        r = element_get_number(d, address, "slot", 0x1f, &slot);
        if (r <= 0)
                return r < 0 ? r : no_address(d, element);
        r = element_get_number(d, address, "bus", CONTROLLERS_MAX - 1, &bus);
        if (r <= 0)
                return r < 0 ? r : no_address(d, element);
        if (domain != 0 || !d->controllers[bus].bus)
                return complain_of_element(d, element, "no PCI controller has the index that is its address' bus");

        *ret = machine_add_device(d->machine, d->controllers[bus].bus, NULL);
        if (!*ret)
                return -ENOMEM;
        (*ret)->hop.slot = (uint8_t) slot;
        (*ret)->hop.function = (uint8_t) function;
        return 1;
}

static int add_function(struct domain *d, const xmlNode *element, const xmlNode *address) {
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        bool is_controller = element_is(element, "controller");
        struct device *function = NULL;
        unsigned index;
        int r;

        r = add_addressed_function(d, element, address, &function);
        if (r < 0)
                return r;
        r = element_identify(element, function);
        if (r < 0)
                return r;

        if (element_is(element, "disk")) {
                function->node = NODE_DISK;
                function->suffix = strdup("");
                return function->suffix ? 0 : -ENOMEM;
        }
        if (element_is(element, "interface"))
                function->node = NODE_INTERFACE;
        if (!is_controller)
                return 0;
        r = element_get_number(d, element, "index", UINT16_MAX, &index);
        if (r <= 0)
                return r;

        if (!type || !streq((const char *) type, "pci"))
                return domain_add_adapter(d, element, (const char *) type, index, function);
        if (index >= CONTROLLERS_MAX || d->controllers[index].element != element)
                return complain_of_element(d, element, "no index of a PCI controller");
        function->kind = d->controllers[index].model->kind;
        if (d->is_s390)
                function->absent = "a bridge, which a guest of s390 does not show";
        return connect_controller(d, &d->controllers[index], function);
}

/* Has to have an address, of whatever type? Others (a sound chip of a board, a keyboard) need none. */
static bool needs_address(const xmlNode *element) {
        static const char *const without[] = { "fdc", "ccid", "isa", "xenbus" };
        _cleanup_xml_ xmlChar *type = xmlGetProp(element, BAD_CAST "type");
        _cleanup_xml_ xmlChar *model = xmlGetProp(element, BAD_CAST "model");

        if (element_is(element, "hostdev"))
                return type && streq((const char *) type, "pci");
        if (!element_is(element, "controller"))
                return element_is(element, "disk") || element_is(element, "interface");

        for (size_t i = 0; i < ELEMENTSOF(without); i++)
                if (type && streq((const char *) type, without[i]))
                        return false;
        if (model && streq((const char *) model, "none"))
                return false;
        return !model || !libvirt_model_find((const char *) model) ||
               libvirt_model_find((const char *) model)->controller != CONTROLLER_ROOT;
}

static int read_element(struct domain *d, const xmlNode *element, bool below) {
        const xmlNode *address = element_child(element, "address");
        _cleanup_xml_ xmlChar *type = address ? xmlGetProp(address, BAD_CAST "type") : NULL;
        bool is_pci = type && streq((const char *) type, "pci");

        if (below)
                return type && !is_pci ? domain_add_below(d, element, address, (const char *) type) : 0;
        if (is_pci)
                return add_function(d, element, address);
        return !type && needs_address(element) ? no_address(d, element) : 0;
}

/* i440fx plugs by ACPI, which knows the bridges below its own root bus; below an expander there is but SHPC. */
static void forget_plugs_below_expanders(struct domain *d) {
        for (size_t i = 1; d->is_i440fx && i < CONTROLLERS_MAX; i++) {
                const struct bus *bus = d->controllers[i].bus;

                for (size_t hops = 0; bus && bus->bridge && hops < PCI_PATH_HOPS_MAX; hops++)
                        bus = bus->bridge->bus;
                if (bus && bus != d->controllers[0].bus)
                        d->controllers[i].bus->takes_plugs = false;
        }
}

static int read_devices(struct domain *d, const xmlNode *devices) {
        int r = 0;

        for (const xmlNode *e = devices->children; e && r >= 0; e = e->next) {
                _cleanup_xml_ xmlChar *type = element_is(e, "controller") ? xmlGetProp(e, BAD_CAST "type") : NULL;

                if (type && streq((const char *) type, "pci"))
                        r = add_controller(d, e);
        }
        for (int below = 0; below < 2; below++)
                for (const xmlNode *e = devices->children; e && r >= 0; e = e->next)
                        if (e->type == XML_ELEMENT_NODE)
                                r = read_element(d, e, below);
        forget_plugs_below_expanders(d);
        return r;
}

/* -- The document -- */

/* <os><type arch='ppc64' machine='pseries-7.2'>, and "pc" is "pc-i440fx-7.2" once it is defined. */
static void read_machine_type(struct domain *d, const xmlNode *domain) {
        const xmlNode *os = element_child(domain, "os"), *type = os ? element_child(os, "type") : NULL;
        _cleanup_xml_ xmlChar *machine = type ? xmlGetProp(type, BAD_CAST "machine") : NULL;
        _cleanup_xml_ xmlChar *arch = type ? xmlGetProp(type, BAD_CAST "arch") : NULL;
        const char *m = machine ? (const char *) machine : "";

        d->is_pseries = strncmp(m, "pseries", strlen("pseries")) == 0;
        /* The slots of what the machine is born with and the document leaves out: host bridge and ISA bridge. */
        d->is_i440fx = streq(m, "pc") || strncmp(m, "pc-i440fx", strlen("pc-i440fx")) == 0;
        if (d->is_i440fx)
                d->built_in = 1U << 0 | 1U << 1;
        else if (streq(m, "q35") || strncmp(m, "pc-q35", strlen("pc-q35")) == 0)
                d->built_in = 1U << 0 | 1U << 0x1f;
        d->is_s390 = arch && strncmp((const char *) arch, "s390", strlen("s390")) == 0;
}

static int read_domain(struct domain *d, xmlDoc *document) {
        const xmlNode *domain = xmlDocGetRootElement(document), *devices;

        if (document->intSubset)
                return problem_set(d->problem, -EBADMSG, "%s: a domain's XML has no document type", d->file);
        /* libvirt's own files below /run/libvirt have the domain in its status. */
        if (domain && element_is(domain, "domstatus"))
                domain = element_child(domain, "domain");
        if (!domain || !element_is(domain, "domain"))
                return problem_set(d->problem, -EBADMSG, "%s: not a domain's XML: no element <domain>", d->file);
        devices = element_child(domain, "devices");
        if (!devices)
                return problem_set(d->problem, -EBADMSG, "%s, line %ld: <domain> has no <devices>", d->file,
                                   xmlGetLineNo(domain));

        read_machine_type(d, domain);
        return read_devices(d, devices);
}

/**
 * libvirt_parse() - the machine that a domain's XML describes
 * @name: of the document, in complaints
 */
int libvirt_parse(const char *name, const char *text, size_t size, struct machine *machine, struct problem *problem) {
        _cleanup_domain_ struct domain d = { .file = name, .machine = machine, .problem = problem };
        const xmlError *error;
        xmlDoc *document;
        int r;

        /* No network, no entities of others, no more than libxml2's usual limits. */
        document = xmlReadMemory(text, (int) size, NULL, NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        if (!document) {
                error = xmlGetLastError();
                return problem_set(problem, -EBADMSG, "%s, line %d: not XML: %.*s", name, error ? error->line : 0,
                                   error && error->message ? (int) strcspn(error->message, "\n") : 0,
                                   error && error->message ? error->message : "");
        }

        r = read_domain(&d, document);
        xmlFreeDoc(document);
        return r == -ENOMEM ? problem_set(problem, r, "out of memory") : r;
}

/** libvirt_read() - a domain's XML from a file, or from standard input if it is "-" */
int libvirt_read(const char *name, double timeout, struct machine *machine, struct problem *problem) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        (void) timeout;
        r = document_read(name, &text, &size, problem);
        return r < 0 ? r : libvirt_parse(name, text, size, machine, problem);
}
