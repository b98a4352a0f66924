/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any device tree. sd-device wants real files: the fuzzer moves into a mount namespace once, where /sys is a tmpfs, and
 * makes of each input a small tree in it. The input is a program: each byte says what to add below or to the current
 * device, the bytes after it name it. Every device made is then named, as pcipath_id does: with an error nothing may be
 * touched, and a path must read as printed.
 */

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci-function.h"
#include "fuzz.h"
#include "interface-name.h"
#include "device-names.h"
#include "node-link.h"
#include "util.h"

#define DEVICES_MAX 64
#define SYSPATH_MAX 3600 /* leaves room for a name */
#define EXIT_SKIPPED 77 /* to meson */

struct builder {
        const uint8_t *data;
        size_t size;
        char current[SYSPATH_MAX];
        char *devices[DEVICES_MAX];
        size_t n_devices;
};

/* What a device on the way to a disk can be; a number in its name is the next byte of the input. */
static const struct kind {
        const char *name;
        const char *subsystem;
        const char *devtype;
        bool has_node;
} kinds[] = {
        { "pci0000:00",                           NULL,        NULL          },
        { "pci0000:%02x",                         NULL,        NULL          },
        { "pci1%04x:e0",                          NULL,        NULL          },
        { "0000:00:%02x.0",                       "pci",       NULL          },
        { "0000:01:00.%x",                        "pci",       NULL          },
        { "1000%u:e1:00.0",                       "pci",       NULL          },
        { "fd1d2cbd-ce7c-535c-966b-eb5f811c95f0", "vmbus",     NULL          },
        { "4010000000.pcie",                      "platform",  NULL          },
        { "virtio%u",                             "virtio",    NULL          },
        { "nvme%u",                               "nvme",      NULL          },
        { "nvme0n%u",                             "block",     "disk", true },
        { "ata%u",                                NULL,        NULL          },
        { "host%u",                               "scsi",      "scsi_host"   },
        { "target0:0:%u",                         "scsi",      "scsi_target" },
        { "0:0:0:%u",                             "scsi",      "scsi_device" },
        { "%u:2:1:16640",                         "scsi",      "scsi_device" },
        { "sda",                                  "block",     "disk", true },
        { "sda%u",                                "block",     "partition", true },
        { "usb%u",                                "usb",       "usb_device"  },
        { "end_device-0:%u",                      NULL,        NULL          },
        { "rport-0:0-%u",                         NULL,        NULL          },
        { "port-0:%u",                            NULL,        NULL          },
        { "1-%u",                                 "usb",       "usb_device"  },
        { "1-1.%u:1.0",                           "usb",       "usb_interface" },
        { "nvme-subsys0",                         "nvme-subsystem", NULL     },
        { "nvme0c%un1",                           "block",     "disk"        }, /* hidden */
        { "eth%u",                                "net",       NULL          },
        { "vport0p%u",                            "virtio-ports", NULL, true },
        { "input%u",                              "input",     NULL          },
        { "event%u",                              "input",     NULL, true    },
        { "card%u",                               "drm",       NULL, true    },
        { "controlC%u",                           "sound",     NULL, true    },
        { "ttyS%u",                               "tty",       NULL, true    },
        { "ttyUSB%u",                             "tty",       NULL, true    },
        { "ttyUSB%u",                             "usb-serial", NULL         },
        { "nst%u",                                "scsi_tape", NULL, true    },
        { "video%u",                              "video4linux", NULL, true  },
        { "vfio%u",                               "vfio-dev",  NULL, true    },
        { "ndbus%u",                              "nd",        NULL          },
        { "region%u",                             "nd",        NULL          },
        { "namespace%u.0",                        "nd",        NULL          },
        { "pmem%u",                               "block",     "disk", true  },
        { "mlx5_core.sf.%u",                      "auxiliary", NULL          },
};

static const char *const attributes[] = { "nsid", "port_no", "device_id", "uevent", "partition", "dev",
                                          "state", "ana_state", "name", "index", "port_number", "phys_port_name",
                                          "dev_port", "sfnum" };
static const char *const links[] = { "physfn", "virtfn0", "virtfn1", "virtfn17", "subsystem", "virtfn",
                                     "nvme0", "nvme1", "device" };

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        (void) argc;
        (void) argv;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("tmpfs", "/sys", "tmpfs", 0, NULL) < 0) {
                perror("a /sys of its own");
                exit(EXIT_SKIPPED);
        }

        return setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1);
}

static uint8_t take_byte(struct builder *b) {
        if (b->size == 0)
                return 0;

        b->size--;
        return *b->data++;
}

/* The next bytes, as many as the byte before them says. */
static size_t copy_text(struct builder *b, char *buf, size_t size) {
        size_t n = take_byte(b);

        if (n > b->size)
                n = b->size;
        if (n >= size)
                n = size - 1;
        memcpy(buf, b->data, n);
        buf[n] = '\0';
        b->data += n;
        b->size -= n;
        return n;
}

static void write_file(const char *path, const char *text, size_t n) {
        int fd;

        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0)
                return;
        if (write(fd, text, n) < 0)
                perror(path);
        close(fd);
}

static void write_attribute(struct builder *b, const char *name, const char *text, size_t n) {
        char path[SYSPATH_MAX + NAME_MAX + 2];

        snprintf(path, sizeof(path), "%s/%s", b->current, name);
        unlink(path);
        write_file(path, text, n);
}

/* libata's class device: /sys/class/ata_port/ataN with the attribute port_no. */
static void add_ata_port(const char *name) {
        char path[NAME_MAX + 64];

        mkdir("/sys/class/ata_port", 0755);
        snprintf(path, sizeof(path), "/sys/class/ata_port/%s", name);
        mkdir(path, 0755);
        snprintf(path, sizeof(path), "/sys/class/ata_port/%s/uevent", name);
        write_file(path, "", 0);
        snprintf(path, sizeof(path), "/sys/class/ata_port/%s/port_no", name);
        write_file(path, "2\n", 2);
}

static void add_device(struct builder *b, const char *name, const struct kind *kind) {
        char path[SYSPATH_MAX + NAME_MAX + 2], text[64];
        int n;

        if (b->n_devices == DEVICES_MAX ||
            *name == '\0' || strchr(name, '/') || streq(name, ".") || streq(name, "..") ||
            strlen(b->current) + 1 + strlen(name) >= sizeof(b->current))
                return;

        strcpy(stpcpy(stpcpy(path, b->current), "/"), name);
        if (mkdir(path, 0755) < 0)
                return;
        strcpy(b->current, path);
        b->devices[b->n_devices++] = strdup(path);

        n = kind->devtype ? snprintf(text, sizeof(text), "DEVTYPE=%s\n", kind->devtype) : 0;
        if (kind->has_node)
                n += snprintf(text + n, sizeof(text) - (size_t) n, "MAJOR=240\nMINOR=%zu\nDEVNAME=node%zu\n",
                              b->n_devices, b->n_devices);
        write_attribute(b, "uevent", text, (size_t) n);
        if (kind->subsystem) {
                snprintf(path, sizeof(path), "%s/subsystem", b->current);
                snprintf(text, sizeof(text), "/sys/bus/%s", kind->subsystem);
                if (symlink(text, path) < 0)
                        perror(path);
        }
        if (strncmp(name, "ata", 3) == 0)
                add_ata_port(name);
}

static void add_link(struct builder *b, const char *name, const char *spec) {
        char path[SYSPATH_MAX + NAME_MAX + 2];

        snprintf(path, sizeof(path), "%s/%s", b->current, name);
        unlink(path);
        if (*spec != '\0' && symlink(spec, path) < 0 && errno != ENAMETOOLONG && errno != EEXIST)
                perror(path);
}

static void run_step(struct builder *b) {
        uint8_t what = take_byte(b);
        const struct kind *kind;
        char text[512];
        size_t n;

        switch (what % 8) {
        case 0:
        case 1:
        case 2:
                kind = &kinds[take_byte(b) % ELEMENTSOF(kinds)];
                snprintf(text, sizeof(text), kind->name, strchr(kind->name, '%') ? take_byte(b) : 0u);
                add_device(b, text, kind);
                break;
        case 3:
                kind = &kinds[take_byte(b) % ELEMENTSOF(kinds)];
                copy_text(b, text, NAME_MAX + 1);
                add_device(b, text, kind);
                break;
        case 4:
                n = copy_text(b, text, sizeof(text));
                write_attribute(b, attributes[what / 8 % ELEMENTSOF(attributes)], text, n);
                break;
        case 5:
                if (b->n_devices > 0)
                        add_link(b, links[what / 8 % ELEMENTSOF(links)], b->devices[take_byte(b) % b->n_devices]);
                break;
        case 6:
                copy_text(b, text, sizeof(text));
                add_link(b, links[what / 8 % ELEMENTSOF(links)], text);
                break;
        case 7:
                /* Up, but not out. */
                if (strlen(b->current) > strlen("/sys/devices"))
                        *strrchr(b->current, '/') = '\0';
                break;
        }
}

static void check_name(const char *name, size_t max, const char *flat) {
        CHECK(strlen(name) <= max);
        CHECK(strncmp(name, flat, strlen(flat)) == 0);
        CHECK(!strchr(name, '/'));
        for (const char *p = name; *p != '\0'; p++)
                CHECK(*p > ' ' && *p <= '~');
}

static void check_link(const char *link, const struct pci_path *path) {
        char flat[PCI_PATH_STRING_MAX];

        pci_path_print(path, PCI_PATH_FLAT, flat);
        check_name(link, LINK_NAME_MAX, flat);
}

static void check_node_link(sd_device *device, const struct ancestor *function, const struct pci_path *path) {
        char link[NODE_LINK_MAX + 1], untouched[NODE_LINK_MAX + 1];

        memset(link, 0xa5, sizeof(link));
        memset(untouched, 0xa5, sizeof(untouched));
        if (device_get_node_link(device, function, path, "kbd", link) == 1) {
                const char *name = strstr(link, "/by-pci-path/");

                CHECK(name);
                check_link(name + strlen("/by-pci-path/"), path);
        } else
                CHECK(memcmp(link, untouched, sizeof(link)) == 0);
}

static void check_interface_name(const char *syspath, const struct pci_path *path) {
        char flat[PCI_PATH_STRING_MAX], name[INTERFACE_NAME_MAX + 1];

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (interface_get_name(syspath, flat, name) < 0)
                return;
        CHECK(strncmp(name, INTERFACE_PREFIX, strlen(INTERFACE_PREFIX)) == 0);
        check_name(name + strlen(INTERFACE_PREFIX), INTERFACE_NAME_MAX - strlen(INTERFACE_PREFIX), flat);
        CHECK(!strpbrk(name, ":%"));
}

static void check_names(sd_device *device) {
        struct names names, untouched;

        memset(&names, 0xa5, sizeof(names));
        memset(&untouched, 0xa5, sizeof(untouched));
        if (device_get_names(device, &names) < 0) {
                CHECK(memcmp(&names, &untouched, sizeof(names)) == 0);
                return;
        }

        for (size_t i = 0; i < names.n; i++)
                if (names.items[i].link[0] != '\0')
                        check_link(names.items[i].link, &names.items[i].path);
        names_clear(&names);
}

static void check_device(const char *syspath) {
        _cleanup_device_ sd_device *device = NULL;
        char canonical[PCI_PATH_STRING_MAX], link[LINK_NAME_MAX + 1], untouched_link[LINK_NAME_MAX + 1];
        struct pci_path path, untouched, again;
        struct ancestor function;

        if (sd_device_new_from_syspath(&device, syspath) < 0)
                return;
        check_names(device);
        if (device_get_pci_function(device, &function) <= 0)
                return;

        memset(&path, 0xa5, sizeof(path));
        memset(&untouched, 0xa5, sizeof(untouched));
        if (pci_function_get_path(function.syspath, &path) < 0) {
                CHECK(memcmp(&path, &untouched, sizeof(path)) == 0);
                return;
        }

        pci_path_print(&path, PCI_PATH_CANONICAL, canonical);
        CHECK(pci_path_parse(canonical, &again, NULL) == 0);
        CHECK(pci_path_compare(&path, &again) == 0);

        memset(link, 0xa5, sizeof(link));
        memset(untouched_link, 0xa5, sizeof(untouched_link));
        if (device_get_link_name(device, device, &function, &path, link) == 1)
                check_link(link, &path);
        else
                CHECK(memcmp(link, untouched_link, sizeof(link)) == 0);
        check_node_link(device, &function, &path);
        check_interface_name(syspath, &path);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        return ftw->level > 0 ? remove(path) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct builder *b;

        b = calloc(1, sizeof(*b));
        if (!b)
                return 0;
        b->data = data;
        b->size = size;
        strcpy(b->current, "/sys/devices");
        mkdir("/sys/devices", 0755);
        mkdir("/sys/class", 0755);

        while (b->size > 0)
                run_step(b);
        for (size_t i = 0; i < b->n_devices; i++)
                check_device(b->devices[i]);

        nftw("/sys", remove_entry, 32, FTW_PHYS | FTW_DEPTH);
        for (size_t i = 0; i < b->n_devices; i++)
                free(b->devices[i]);
        free(b);
        return 0;
}
