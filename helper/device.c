/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What kind of device is it? Each question has three answers: 1 for yes, 0 for no, which a device that does not say is,
 * too, and a negative errno when it cannot be known. A failure that is taken for a no would cost a disk its link.
 */

#include "device.h"
#include "util.h"

/* What a getter of sd-device returned, and the word that is wanted. */
static int answer(int r, const char *word, const char *wanted) {
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return streq(word, wanted);
}

int device_in_subsystem(sd_device *device, const char *subsystem) {
        const char *s = NULL;
        int r;

        r = sd_device_get_subsystem(device, &s);
        return answer(r, s, subsystem);
}

int device_has_devtype(sd_device *device, const char *devtype) {
        const char *s = NULL;
        int r;

        r = sd_device_get_devtype(device, &s);
        return answer(r, s, devtype);
}
