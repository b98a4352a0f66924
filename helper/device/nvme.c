/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An NVMe subsystem's directory has a link to each of its controllers (nvme_init_subsystem()). The name of a path below
 * its controller follows from the name of the head. Both have been so since Linux 4.15, which introduced heads. A
 * head's "multipath" directory is newer (6.15).
 */

#include <endian.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "array.h"
#include "deadline.h"
#include "device-util.h"
#include "nvme.h"
#include "sysfs.h"
#include "util.h"

#define CLASS_BLOCK "/sys/class/block/"

/* NVMe base specification 2.0, 5.17: the command, and the list of active namespaces after a given one. */
#define ADMIN_IDENTIFY 0x06
#define IDENTIFY_ACTIVE_NAMESPACES 0x02
#define IDENTIFY_SIZE 4096

#define INTERVAL_NSEC (10 * NSEC_PER_MSEC)
#define TIMEOUT_NSEC (5 * NSEC_PER_SEC)

/*
 * Would the kernel still send requests by this path? nvme_available_path() accepts these states: a controller that is
 * being reset is still plugged in. An inaccessible namespace can become accessible again, a lost one cannot.
 * Return: 1, 0 when it would not or has gone, or a negative errno.
 */
static int is_live(const char *controller, const char *path) {
        static const char *const states[] = { "live", "resetting", "connecting" };
        char state[32];
        int r;

        r = sysfs_read_attribute(path, "ana_state", sizeof(state), state);
        if (r >= 0 && streq(state, "persistent-loss"))
                return 0;
        if (r >= 0 || errno_is_absent(r))
                r = sysfs_read_attribute(controller, "state", sizeof(state), state);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(state, states[i]))
                        return 1;

        return 0;
}

/**
 * nvme_path_get_head() - find the head of a hidden path below a controller
 * @ret: empty when there is no head yet, or the path is not live
 *
 * Return: 1, 0 when the device is not a path, or a negative errno.
 */
int nvme_path_get_head(const char *syspath, char ret[static PATH_MAX]) {
        unsigned subsystem, controller, namespace;
        char link[sizeof(CLASS_BLOCK) + 64], above[PATH_MAX];
        const char *name = strrchr(syspath, '/');
        int r, n = 0;

        if (!name || sscanf(name, "/nvme%uc%un%u%n", &subsystem, &controller, &namespace, &n) != 3 || name[n] != '\0')
                return 0;
        if (snprintf(above, sizeof(above), "%.*s", (int) (name - syspath), syspath) >= (int) sizeof(above))
                return -ENAMETOOLONG;

        snprintf(link, sizeof(link), CLASS_BLOCK "nvme%un%u", subsystem, namespace);
        r = is_live(above, syspath);
        if (r < 0)
                return r;
        if (r == 0 || !realpath(link, ret))
                ret[0] = '\0';
        return 1;
}

/**
 * nvme_head_find() - find the head that a device is, or is a partition of
 * @ret: belongs to @device; untouched unless 1 is returned
 *
 * Return: 1, 0 when it is neither, or a negative errno.
 */
int nvme_head_find(sd_device *device, sd_device **ret) {
        const char *syspath;
        sd_device *above;
        int r;

        r = sd_device_get_syspath(device, &syspath);
        if (r < 0)
                return r;
        if (!strstr(syspath, "/nvme-subsystem/"))
                return 0;

        r = device_in_subsystem(device, "block");
        if (r <= 0)
                return r;
        r = device_has_devtype(device, "partition");
        if (r > 0)
                r = sd_device_get_parent(device, &device);
        if (r >= 0)
                r = sd_device_get_parent(device, &above);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;
        r = device_in_subsystem(above, "nvme-subsystem");
        if (r <= 0)
                return r;

        *ret = device;
        return 1;
}

void nvme_paths_clear(struct nvme_paths *paths) {
        for (size_t i = 0; i < paths->n; i++)
                sd_device_unref(paths->items[i]);
        free(paths->items);
        *paths = (struct nvme_paths){};
}

/* Called for each controller of a head's subsystem, even if the controller has no path to the head. */
typedef int (*controller_fn)(const char *controller, const char *path, void *userdata);

static int for_each_controller(sd_device *head, controller_fn fn, void *userdata) {
        char link[PATH_MAX], controller[PATH_MAX], path[PATH_MAX];
        unsigned subsystem, namespace, number;
        _cleanup_closedir_ DIR *dir = NULL;
        const char *sysname, *syspath;
        struct dirent *entry;
        sd_device *above;
        int n = 0, r;

        r = sd_device_get_sysname(head, &sysname);
        if (r >= 0)
                r = sd_device_get_parent(head, &above);
        if (r >= 0)
                r = sd_device_get_syspath(above, &syspath);
        if (r < 0)
                return r;
        if (sscanf(sysname, "nvme%un%u%n", &subsystem, &namespace, &n) != 2 || sysname[n] != '\0')
                return -EBADMSG;

        dir = opendir(syspath);
        if (!dir)
                return negative_errno();

        while ((r = read_entry(dir, &entry)) > 0) {
                if (sscanf(entry->d_name, "nvme%u%n", &number, &n) != 1 || entry->d_name[n] != '\0' ||
                    snprintf(link, sizeof(link), "%s/%s", syspath, entry->d_name) >= (int) sizeof(link))
                        continue;
                if (!realpath(link, controller)) {
                        r = negative_errno();
                        if (errno_is_absent(r) || r == -ELOOP)
                                continue;
                        return r;
                }
                if (snprintf(path, sizeof(path), "%s/nvme%uc%un%u", controller, subsystem, number, namespace) >=
                    (int) sizeof(path))
                        continue;
                r = fn(controller, path, userdata);
                if (r != 0)
                        return r;
        }

        return r;
}

static int add_path(const char *controller, const char *path, void *userdata) {
        _cleanup_device_ sd_device *device = NULL;
        struct nvme_paths *paths = userdata;
        int r;

        r = is_live(controller, path);
        if (r <= 0)
                return r;
        r = sd_device_new_from_syspath(&device, path);
        if (r < 0)
                return errno_is_absent(r) ? 0 : r;

        if (array_grow(paths->items, paths->n, 1) < 0)
                return -ENOMEM;

        paths->items[paths->n++] = device;
        device = NULL;
        return 0;
}

/**
 * nvme_head_find_paths() - find the live paths of a head
 * @ret: to be cleared with nvme_paths_clear(); untouched on failure
 *
 * Return: 0, also when there are none, or a negative errno.
 */
int nvme_head_find_paths(sd_device *head, struct nvme_paths *ret) {
        struct nvme_paths paths = {};
        int r;

        r = for_each_controller(head, add_path, &paths);
        if (r < 0) {
                nvme_paths_clear(&paths);
                return r;
        }

        *ret = paths;
        return 0;
}

/* Does the controller have the namespace? Return: 1, or 0, also when the controller does not answer. */
static int controller_has_namespace(const char *controller, uint32_t nsid) {
        _cleanup_free_ uint32_t *active = calloc(1, IDENTIFY_SIZE);
        struct nvme_admin_cmd command = {
                .opcode = ADMIN_IDENTIFY,
                .nsid = nsid - 1, /* the list begins after this id */
                .cdw10 = IDENTIFY_ACTIVE_NAMESPACES,
                .addr = (uintptr_t) active,
                .data_len = IDENTIFY_SIZE,
        };
        _cleanup_close_ int fd = -1;
        char node[NAME_MAX + sizeof("/dev/")];

        snprintf(node, sizeof(node), "/dev/%s", strrchr(controller, '/') + 1);
        fd = open(node, O_RDONLY | O_CLOEXEC);

        return active && fd >= 0 && ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command) == 0 && le32toh(active[0]) == nsid;
}

/* Will the kernel still find this path? Return: 1, or 0 when the path exists or will not appear. */
static int is_to_come(const char *controller, const char *path, void *userdata) {
        const uint32_t *nsid = userdata;
        char state[32];

        return strstr(controller, "/pci") && access(path, F_OK) < 0 &&
               sysfs_read_attribute(controller, "state", sizeof(state), state) >= 0 && streq(state, "live") &&
               controller_has_namespace(controller, *nsid);
}

/**
 * nvme_head_await_paths() - wait until the kernel has finished its scan for namespaces
 *
 * A controller's last event is "connected", which is when the scan begins (nvme_start_ctrl()). No event reports a path
 * that was found, or the end of the scan. To name all paths, this polls until every namespace that a controller reports
 * has its path. The time is bounded because the kernel can reject a namespace.
 */
void nvme_head_await_paths(sd_device *head) {
        uint64_t deadline = deadline_after(TIMEOUT_NSEC);
        const char *text;
        uint32_t nsid;

        if (sd_device_get_sysattr_value(head, "nsid", &text) < 0)
                return;
        nsid = (uint32_t) strtoul(text, NULL, 10);
        if (nsid == 0)
                return;

        while (for_each_controller(head, is_to_come, &nsid) > 0 && !deadline_has_passed(deadline))
                (void) deadline_poll(NULL, 0, deadline_after(INTERVAL_NSEC));
}
