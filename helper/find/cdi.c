/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A specification of the Container Device Interface (SPEC.md of github.com/cncf-tags/container-device-interface)
 * defines what a container runtime does for "--device pcipath.dev/disk=02.0-00.0". It lists the devices of one kind by
 * the names of their links. The interface allows letters, digits and "_-.:" (a digit at the beginning since 0.5,
 * annotations since 0.6, network interfaces since 1.1). Links of disks have no other characters. A runtime that does
 * not know the version of one specification still uses the others.
 *
 * Inside the container, the node of a disk has the path of the disk's link on the host, which is the name that the host
 * knows. Programs that use VFIO or RDMA open the nodes that sysfs names, so these nodes keep their names.
 *
 * The numbers of nodes are left out. The runtime reads them from the node when it makes the container. If the device
 * has disappeared since, that is an error, and the container does not get the device that reuses the numbers.
 */

#include <stdio.h>

#include "ascii.h"
#include "cdi.h"
#include "device-names.h"
#include "device-util.h"
#include "devlinks.h"
#include "interface-name.h"
#include "link-names.h"
#include "readiness.h"
#include "rtnl.h"
#include "util.h"

struct cdi {
        FILE *out;
        size_t n_devices;
        size_t n_nodes; /* of the current device */
};

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

static void begin_edits(struct cdi *cdi) {
        fputs("\"containerEdits\": {\"deviceNodes\": [", cdi->out);
        cdi->n_nodes = 0;
}

static void begin_named(struct cdi *cdi, const char *name, const struct pci_path *path) {
        char text[PCI_PATH_STRING_MAX];

        pci_path_print(path, PCI_PATH_CANONICAL, text);
        fprintf(cdi->out, "%s\n      {\"name\": \"%s\", \"annotations\": {\"" CDI_VENDOR "/path\": \"%s\"}, ",
                cdi->n_devices++ > 0 ? "," : "", name, text);
}

static void add_node(struct cdi *cdi, const char *path, const char *node, char type) {
        fprintf(cdi->out, "%s\n         {\"path\": ", cdi->n_nodes++ > 0 ? "," : "");
        print_string(cdi->out, path);
        fputs(", \"hostPath\": ", cdi->out);
        print_string(cdi->out, node);
        fprintf(cdi->out, ", \"type\": \"%c\", \"permissions\": \"rw\"}", type);
}

static void end_edits(struct cdi *cdi) {
        fputs("]}", cdi->out);
}

static void begin_device(struct cdi *cdi, const char *name, const struct pci_path *path) {
        begin_named(cdi, name, path);
        begin_edits(cdi);
}

static void end_device(struct cdi *cdi) {
        end_edits(cdi);
        fputc('}', cdi->out);
}

/* Containers do not get a name that leads to another device on the host. Without udev there may be no link at all. */
static bool is_of_another(const struct child_device *u, const char *name) {
        return child_device_is_at(u, name) == -EEXIST || child_device_is_at(u, u->name) == -EEXIST;
}

/* An NVMe multipath head is one device for each path to it. This adds the device for the path through @f. */
static int add_disk(struct cdi *cdi, const struct function *f, const struct child_device *u) {
        char path[sizeof(DISK_LINKS) + LINK_NAME_MAX];
        _cleanup_names_ struct names names = {};
        int r;

        r = syspath_get_names(u->syspath, &names);
        if (r < 0)
                return r;

        for (size_t i = 0; i < names.n; i++) {
                const struct name *name = &names.items[i];

                if (name->link[0] == '\0' || pci_path_compare(&name->path, &f->path) != 0)
                        continue;
                snprintf(path, sizeof(path), DISK_LINKS "%s", name->link);
                if (is_of_another(u, path))
                        continue;
                begin_device(cdi, name->link, &f->path);
                add_node(cdi, path, u->name, 'b');
                end_device(cdi);
        }

        return 0;
}

static int add_disks(struct cdi *cdi, const struct function *f) {
        int r;

        for (size_t i = 0; i < f->children.n; i++)
                if (streq(f->children.items[i].subsystem, "block")) {
                        r = add_disk(cdi, f, &f->children.items[i]);
                        if (r < 0)
                                return r;
                }

        return 0;
}

/* The node of its IOMMU group and, since Linux 6.6, a node of its own. */
static int add_vfio(struct cdi *cdi, const struct function *f) {
        char name[PCI_PATH_STRING_MAX];
        bool begun = false;

        if (pci_path_print(&f->path, PCI_PATH_FLAT, name) > LINK_NAME_MAX)
                return 0;

        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if (!streq(u->subsystem, "vfio") && !streq(u->subsystem, "vfio-dev"))
                        continue;
                if (child_device_is_at(u, u->name) == -EEXIST)
                        continue;
                if (!begun)
                        begin_device(cdi, name, &f->path);
                add_node(cdi, u->name, u->name, 'c');
                begun = true;
        }

        if (begun)
                end_device(cdi);
        return 0;
}

static bool is_rdma(const struct child_device *u) {
        return strncmp(u->subsystem, "infiniband", strlen("infiniband")) == 0;
}

/* A sub-function's devices are not its function's. The first of its nodes speaks for all of them. */
static bool is_first_of_sub_function(const struct function *f, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (is_rdma(&f->children.items[i]) &&
                    streq(f->children.items[i].sub_function, f->children.items[at].sub_function))
                        return false;

        return true;
}

/* Verbs and management datagrams of one function or sub-function together. */
static void add_rdma_of(struct cdi *cdi, const struct function *f, const char *sub_function) {
        char flat[PCI_PATH_STRING_MAX], name[LINK_NAME_MAX + 1];
        bool begun = false;

        pci_path_print(&f->path, PCI_PATH_FLAT, flat);
        if (snprintf(name, sizeof(name), "%s%s%s", flat, *sub_function ? "-" SUFFIX_SUB_FUNCTION : "", sub_function) >=
            (int) sizeof(name))
                return;

        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if (!is_rdma(u) || !streq(u->sub_function, sub_function) ||
                    child_device_is_at(u, u->name) == -EEXIST)
                        continue;
                if (!begun)
                        begin_device(cdi, name, &f->path);
                add_node(cdi, u->name, u->name, 'c');
                begun = true;
        }

        if (begun)
                end_device(cdi);
}

static int add_rdma(struct cdi *cdi, const struct function *f) {
        for (size_t i = 0; i < f->children.n; i++)
                if (is_rdma(&f->children.items[i]) && is_first_of_sub_function(f, i))
                        add_rdma_of(cdi, f, f->children.items[i].sub_function);

        return 0;
}

/* Can the name, without the prefix that all interfaces have, be that of a device of the interface? */
static bool is_device_name(const char *name) {
        size_t n = strlen(name);

        for (const char *c = name; *c != '\0'; c++)
                if (!ascii_isalnum(*c) && !strchr("_-.:", *c))
                        return false;
        return n > 0 && ascii_isalnum(name[0]) && ascii_isalnum(name[n - 1]);
}

/*
 * The runtime moves the interface into the container, where it keeps its name. Return: 1 if the interface has a name by
 * PCI path that no other interface has, 0 if not, or a negative errno.
 */
static int get_interface_name(const struct function *f, const struct child_device *u,
                              char name[static INTERFACE_NAME_MAX + 1]) {
        _cleanup_device_ sd_device *device = NULL;
        char flat[PCI_PATH_STRING_MAX];
        int ifindex, r;
        unsigned owner;

        r = sd_device_new_from_syspath(&device, u->syspath);
        if (r >= 0)
                r = device_has_interface_name(device);
        if (r > 0)
                r = sd_device_get_ifindex(device, &ifindex) < 0 ? -ENODEV : 1;
        if (r <= 0)
                return errno_is_absent(r) ? 0 : r;

        pci_path_print(&f->path, PCI_PATH_FLAT, flat);
        if (interface_get_name(u->syspath, flat, name) < 0 || !is_device_name(name + strlen(INTERFACE_PREFIX)))
                return 0;
        return rtnl_find_name(name, &owner) < 0 || owner == (unsigned) ifindex;
}

static int add_interfaces(struct cdi *cdi, const struct function *f) {
        char name[INTERFACE_NAME_MAX + 1];
        int r;

        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                r = streq(u->subsystem, "net") ? get_interface_name(f, u, name) : 0;
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                begin_named(cdi, name + strlen(INTERFACE_PREFIX), &f->path);
                fputs("\"containerEdits\": {\"netDevices\": [\n         {\"hostInterfaceName\": ", cdi->out);
                print_string(cdi->out, u->name);
                fputs(", \"name\": ", cdi->out);
                print_string(cdi->out, u->name);
                fputs("}]}}", cdi->out);
        }

        return 0;
}

const struct cdi_kind cdi_kinds[CDI_KINDS] = {
        { "disk", "0.6.0", add_disks,      (const char *const[]){ NULL } },
        { "vfio", "0.6.0", add_vfio,       (const char *const[]){ "/dev/vfio/vfio", "/dev/iommu", NULL } },
        { "rdma", "0.6.0", add_rdma,       (const char *const[]){ "/dev/infiniband/rdma_cm", NULL } },
        { "net",  "1.1.0", add_interfaces, (const char *const[]){ NULL } },
};

const struct cdi_kind *cdi_kind_find(const char *name) {
        for (size_t i = 0; i < CDI_KINDS; i++)
                if (streq(cdi_kinds[i].name, name))
                        return &cdi_kinds[i];

        return NULL;
}

/* Nodes that every device of the kind needs. */
static void add_common(struct cdi *cdi, const struct cdi_kind *kind) {
        bool begun = false;

        for (const char *const *node = kind->common; *node; node++) {
                if (access(*node, F_OK) < 0)
                        continue;
                if (!begun) {
                        fputs(",\n   ", cdi->out);
                        begin_edits(cdi);
                }
                add_node(cdi, *node, *node, 'c');
                begun = true;
        }

        if (begun)
                end_edits(cdi);
}

/**
 * cdi_make() - make the specification of all devices of a kind
 * @ret: to be freed; untouched unless 1 is returned
 *
 * Return: 1, 0 when there is no device, because the interface allows no empty specification, or a negative errno.
 */
int cdi_make(const struct cdi_kind *kind, const struct enumeration *enumeration, char **ret) {
        _cleanup_free_ char *text = NULL;
        struct cdi cdi = {};
        size_t size;
        int r = 0;

        cdi.out = open_memstream(&text, &size);
        if (!cdi.out)
                return -ENOMEM;

        fprintf(cdi.out, "{\n   \"cdiVersion\": \"%s\",\n   \"kind\": \"" CDI_VENDOR "/%s\",\n"
                         "   \"devices\": [",
                kind->version, kind->name);
        for (size_t i = 0; i < enumeration->n && r >= 0; i++)
                if (enumeration->functions[i]->path.n_hops > 0)
                        r = kind->add_devices(&cdi, enumeration->functions[i]);
        fputs("\n   ]", cdi.out);
        add_common(&cdi, kind);
        fputs("\n}\n", cdi.out);

        if (finish_memstream(cdi.out, &text) < 0)
                return -ENOMEM;
        if (r < 0 || cdi.n_devices == 0)
                return r;

        *ret = text;
        text = NULL;
        return 1;
}
