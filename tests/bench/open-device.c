/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What any program costs that opens a device with sd-device: open-device SYSPATH|NODE */
#include <systemd/sd-device.h>

int main(int argc, char **argv) {
        sd_device *device;

        if (argc != 2 || sd_device_new_from_path(&device, argv[1]) < 0)
                return 1;

        sd_device_unref(device);
        return 0;
}
