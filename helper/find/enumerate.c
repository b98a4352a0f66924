/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * sysfs has a directory of links for each class, so a scan is a few readdir() calls and one readlink() for each device.
 * The target of a link shows which functions are above the device. A function behind a bridge has the bridge's path and
 * one more hop. A function on a root bus has its neighbour's path with another last hop. Only for other functions and
 * for virtual functions does this call pci-function.c, which handles all cases.
 *
 * This is a second way to a path beside pci-function.c. It stays because list would take 1.8 times its CPU time without
 * it (1,024 functions behind root ports, as in tests/bench/list.py). tests/command/test_synthetic.py checks that both
 * find the same paths.
 */

#include <stdio.h>

#include "array.h"
#include "pci-function.h"
#include "enumerate.h"
#include "format-text.h"
#include "search.h"
#include "sysfs.h"
#include "syspath.h"
#include "util.h"
#include "vfio.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

static void function_free(struct function *f) {
        if (!f)
                return;
        child_devices_clear(&f->children);
        free(f->syspath);
        free(f);
}

void enumeration_clear(struct enumeration *enumeration) {
        for (size_t i = 0; i < enumeration->n; i++)
                function_free(enumeration->functions[i]);
        free(enumeration->functions);
        free(enumeration->by_address);
        string_list_clear(&enumeration->unreadable);
        *enumeration = (struct enumeration){};
}

/* Record a path that cannot be read. Return: 0 to continue without it, -ENOMEM, or @r when nothing may be missing. */
static int note_unreadable(struct enumeration *enumeration, const char *syspath, int r) {
        _cleanup_free_ char *text = NULL;

        if (r == -ENOMEM || enumeration->is_strict)
                return r;
        if (format_text(&text, "%s: %s", syspath, strerror(-r)) < 0)
                return -ENOMEM;
        return string_list_add(&enumeration->unreadable, text);
}

/*
 * The link of a device points to ../…/devices/…; the part from "/devices/" on is the path of the device below /sys.
 */
static int read_syspath(int dir_fd, const char *name, char ret[static PATH_MAX]) {
        char spec[PATH_MAX];
        const char *devpath;
        ssize_t n;

        n = readlinkat(dir_fd, name, spec, sizeof(spec) - 1);
        if (n < 0)
                return negative_errno();
        spec[n] = '\0';

        devpath = strstr(spec, "/devices/");
        if (!devpath)
                return -EBADMSG;
        return snprintf(ret, PATH_MAX, "/sys%s", devpath) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

typedef int (*link_fn)(struct enumeration *enumeration, const char *syspath, const char *subsystem);

/* Call @fn for each link to a device of @subsystem in a directory of sysfs. A missing directory has no links. */
static int for_each_link(struct enumeration *enumeration, const char *path, const char *subsystem, link_fn fn) {
        _cleanup_closedir_ DIR *dir = NULL;
        char syspath[PATH_MAX];
        struct dirent *entry;
        int r;

        dir = opendir(path);
        if (!dir)
                return errno == ENOENT ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                r = entry_has_type(dir, entry, DT_LNK);
                if (r == 0)
                        continue;
                if (r > 0)
                        r = read_syspath(dirfd(dir), entry->d_name, syspath);
                if (errno_is_absent(r) || r == -EBADMSG)
                        continue;
                if (r >= 0)
                        r = fn(enumeration, syspath, subsystem);
                if (r < 0)
                        return r;
        }

        return errno_is_absent(r) ? 0 : r;
}

static int add_function(struct enumeration *enumeration, const char *syspath, const char *subsystem) {
        struct function *f;

        (void) subsystem;

        if (!sysfs_is_printable(syspath))
                return 0;

        if (array_grow(enumeration->functions, enumeration->n, 1) < 0)
                return -ENOMEM;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        f->syspath = strdup(syspath);
        if (!f->syspath) {
                free(f);
                return -ENOMEM;
        }
        f->address = strrchr(f->syspath, '/') + 1;

        enumeration->functions[enumeration->n++] = f;
        return 0;
}

static int compare_addresses(const void *a, const void *b) {
        return strcmp((*(struct function *const *) a)->address, (*(struct function *const *) b)->address);
}

/* The first @n bytes of @text. */
struct address {
        const struct enumeration *enumeration;
        const char *text;
        size_t n;
};

static int compare_address(size_t i, const void *wanted) {
        const struct address *address = wanted;
        const char *found = address->enumeration->by_address[i]->address;

        return strncmp(address->text, found, address->n) ?: -(found[address->n] != '\0');
}

static struct function *find_function(const struct enumeration *enumeration, const char *text, size_t n) {
        const struct address wanted = { enumeration, text, n };
        size_t i = search_first(enumeration->n, compare_address, &wanted);

        return i < enumeration->n && compare_address(i, &wanted) == 0 ? enumeration->by_address[i] : NULL;
}

/*
 * Find the nearest function at or above the first @end bytes of a syspath. If that function appeared after the scan and
 * is not in the enumeration, the device belongs to none: it is not a child of the bridge above.
 */
static struct function *find_owner(const struct enumeration *enumeration, const char *syspath, size_t end) {
        size_t start;

        end = syspath_find_function(syspath, end);
        for (start = end; start > 0 && syspath[start - 1] != '/'; start--)
                ;
        return end > 0 ? find_function(enumeration, syspath + start, end - start) : NULL;
}

static size_t directory_length(const struct function *f) {
        return (size_t) (f->address - f->syspath);
}

static bool have_same_directory(const struct function *a, const struct function *b) {
        return directory_length(a) == directory_length(b) && memcmp(a->syspath, b->syspath, directory_length(a)) == 0;
}

static void copy_path(struct pci_path *to, const struct pci_path *from) {
        to->root = from->root;
        to->n_hops = from->n_hops;
        memcpy(to->hops, from->hops, from->n_hops * sizeof(from->hops[0]));
}

/* A function without a name or one that has disappeared gets no path. */
static int find_path(struct function *f) {
        struct pci_path path;
        int r;

        r = pci_function_get_path(f->syspath, &path);
        if (r < 0)
                return r == -EBADMSG || r == -E2BIG || errno_is_absent(r) ? 0 : r;

        copy_path(&f->path, &path);
        return 0;
}

/* The bridge directly above is the directory that the function is in. */
static struct function *find_bridge(const struct enumeration *enumeration, const struct function *f) {
        size_t end = directory_length(f) - 1, start = end;

        while (start > 0 && f->syspath[start - 1] != '/')
                start--;
        return find_function(enumeration, f->syspath + start, end - start);
}

/* @neighbour: the previous function in the order of addresses, which already has its path; or NULL. */
static int name_function(struct enumeration *enumeration, struct function *f, const struct function *neighbour) {
        struct pci_hop hop;
        int r;

        f->bridge = find_owner(enumeration, f->syspath, directory_length(f) - 1);

        if (pci_function_is_virtual(f->syspath) != 0 || pci_hop_parse_sysname(f->address, &hop) < 0)
                return find_path(f);

        if (neighbour && neighbour->path.n_hops > 0 && have_same_directory(neighbour, f)) {
                copy_path(&f->path, &neighbour->path);
                hop.bus = f->path.hops[f->path.n_hops - 1].bus;
                f->path.hops[f->path.n_hops - 1] = hop;
                return 0;
        }

        if (f->bridge && f->bridge == find_bridge(enumeration, f)) {
                /*
                 * A bus has a greater number than the bus that its bridge is on, unless the bridge was plugged in
                 * later.
                 */
                if (f->bridge->path.n_hops == 0) {
                        r = name_function(enumeration, f->bridge, NULL);
                        if (r < 0)
                                return r;
                }
                if (f->bridge->path.n_hops > 0 && f->bridge->path.n_hops < PCI_PATH_HOPS_MAX) {
                        copy_path(&f->path, &f->bridge->path);
                        f->path.hops[f->path.n_hops++] = hop;
                        return 0;
                }
        }

        return find_path(f);
}

static int name_functions(struct enumeration *enumeration) {
        int r;

        for (size_t i = 0; i < enumeration->n; i++) {
                struct function *f = enumeration->by_address[i];

                r = name_function(enumeration, f, i > 0 ? enumeration->by_address[i - 1] : NULL);
                if (r >= 0)
                        continue;
                f->is_unreadable = true;
                if (f->bridge && f->bridge->is_unreadable && !enumeration->is_strict)
                        continue; /* already recorded for the bridge */
                r = note_unreadable(enumeration, f->syspath, r);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int compare_paths(const void *a, const void *b) {
        const struct function *x = *(struct function *const *) a, *y = *(struct function *const *) b;

        if (x->path.n_hops == 0 || y->path.n_hops == 0)
                return (x->path.n_hops == 0) - (y->path.n_hops == 0) ?: strcmp(x->address, y->address);
        return pci_path_compare(&x->path, &y->path);
}

/* @subsystem: NULL for a directory with links to devices of several subsystems. */
static int add_child(struct enumeration *enumeration, const char *syspath, const char *subsystem) {
        char name[NAME_MAX + 1];
        struct function *f;
        int r = 0;

        if (!strstr(syspath, "/pci"))
                return 0;
        f = find_owner(enumeration, syspath, strlen(syspath));
        if (!f)
                return 0;

        if (!subsystem) {
                r = sysfs_read_link_name(syspath, "subsystem", name);
                subsystem = name;
        }
        if (r >= 0)
                r = child_devices_add(&f->children, syspath, subsystem);
        if (r >= 0 || errno_is_absent(r))
                return 0;
        return f->is_unreadable ? 0 : note_unreadable(enumeration, syspath, r);
}

static int add_vfio_child(const char *syspath, void *userdata) {
        struct enumeration *enumeration = userdata;
        struct function *f = find_owner(enumeration, syspath, strlen(syspath));

        return f ? child_devices_add_vfio(&f->children, syspath) : 0;
}

/* Few functions have a vfio driver. Their IOMMU groups lead to them without a look at the driver of each function. */
static int add_vfio_children(struct enumeration *enumeration) {
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *entry;
        int r;

        dir = opendir(VFIO_CLASS);
        if (!dir)
                return errno_is_absent(-errno) ? 0 : negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                if (entry->d_name[0] == '.')
                        continue;
                r = vfio_for_each_function(entry->d_name, add_vfio_child, enumeration);
                if (r < 0)
                        return r;
        }

        return errno_is_absent(r) ? 0 : r;
}

static int add_children(struct enumeration *enumeration) {
        static const struct {
                const char *path, *subsystem;
        } directories[] = {
                { "/sys/class/block", "block" },
                { "/sys/class/net",   "net"   },
                { "/sys/dev/char",    NULL    },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                r = for_each_link(enumeration, directories[i].path, directories[i].subsystem, add_child);
                if (r < 0)
                        return r;
        }

        r = add_vfio_children(enumeration);
        if (r < 0)
                return r;

        for (size_t i = 0; i < enumeration->n; i++)
                child_devices_sort(&enumeration->functions[i]->children);
        return 0;
}

static int enumerate_all(struct enumeration *enumeration) {
        int r;

        r = for_each_link(enumeration, PCI_DEVICES, "pci", add_function);
        if (r < 0 || enumeration->n == 0)
                return r;

        enumeration->by_address = calloc(enumeration->n, sizeof(enumeration->by_address[0]));
        if (!enumeration->by_address)
                return -ENOMEM;
        memcpy(enumeration->by_address, enumeration->functions, enumeration->n * sizeof(enumeration->functions[0]));
        qsort(enumeration->by_address, enumeration->n, sizeof(enumeration->by_address[0]), compare_addresses);

        r = name_functions(enumeration);
        if (r < 0)
                return r;
        qsort(enumeration->functions, enumeration->n, sizeof(enumeration->functions[0]), compare_paths);

        return add_children(enumeration);
}

static int enumerate_new(struct enumeration *ret, bool is_strict) {
        struct enumeration enumeration = { .is_strict = is_strict };
        int r;

        r = enumerate_all(&enumeration);
        if (r < 0) {
                enumeration_clear(&enumeration);
                return r;
        }

        *ret = enumeration;
        return 0;
}

/**
 * enumerate_functions() - enumerate the PCI functions of the machine and their child devices
 * @ret: to be cleared with enumeration_clear(); untouched on failure
 *
 * Return: 0, also when there is no PCI, or a negative errno, also when a single device cannot be read.
 */
int enumerate_functions(struct enumeration *ret) {
        return enumerate_new(ret, true);
}

/**
 * enumerate_readable_functions() - like enumerate_functions(), but without the devices that cannot be read
 *
 * For callers that show the enumeration to users together with the list of unreadable devices.
 */
int enumerate_readable_functions(struct enumeration *ret) {
        return enumerate_new(ret, false);
}
