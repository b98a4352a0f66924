/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A specification of the Container Device Interface (SPEC.md of github.com/cncf-tags/container-device-interface)
 * defines what a container runtime does for "--device pcipath.dev/disk=02.0-00.0". It lists the devices of one kind by
 * name. The interface allows letters, digits and "_-.:" in names (a digit at the beginning since 0.5, annotations since
 * 0.6, network interfaces since 1.1). A runtime that does not know the version of one specification still uses the
 * others.
 *
 * The numbers of nodes are left out. The runtime reads them from the node when it makes the container. If the device
 * has disappeared since, that is an error, and the container does not get the device that reuses the numbers.
 */

#include <unistd.h>

#include "cdi.h"
#include "format-text.h"
#include "util.h"

/* child_devices_append() skips names with control characters, so these two are the only characters to escape. */
static void print_string(FILE *out, const char *text) {
        fputc('"', out);
        for (; *text != '\0'; text++) {
                if (*text == '"' || *text == '\\')
                        fputc('\\', out);
                fputc(*text, out);
        }
        fputc('"', out);
}

/**
 * cdi_begin_device() - begin a device; it is written only if something is added to it
 * @name: of characters that the interface allows; used until cdi_end_device()
 */
void cdi_begin_device(struct cdi *cdi, const char *name, const struct pci_path *path) {
        cdi->name = name;
        cdi->path = path;
        cdi->n_nodes = cdi->n_interfaces = 0;
}

static void begin_edits(struct cdi *cdi) {
        char text[PCI_PATH_STRING_MAX];

        if (cdi->n_nodes + cdi->n_interfaces > 0)
                return;
        if (!cdi->name) {
                fputs(",\n   \"containerEdits\": {", cdi->out);
                return;
        }
        pci_path_print(cdi->path, PCI_PATH_CANONICAL, text);
        fprintf(cdi->out, "%s\n      {\"name\": \"%s\", \"annotations\": {\"" CDI_VENDOR "/path\": \"%s\"}, "
                          "\"containerEdits\": {",
                cdi->n_devices++ > 0 ? "," : "", cdi->name, text);
}

/**
 * cdi_add_node() - add a device node to the current device
 * @path: inside the container
 *
 * Nodes come before interfaces.
 */
void cdi_add_node(struct cdi *cdi, const char *path, const char *node, char type) {
        begin_edits(cdi);
        fprintf(cdi->out, "%s\n         {\"path\": ", cdi->n_nodes++ > 0 ? "," : "\"deviceNodes\": [");
        print_string(cdi->out, path);
        fputs(", \"hostPath\": ", cdi->out);
        print_string(cdi->out, node);
        fprintf(cdi->out, ", \"type\": \"%c\", \"permissions\": \"rw\"}", type);
}

/** cdi_add_existing_nodes() - add those of the character devices that have a node */
void cdi_add_existing_nodes(struct cdi *cdi, const char *const *nodes) {
        for (; *nodes; nodes++)
                if (access(*nodes, F_OK) >= 0)
                        cdi_add_node(cdi, *nodes, *nodes, 'c');
}

/** cdi_add_interface() - add a network interface, which keeps its name in the container */
void cdi_add_interface(struct cdi *cdi, const char *interface) {
        begin_edits(cdi);
        if (cdi->n_interfaces == 0 && cdi->n_nodes > 0)
                fputs("], ", cdi->out);
        fprintf(cdi->out, "%s\n         {\"hostInterfaceName\": ", cdi->n_interfaces++ > 0 ? "," : "\"netDevices\": [");
        print_string(cdi->out, interface);
        fputs(", \"name\": ", cdi->out);
        print_string(cdi->out, interface);
        fputc('}', cdi->out);
        cdi->has_interfaces = true;
}

void cdi_end_device(struct cdi *cdi) {
        if (cdi->n_nodes + cdi->n_interfaces > 0)
                fputs(cdi->name ? "]}}" : "]}", cdi->out);
}

/* Return: 0, or a negative errno. */
static int make_devices(const struct cdi_kind *kind, const struct enumeration *enumeration, struct cdi *cdi,
                        char **ret) {
        size_t size;
        int r;

        cdi->out = open_memstream(ret, &size);
        if (!cdi->out)
                return -ENOMEM;

        r = kind->add_devices(cdi, enumeration);
        fputs("\n   ]", cdi->out);
        cdi_begin_device(cdi, NULL, NULL); /* what every device gets */
        cdi_add_existing_nodes(cdi, kind->common);
        cdi_end_device(cdi);
        return finish_memstream(cdi->out, ret) < 0 ? -ENOMEM : r;
}

/**
 * cdi_make() - make the specification of all devices of a kind
 * @ret: to be freed; untouched unless 1 is returned
 *
 * Return: 1, 0 when there is no device, because the interface allows no empty specification, or a negative errno.
 */
int cdi_make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret) {
        _cleanup_free_ char *devices = NULL;
        struct cdi cdi = {};
        int r;

        r = make_devices(kind, enumeration, &cdi, &devices);
        if (r < 0 || cdi.n_devices == 0)
                return r;

        /* The lowest version that has all of it. */
        r = format_text(ret, "{\n   \"cdiVersion\": \"%s\",\n   \"kind\": \"" CDI_VENDOR "/%s\",\n"
                             "   \"devices\": [%s\n}\n",
                        cdi.has_interfaces ? "1.1.0" : "0.6.0", kind->name, devices);
        return r < 0 ? r : 1;
}
