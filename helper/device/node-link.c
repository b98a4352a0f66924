/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * For each kind of device node that systemd links in a directory by-path/, this makes links in by-pci-path/ beside it.
 * The suffixes of both are the same: those of systemd's rules for the kind (rules.d/60-*.rules, version 252 and later),
 * one row of the table each. disk-suffix.c finds the part between the PCI path and this suffix.
 */

#include <stdio.h>

#include "node-link.h"
#include "disk-suffix-internal.h"
#include "sysfs.h"
#include "util.h"

#define INPUT_CLASS "" /* marks an input class, instead of an attribute */

/* The suffixes and their order are those of 60-persistent-input.rules, where the last match wins. */
const struct input_class input_classes[] = {
        { "ID_INPUT_JOYSTICK", "joystick" },
        { "ID_INPUT_TABLET",   "mouse"    },
        { "ID_INPUT_TOUCHPAD", "mouse"    },
        { "ID_INPUT_MOUSE",    "mouse"    },
        { "ID_INPUT_KEYBOARD", "kbd"      },
        {},
};

/* @format: the last part of the suffix, with the value of @attribute if there is one; NULL for no suffix. */
static const struct node_row {
        const char *subsystem;
        const char *prefix; /* of the kernel's name; a digit follows */
        const char *directory; /* one of link_directories[] */
        const char *format;
        const char *attribute;
} node_table[] = {
        { "drm",              "card",     "dri",          "card"                         },
        { "drm",              "renderD",  "dri",          "render"                       },
        { "drm",              "controlD", "dri",          "control"                      },
        { "infiniband_verbs", "uverbs",   "infiniband"                                   },
        { "input",            "event",    "input",        "event-%s",       INPUT_CLASS  },
        { "input",            "js",       "input",        "%s",             INPUT_CLASS  },
        { "input",            "mouse",    "input",        "%s",             INPUT_CLASS  },
        { "scsi_tape",        "nst",      "tape",         "nst"                          },
        { "scsi_tape",        "st",       "tape"                                         },
        { "sound",            "controlC", "snd"                                          },
        { "tty",              "tty",      "serial"                                       },
        { "vfio-dev",         "vfio",     "vfio/devices"                                 },
        { "video4linux",      "vbi",      "v4l",          "video-index%s",  "index"      },
        { "video4linux",      "video",    "v4l",          "video-index%s",  "index"      },
        { "virtio-ports",     "vport",    "virtio-ports", "%s",             "name"       },
};

/* A tape also has nodes for its modes: st0a. The tty of a serial port has letters of its driver: ttyS0, ttyUSB0. */
static bool row_has_name(const struct node_row *row, const char *sysname) {
        size_t n = strlen(row->prefix);

        if (strncmp(sysname, row->prefix, n) != 0)
                return false;
        if (streq(row->subsystem, "tty"))
                n += strspn(sysname + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (sysname[n] < '0' || sysname[n] > '9')
                return false;
        return !streq(row->subsystem, "scsi_tape") || sysname[n + strspn(sysname + n, "0123456789")] == '\0';
}

static const struct node_row *find_row(const char *subsystem, const char *sysname) {
        for (size_t i = 0; i < ELEMENTSOF(node_table); i++)
                if (streq(node_table[i].subsystem, subsystem) && row_has_name(&node_table[i], sysname))
                        return &node_table[i];

        return NULL;
}

static bool row_reads_attribute(const struct node_row *row) {
        return row->attribute && *row->attribute != '\0';
}

/*
 * Read an attribute that the host or device chose and that can be a suffix unchanged. Return: 1, 0 when it is empty, or
 * a negative errno.
 */
static int read_suffix(const char *syspath, const char *attribute, char buf[static NAME_MAX + 1]) {
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#+-.:=@_";
        size_t n;
        int r;

        r = sysfs_read_lines(syspath, attribute, NAME_MAX + 1, buf);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        n = strlen(buf);
        if (n > 0 && buf[n - 1] == '\n')
                buf[--n] = '\0';
        if (buf[strspn(buf, allowed)] != '\0')
                return -EBADMSG;
        return n > 0;
}

struct twin {
        const struct node_row *row;
        const char *suffix;
};

static int is_twin(const char *syspath, const char *name, void *userdata) {
        const struct twin *twin = userdata;
        char suffix[NAME_MAX + 1];

        return row_has_name(twin->row, name) &&
               (!row_reads_attribute(twin->row) ||
                (read_suffix(syspath, twin->row->attribute, suffix) > 0 && streq(suffix, twin->suffix)));
}

/* Add the last part of the suffix. Return: 1, 0 when the node has none and so no link, or a negative errno. */
static int suffix_node(const struct node_row *row, const char *syspath, const char *input_class,
                       struct disk_suffix *p) {
        char suffix[NAME_MAX + 1] = "";
        int r;

        if (row_reads_attribute(row)) {
                r = read_suffix(syspath, row->attribute, suffix);
                if (r <= 0)
                        return r;
        } else if (row->attribute) {
                if (!input_class)
                        return 0;
                snprintf(suffix, sizeof(suffix), "%s", input_class);
        }

        r = sysfs_for_each_sibling(syspath, is_twin, &(struct twin){ row, suffix });
        if (r != 0)
                return r < 0 ? r : 0;
        return row->format ? suffix_prepend(p, row->format, suffix) : 1;
}

static int is_of_subsystem(const char *syspath, const char *name, void *userdata) {
        char subsystem[NAME_MAX + 1];

        (void) name;
        return sysfs_read_link_name(syspath, "subsystem", subsystem) >= 0 && streq(subsystem, userdata);
}

/* A device with a single child of the node's kind adds nothing to the suffix. */
int suffix_alone(struct ancestor *a, struct disk_suffix *p) {
        int r;

        (void) p;

        r = sysfs_for_each_sibling(a->syspath, is_of_subsystem, a->subsystem);
        return r < 0 ? r : r == 0;
}

/* A port of a USB device with several ports, which usb-serial numbers. */
int suffix_usb_serial(struct ancestor *a, struct disk_suffix *p) {
        char port[NAME_MAX + 1];
        int r;

        r = read_suffix(a->syspath, "port_number", port);
        return r <= 0 ? r : suffix_prepend(p, "port%s", port);
}

/**
 * device_get_node_link() - make the link of a device node that is not a disk
 * @device: any device
 * @function: the PCI function above it
 * @path: the path of @function
 * @input_class: udev's class of an input device, "kbd", "mouse" or "joystick"; NULL for none
 * @buf: relative to /dev, "dri/by-pci-path/02.0-card"; untouched unless 1 is returned
 *
 * Return: as device_get_link_name().
 */
int device_get_node_link(sd_device *device, const struct ancestor *function, const struct pci_path *path,
                         const char *input_class, char buf[static NODE_LINK_MAX + 1]) {
        const char *subsystem, *sysname, *syspath, *node;
        struct disk_suffix p = { .start = sizeof(p.text) - 1 };
        char flat[PCI_PATH_STRING_MAX];
        const struct node_row *row;
        int r;

        r = sd_device_get_subsystem(device, &subsystem);
        if (r >= 0)
                r = sd_device_get_sysname(device, &sysname);
        if (r >= 0)
                r = sd_device_get_devname(device, &node);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        row = find_row(subsystem, sysname);
        if (!row)
                return 0;
        r = sd_device_get_syspath(device, &syspath);
        if (r < 0)
                return r;

        r = ancestor_begin(syspath, &p.disk);
        if (r >= 0)
                r = suffix_node(row, syspath, input_class, &p);
        if (r > 0)
                r = suffix_collect(&p, function);
        if (r <= 0)
                return r;

        pci_path_print(path, PCI_PATH_FLAT, flat);
        if (strlen(flat) + strlen(p.text + p.start) > LINK_NAME_MAX)
                return -ENAMETOOLONG;

        strcpy(stpcpy(stpcpy(stpcpy(buf, row->directory), LINK_DIRECTORY("") "/"), flat), p.text + p.start);
        return 1;
}
