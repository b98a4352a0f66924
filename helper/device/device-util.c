/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tests on devices. Each returns 1 for yes, 0 for no, and a negative errno when the answer is unknown. A failure must
 * not be taken for a no: it would cost a disk its link.
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
 * device_has_devtype() - does the device have this DEVTYPE?
 * @device: of a subsystem in which all devices have a DEVTYPE; -ENOENT means that its uevent file cannot be read
 */
int device_has_devtype(sd_device *device, const char *devtype) {
        const char *s;
        int r;

        r = sd_device_get_devtype(device, &s);
        return r < 0 ? r : streq(s, devtype);
}
