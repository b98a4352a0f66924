/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the XML of a libvirt domain. The bus in a device's address is not a bus number: it is the index of the PCI
 * controller that the device is plugged into (https://libvirt.org/pci-addresses.html). Controllers have such addresses
 * too, up to a root. So the elements are read three times: for the buses of controllers, for the functions on these
 * buses, and for the disks and USB devices below functions. A device without a PCI address is listed with a reason.
 */

#include <stdio.h>

#include "document.h"
#include "libvirt-qemu.h"
#include "backend.h"

/* -- Devices -- */

/* The reason why a device has no PCI address, by the type of its address. */
static const char *reason_of_type(const char *type) {
        static const struct {
                const char *type, *reason;
        } reasons[] = {
                { "ccw", "a channel device (ccw), not on PCI" },
                { "virtio-mmio", "a virtio-mmio device, not on PCI" },
                { "spapr-vio", "a device of pseries' VIO, not on PCI" },
                { "unassigned", "not given to the guest" },
        };

        if (!type)
                return "no address; libvirt adds one when the domain is defined (virsh define, then virsh dumpxml)";
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (streq(type, reasons[i].type))
                        return reasons[i].reason;
        return "not a PCI address";
}

/* For compatibility, libvirt repeats the first serial port as the first console. */
static bool is_repeated(const xmlNode *element) {
        return element_is(element, "console") && element_child_attribute_is(element, "target", "type", "serial");
}

static bool is_scsi_hostdev(const xmlNode *element) {
        return element_is(element, "hostdev") && element_attribute_is(element, "type", "scsi");
}

/* A device without an address: whether libvirt will give it a PCI address. */
static bool takes_slot(const xmlNode *element) {
        _cleanup_xml_ xmlChar *bus = NULL;

        if (!element_is(element, "disk"))
                return !is_scsi_hostdev(element);
        bus = element_child_attribute(element, "target", "bus");
        return bus && streq((const char *) bus, "virtio");
}

/* @below: read the disks and USB devices below functions, instead of everything else */
static int read_element(struct domain *d, const xmlNode *element, bool below) {
        const xmlNode *address = element_child(element, "address");
        _cleanup_xml_ xmlChar *text = address ? xmlGetProp(address, BAD_CAST "type") : NULL;
        const char *type = (const char *) text;
        bool is_drive = (element_is(element, "disk") || is_scsi_hostdev(element)) && type && streq(type, "drive");
        bool is_usb = type && streq(type, "usb");

        if ((is_drive || is_usb) != below || is_repeated(element))
                return 0;
        if (below)
                return domain_add_below(d, element, address, type);
        if (type && streq(type, "pci"))
                return domain_add_function(d, element, address);
        /* Without an address, only what is usually on PCI is listed. Keyboards, for example, are left out. */
        if (!libvirt_find_qemu_type(element))
                return 0;
        d->machine->n_unplaced += !type && takes_slot(element);
        return domain_add_without_path(d, element, reason_of_type(type));
}

/* On i440fx, ACPI hotplug covers the bridges below the first root bus. Bridges below an expander have SHPC only. */
static void forget_plugs_below_expanders(struct domain *d) {
        for (size_t i = 1; d->type && d->type->needs_acpi && i < CONTROLLERS_MAX; i++) {
                const struct bus *bus = d->controllers[i].bus;

                for (size_t hops = 0; bus && bus->bridge && hops < PCI_PATH_HOPS_MAX; hops++)
                        bus = bus->bridge->bus;
                if (bus && bus != d->controllers[0].bus)
                        d->controllers[i].bus->takes_plugs = false;
        }
}

/* An element that is wrong is a device that is absent for this reason; the others are read. */
static int read_elements(struct domain *d, const xmlNode *devices, bool below) {
        for (const xmlNode *e = devices->children; e; e = e->next)
                if (e->type == XML_ELEMENT_NODE && read_element(d, e, below) == -ENOMEM)
                        return -ENOMEM;

        return 0;
}

static int read_devices(struct domain *d, const xmlNode *domain, const xmlNode *devices) {
        int r = 0;

        domain_number_elements(d, devices);
        for (const xmlNode *e = devices->children; e && r >= 0; e = e->next)
                if (element_is(e, "controller") && element_attribute_is(e, "type", "pci"))
                        r = domain_add_controller(d, e);
        if (r >= 0)
                r = domain_add_first_root(d);
        if (r >= 0)
                r = domain_read_overrides(d, domain);
        if (r >= 0)
                r = domain_read_commandline(d, domain);
        if (r >= 0)
                r = read_elements(d, devices, false);
        domain_sort_adapters(d);
        if (r >= 0)
                r = read_elements(d, devices, true);
        forget_plugs_below_expanders(d);
        return r;
}

static void domain_clear(struct domain *d) {
        free(d->adapters);
        domain_clear_buses(d);
        domain_clear_overrides(d);
}

/* -- The document -- */

/*
 * Example: <domain type='kvm'>, <os><type machine='pseries-7.2'>, <features><acpi/>. libvirt expands "pc" to
 * "pc-i440fx-7.2".
 */
static int read_machine_type(struct domain *d, const xmlNode *domain) {
        static const char *const of_qemu[] = { "kvm", "qemu", "hvf" };
        const xmlNode *os = element_child(domain, "os"), *features = element_child(domain, "features");
        _cleanup_xml_ xmlChar *hypervisor = xmlGetProp(domain, BAD_CAST "type");
        _cleanup_xml_ xmlChar *machine = os ? element_child_attribute(os, "type", "machine") : NULL;
        bool is_qemu = false;

        d->has_acpi = features && element_child(features, "acpi");
        d->is_bhyve = hypervisor && streq((const char *) hypervisor, "bhyve");
        if (d->is_bhyve) {
                d->machine->no_hotplug = "bhyve does not support PCI hotplug";
                return 0;
        }

        for (size_t i = 0; hypervisor && i < ELEMENTSOF(of_qemu); i++)
                is_qemu = is_qemu || streq((const char *) hypervisor, of_qemu[i]);
        if (!is_qemu)
                return error_set(d->error, -ENXIO,
                                 "%s, line %ld: PCI addresses of domains of type '%.40s' are not known, only of "
                                 "QEMU's (qemu, kvm, hvf) and bhyve's",
                                 d->file, xmlGetLineNo(domain),
                                 (const char *) (hypervisor ?: BAD_CAST ""));

        d->type = machine ? qemu_machine_find_by_type((const char *) machine) : NULL;
        d->machine->no_hotplug = d->type ? d->type->no_hotplug : "the PCI addresses of this machine type are not known";
        d->machine->no_room = d->type ? d->type->no_room : NULL;
        return 0;
}

#define NEED_DOMAIN "use the output of 'virsh dumpxml DOMAIN'"

/* Report a document that has no domain: what it is, and how to get the XML of a domain. */
static int log_root_error(const struct domain *d, const xmlNode *root) {
        static const struct {
                const char *element, *what;
        } known[] = {
                { "capabilities",       "what a host supports"        },
                { "domainCapabilities", "what a host supports"        },
                { "domainbackup",       "a backup job"                },
                { "domains",            "a list of several domains"   },
                { "network",            "a virtual network"           },
                { "pool",               "a storage pool"              },
                { "volume",             "a storage volume"            },
                { "device",             "a device of the host"        },
                { "devices",            "devices without their domain" },
                { "disk",               "a device without its domain" },
                { "interface",          "a network interface"         },
                { "controller",         "a device without its domain" },
                { "hostdev",            "a device without its domain" },
        };
        const char *what = "not a domain";

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (element_is(root, known[i].element))
                        what = known[i].what;
        return error_set(d->error, -EBADMSG, "%s, line %ld: <%.40s> is %s; " NEED_DOMAIN, d->file, xmlGetLineNo(root),
                         (const char *) root->name, what);
}

/*
 * Find <domain>. Status files in /run/libvirt, snapshots and checkpoints have it in another element. A snapshot's
 * <inactiveDomain> is not read.
 */
static int find_domain(const struct domain *d, const xmlNode *root, const xmlNode **ret) {
        static const char *const around[] = { "domstatus", "domainsnapshot", "domaincheckpoint" };
        const xmlNode *domain = element_is(root, "domain") ? root : NULL;

        for (size_t i = 0; i < ELEMENTSOF(around); i++) {
                if (!element_is(root, around[i]))
                        continue;
                domain = element_child(root, "domain");
                /* Old or redefined ones have only the domain's UUID. */
                if (!domain || !element_child(domain, "devices"))
                        return error_set(d->error, -EBADMSG,
                                         "%s, line %ld: <%s> does not have the devices of its domain; " NEED_DOMAIN,
                                         d->file, xmlGetLineNo(domain ?: root), around[i]);
        }
        *ret = domain;
        return domain ? 0 : log_root_error(d, root);
}

static int read_domain(struct domain *d, xmlDoc *document) {
        const xmlNode *domain = NULL, *devices;
        int r;

        if (document->intSubset)
                return error_set(d->error, -EBADMSG, "%s: a document type is not allowed; " NEED_DOMAIN, d->file);
        r = find_domain(d, xmlDocGetRootElement(document), &domain);
        if (r >= 0)
                r = read_machine_type(d, domain);
        if (r < 0)
                return r;

        /* libvirt accepts a domain without devices, and adds what each machine has. */
        devices = element_child(domain, "devices");
        if (devices)
                r = read_devices(d, domain, devices);
        return r >= 0 && !devices ? domain_add_first_root(d) : r;
}

static int log_xml_error(const char *name, struct error *error) {
        const xmlError *e = xmlGetLastError();
        const char *message = e && e->message ? e->message : "";

        if (e && e->code == XML_ERR_DOCUMENT_END)
                return error_set(error, -EBADMSG,
                                 "%s, line %d: the document goes on after its end; give one domain only", name,
                                 e->line);
        return error_set(error, -EBADMSG, "%s, line %d: not XML: %.*s; " NEED_DOMAIN, name, e ? e->line : 0,
                         (int) strcspn(message, "\n"), message);
}

/* NOERROR does not cover the errors of character sets, which libxml2 would print itself. */
_printf_(2, 3) static void ignore_error(void *context _unused_, const char *format _unused_, ...) {
}

/**
 * libvirt_parse() - read a machine from the XML of a domain
 * @name: of the document, for errors
 */
int libvirt_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error) {
        struct domain d = { .file = name, .machine = machine, .error = error };
        xmlDoc *document;
        int r;

        /*
         * NONET: no network access. Without NOENT, DTDLOAD and HUGE, no external entity is loaded and libxml2's limits
         * apply. BIG_LINES: elements have a line number above 65535.
         */
        xmlSetGenericErrorFunc(NULL, ignore_error);
        document = xmlReadMemory(text, (int) size, NULL, NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                         XML_PARSE_BIG_LINES);
        if (!document)
                return log_xml_error(name, error);

        r = read_domain(&d, document);
        xmlFreeDoc(document);
        domain_clear(&d);
        return r == -ENOMEM ? error_set(error, r, "out of memory") : r;
}

/** libvirt_read() - read the XML of a domain from a file, or from standard input for "-" */
int libvirt_read(const char *name, struct machine *machine, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        r = document_read(name, &text, &size, error);
        if (r == -ENOENT && !strchr(name, '/'))
                return error_set(error, r, "%s: no such file. For a domain: "
                                           "virsh dumpxml DOMAIN | pcipath-host VERB --libvirt=-",
                                 name);
        return r < 0 ? r : libvirt_parse(name, text, size, machine, error);
}
