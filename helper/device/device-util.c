/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What kind of device is it, and where? Each question has three answers: 1 for yes, 0 for no, and a negative errno when it
 * cannot be known. A failure that is taken for a no would cost a disk its link.
 */

#include "device-util.h"
#include "util.h"

int device_in_subsystem(sd_device *device, const char *subsystem) {
        const char *s;
        int r;

        r = sd_device_get_subsystem(device, &s);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        return streq(s, subsystem);
}

/**
 * device_has_devtype() - is it of this type?
 * @device: of a subsystem where all have one; if it says none, its uevent cannot be read, and -ENOENT is returned
 */
int device_has_devtype(sd_device *device, const char *devtype) {
        const char *s;
        int r;

        r = sd_device_get_devtype(device, &s);
        return r < 0 ? r : streq(s, devtype);
}

/**
 * device_get_parent_directly() - as sd_device_get_parent(), for a parent in whose directory @device is
 *
 * That passes over one that has gone, and to be below the next would mean another kind of place.
 *
 * Return: 0, or a negative errno; -ENODEV when it has gone.
 */
int device_get_parent_directly(sd_device *device, sd_device **ret) {
        const char *syspath, *above;
        sd_device *parent;
        int r;

        r = sd_device_get_parent(device, &parent);
        if (r < 0)
                return r;
        r = sd_device_get_syspath(device, &syspath);
        if (r < 0)
                return r;
        r = sd_device_get_syspath(parent, &above);
        if (r < 0)
                return r;
        if (strchr(syspath + strlen(above) + 1, '/'))
                return -ENODEV;

        *ret = parent;
        return 0;
}
