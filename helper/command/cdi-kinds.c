/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a container is given of each kind of device. Inside the container, the node of a disk has the path of the disk's
 * link on the host, which is the name that the host knows. Programs that use VFIO or RDMA open the nodes that sysfs
 * names, so these nodes keep their names, and so do interfaces.
 */

#include <net/if.h>

#include "alias-list.h"
#include "ascii.h"
#include "cdi.h"
#include "device-names.h"
#include "devlinks.h"
#include "format-text.h"
#include "interface-name.h"
#include "link-names.h"
#include "readiness.h"
#include "rtnl.h"
#include "util.h"

static const char *const no_nodes[] = { NULL };
static const char *const vfio_nodes[] = { "/dev/vfio/vfio", "/dev/iommu", NULL };
static const char *const rdma_nodes[] = { "/dev/infiniband/rdma_cm", NULL };

typedef int (*function_fn)(struct cdi *cdi, const struct function *f);

static int for_each_function(struct cdi *cdi, const struct enumeration *enumeration, function_fn fn) {
        int r = 0;

        for (size_t i = 0; i < enumeration->n && r >= 0; i++)
                if (enumeration->functions[i]->path.n_hops > 0)
                        r = fn(cdi, enumeration->functions[i]);
        return r;
}

/* Containers do not get a name that leads to another device on the host. Without udev there may be no link at all. */
static bool is_of_another(const struct child_device *u, const char *name) {
        return child_device_is_at(u, name) == -EEXIST || child_device_is_at(u, u->name) == -EEXIST;
}

/* -- Disks and partitions -- */

typedef int (*link_fn)(struct cdi *cdi, const struct function *f, const struct child_device *u, const char *link);

/* An NVMe multipath head is one device for each path to it. Calls @fn for the link of the path through @f. */
static int for_each_link(struct cdi *cdi, const struct function *f, link_fn fn) {
        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];
                _cleanup_names_ struct names names = {};
                int r;

                r = streq(u->subsystem, "block") ? syspath_get_names(u->syspath, &names) : 0;
                for (size_t j = 0; j < names.n && r >= 0; j++)
                        if (names.items[j].link[0] != '\0' && pci_path_compare(&names.items[j].path, &f->path) == 0)
                                r = fn(cdi, f, u, names.items[j].link);
                if (r < 0)
                        return r;
        }

        return 0;
}

static void add_disk(struct cdi *cdi, const struct function *f, const struct child_device *u, const char *link) {
        if (is_of_another(u, link))
                return;
        cdi_begin_device(cdi, strrchr(link, '/') + 1, &f->path);
        cdi_add_node(cdi, link, u->name, 'b');
        cdi_end_device(cdi);
}

static int add_disk_by_path(struct cdi *cdi, const struct function *f, const struct child_device *u, const char *link) {
        char path[sizeof(DISK_LINKS) + LINK_NAME_MAX];

        snprintf(path, sizeof(path), DISK_LINKS "%s", link);
        add_disk(cdi, f, u, path);
        return 0;
}

static int add_disks_of(struct cdi *cdi, const struct function *f) {
        return for_each_link(cdi, f, add_disk_by_path);
}

static int add_disks(struct cdi *cdi, const struct enumeration *enumeration) {
        return for_each_function(cdi, enumeration, add_disks_of);
}

/* -- VFIO -- */

/* The node of its IOMMU group and, since Linux 6.6, a node of its own. */
static void add_vfio_nodes(struct cdi *cdi, const struct function *f) {
        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if ((streq(u->subsystem, "vfio") || streq(u->subsystem, "vfio-dev")) &&
                    child_device_is_at(u, u->name) != -EEXIST)
                        cdi_add_node(cdi, u->name, u->name, 'c');
        }
}

static int add_vfio_of(struct cdi *cdi, const struct function *f) {
        char name[PCI_PATH_STRING_MAX];

        if (pci_path_print(&f->path, PCI_PATH_FLAT, name) > LINK_NAME_MAX)
                return 0;
        cdi_begin_device(cdi, name, &f->path);
        add_vfio_nodes(cdi, f);
        cdi_end_device(cdi);
        return 0;
}

static int add_vfio(struct cdi *cdi, const struct enumeration *enumeration) {
        return for_each_function(cdi, enumeration, add_vfio_of);
}

/* -- RDMA -- */

static bool is_rdma(const struct child_device *u) {
        return strncmp(u->subsystem, "infiniband", strlen("infiniband")) == 0;
}

/* Verbs and management datagrams of a function or sub-function together. */
static void add_rdma_nodes(struct cdi *cdi, const struct function *f, const char *sub_function) {
        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if (is_rdma(u) && streq(u->sub_function, sub_function) && child_device_is_at(u, u->name) != -EEXIST)
                        cdi_add_node(cdi, u->name, u->name, 'c');
        }
}

/* "02.0-00.0" or "02.0-00.0-sf-88". Return: 0, or -ENAMETOOLONG. */
static int print_sub_function(const struct function *f, const char *sub_function,
                              char buf[static LINK_NAME_MAX + 1]) {
        char flat[PCI_PATH_STRING_MAX];
        int n;

        pci_path_print(&f->path, PCI_PATH_FLAT, flat);
        n = snprintf(buf, LINK_NAME_MAX + 1, "%s%s%s", flat, *sub_function ? "-" SUFFIX_SUB_FUNCTION : "",
                     sub_function);
        return n > LINK_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* The first node of a function or sub-function speaks for all of its nodes. */
static bool is_first_of_sub_function(const struct function *f, size_t at) {
        for (size_t i = 0; i < at; i++)
                if (is_rdma(&f->children.items[i]) &&
                    streq(f->children.items[i].sub_function, f->children.items[at].sub_function))
                        return false;

        return true;
}

static int add_rdma_of(struct cdi *cdi, const struct function *f) {
        char name[LINK_NAME_MAX + 1];

        for (size_t i = 0; i < f->children.n; i++) {
                const struct child_device *u = &f->children.items[i];

                if (!is_rdma(u) || !is_first_of_sub_function(f, i) || print_sub_function(f, u->sub_function, name) < 0)
                        continue;
                cdi_begin_device(cdi, name, &f->path);
                add_rdma_nodes(cdi, f, u->sub_function);
                cdi_end_device(cdi);
        }

        return 0;
}

static int add_rdma(struct cdi *cdi, const struct enumeration *enumeration) {
        return for_each_function(cdi, enumeration, add_rdma_of);
}

/* -- Network interfaces -- */

/* Return: 1 for an interface with a name by PCI path that no other interface has, else 0, or a negative errno. */
static int get_interface_name(const struct function *f, const struct child_device *u,
                              char name[static INTERFACE_NAME_MAX + 1]) {
        unsigned owner;
        int r;

        r = child_device_get_interface_name(u, &f->path, name);
        if (r <= 0)
                return r;
        return rtnl_find_name(name, &owner) < 0 || owner == if_nametoindex(u->name);
}

/* A port can have a name of other characters than the interface allows. */
static bool is_device_name(const char *name) {
        size_t n = strlen(name);

        for (const char *c = name; *c != '\0'; c++)
                if (!ascii_isalnum(*c) && !strchr("_-.:", *c))
                        return false;
        return n > 0 && ascii_isalnum(name[0]) && ascii_isalnum(name[n - 1]);
}

static int add_interfaces_of(struct cdi *cdi, const struct function *f) {
        char name[INTERFACE_NAME_MAX + 1];

        for (size_t i = 0; i < f->children.n; i++) {
                int r = get_interface_name(f, &f->children.items[i], name);

                if (r < 0)
                        return r;
                if (r == 0 || !is_device_name(name + strlen(INTERFACE_PREFIX)))
                        continue;
                cdi_begin_device(cdi, name + strlen(INTERFACE_PREFIX), &f->path);
                cdi_add_interface(cdi, f->children.items[i].name);
                cdi_end_device(cdi);
        }

        return 0;
}

static int add_interfaces(struct cdi *cdi, const struct enumeration *enumeration) {
        return for_each_function(cdi, enumeration, add_interfaces_of);
}

/* -- Aliases: a disk, or all that the alias's function or sub-function has for containers -- */

static int add_disk_by_alias(struct cdi *cdi, const struct function *f, const struct child_device *u,
                             const char *link) {
        struct string_list links = {}, found = {};
        int r;

        r = string_list_join(&links, DISK_DIRECTORY, link);
        if (r >= 0)
                r = alias_list_get_links(cdi->aliases, &links, &found);
        for (size_t i = 0; i < found.n && r >= 0; i++) {
                _cleanup_free_ char *path = NULL;

                r = format_text(&path, "/dev/%s", found.items[i]);
                if (r >= 0)
                        add_disk(cdi, f, u, path);
        }
        string_list_clear(&links);
        string_list_clear(&found);
        return r;
}

static int add_interface_by_alias(struct cdi *cdi, const struct function *f, const struct alias *alias) {
        char name[INTERFACE_NAME_MAX + 1], bare[INTERFACE_NAME_MAX + 1], flat[PCI_PATH_STRING_MAX];

        pci_path_print(&f->path, PCI_PATH_FLAT, flat);
        for (size_t i = 0; i < f->children.n && alias->interface; i++) {
                const struct child_device *u = &f->children.items[i];
                int r = get_interface_name(f, u, name);

                if (r < 0)
                        return r;
                if (r > 0 && (streq(name, alias->interface) || (interface_get_bare_name(u->syspath, flat, bare) > 0 &&
                                                                streq(bare, alias->interface))))
                        cdi_add_interface(cdi, u->name);
        }

        return 0;
}

/* An alias of one interface is nothing else. */
static int add_only_interface(struct cdi *cdi, const struct function *f, const struct alias *alias) {
        int r;

        cdi_begin_device(cdi, alias->name, &f->path);
        r = add_interface_by_alias(cdi, f, alias);
        cdi_end_device(cdi);
        return r;
}

/* @sub_function: of the alias's target, or empty for the function itself */
static int add_function_by_alias(struct cdi *cdi, const struct function *f, const struct alias *alias,
                                 const char *sub_function) {
        size_t n;
        int r;

        cdi_begin_device(cdi, alias->name, &f->path);
        if (*sub_function == '\0')
                add_vfio_nodes(cdi, f);
        if (cdi->n_nodes > 0)
                cdi_add_existing_nodes(cdi, vfio_nodes);
        n = cdi->n_nodes;
        add_rdma_nodes(cdi, f, sub_function);
        if (cdi->n_nodes > n)
                cdi_add_existing_nodes(cdi, rdma_nodes);
        r = add_interface_by_alias(cdi, f, alias);
        cdi_end_device(cdi);
        return r;
}

/* Return: the sub-function, empty for the function itself, or NULL if the target is not one of these. */
static const char *match_function(const struct alias *alias, const char *flat) {
        static const char sub_function[] = "-" SUFFIX_SUB_FUNCTION;
        size_t n = strlen(flat);
        const char *rest;

        if (alias->is_refused || strncmp(alias->link, flat, n) != 0)
                return NULL;
        rest = alias->link + n;
        if (strncmp(rest, sub_function, strlen(sub_function)) == 0)
                rest += strlen(sub_function);
        else if (*rest != '\0')
                return NULL;
        return rest[strspn(rest, "0123456789")] == '\0' ? rest : NULL;
}

static int add_aliases_of(struct cdi *cdi, const struct function *f) {
        char flat[PCI_PATH_STRING_MAX];
        int r;

        r = for_each_link(cdi, f, add_disk_by_alias);
        pci_path_print(&f->path, PCI_PATH_FLAT, flat);
        for (size_t i = 0; i < cdi->aliases->n && r >= 0; i++) {
                const struct alias *alias = &cdi->aliases->items[i];
                const char *sub_function = alias->link ? match_function(alias, flat) : NULL;

                if (!alias->link && !alias->is_refused)
                        r = add_only_interface(cdi, f, alias);
                else if (sub_function)
                        r = add_function_by_alias(cdi, f, alias, sub_function);
        }
        return r;
}

/* 'pcipath alias' reports wrong lines. */
static int add_aliases(struct cdi *cdi, const struct enumeration *enumeration) {
        _cleanup_alias_list_ struct alias_list aliases = {};
        int r;

        r = alias_list_read(&aliases);
        cdi->aliases = &aliases;
        if (r >= 0 && aliases.n > 0)
                r = for_each_function(cdi, enumeration, add_aliases_of);
        cdi->aliases = NULL;
        return r;
}

const struct cdi_kind cdi_kinds[CDI_KINDS] = {
        { "disk",  add_disks,      no_nodes   },
        { "vfio",  add_vfio,       vfio_nodes },
        { "rdma",  add_rdma,       rdma_nodes },
        { "net",   add_interfaces, no_nodes   },
        { "alias", add_aliases,    no_nodes   },
};

const struct cdi_kind *cdi_kind_find(const char *name) {
        for (size_t i = 0; i < CDI_KINDS; i++)
                if (streq(cdi_kinds[i].name, name))
                        return &cdi_kinds[i];

        return NULL;
}
