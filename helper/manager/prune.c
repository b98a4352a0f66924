/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A device that goes while no udevd runs, or before udevd's new database knows of it, leaves its links behind, and the next one may
 * get its node. A link is right when the node that it leads to is so called by sysfs; nothing else is asked.
 */

#include <stdio.h>
#include <systemd/sd-device.h>

#include "devlinks.h"
#include "link-tree.h"
#include "device-names.h"
#include "node-link.h"
#include "program.h"
#include "prune.h"
#include "util.h"

/* What sort of input device it is only udevd finds out: each would be right. */
static int device_has_link(sd_device *device, const char *link) {
        _cleanup_names_ struct names names = {};
        int r, left_out;

        r = device_get_names(device, &names);
        if (r < 0 || names.n == 0)
                return r == -EBADMSG || r == -E2BIG ? 0 : r;

        for (size_t i = 0; input_classes[i].suffix; i++) {
                _cleanup_string_list_ struct string_list links = {};

                r = device_get_links(device, &names, input_classes[i].suffix, &links, &left_out);
                if (r < 0)
                        return r;
                if (string_list_has(&links, link))
                        return 1;
        }

        return 0;
}

/* Return: 1, 0 when the node is not there or not called so, or a negative errno. */
static int node_has_link(const char *node, const char *link) {
        _cleanup_device_ sd_device *device = NULL;
        int r;

        r = sd_device_new_from_path(&device, node);
        if (r >= 0)
                r = device_has_link(device, link);
        return errno_is_absent(r) || r == -EINVAL || r == -ENOTBLK ? 0 : r;
}

static int prune(const struct link_tree *tree, const struct link *link, bool dry_run) {
        const char *name = link->name + strlen("/dev/");
        int r;

        r = node_has_link(link->node, name);
        if (r == 0)
                r = dry_run ? 0 : link_tree_remove_unless(tree, name, node_has_link);
        if (r < 0)
                return log_error(EXIT_FAILED, "%s: %s", link->name, strerror(-r));
        if (r == 0)
                printf("remove %s %s\n", link->name, link->node);
        return EXIT_DONE;
}

static int prune_directory(const struct link_tree *tree, const char *directory, bool dry_run) {
        struct links links = {};
        int status = EXIT_DONE, r;

        r = link_tree_read(tree, directory + strlen("/dev/"), &links);
        if (r < 0)
                status = log_error(EXIT_FAILED, "cannot read %s: %s", directory, strerror(-r));

        for (size_t i = 0; i < links.n; i++)
                if (prune(tree, &links.items[i], dry_run) != EXIT_DONE)
                        status = EXIT_FAILED;
        links_clear(&links);
        return status;
}

/**
 * links_prune() - remove the links by PCI path below /dev that are not their node's, and say which
 * @dry_run: say it only
 *
 * udevd may make and replace links meanwhile.
 *
 * Return: an exit status; what has failed has been said.
 */
int links_prune(bool dry_run) {
        struct link_tree tree = LINK_TREE_NULL;
        int status = EXIT_DONE, r;

        /* Not that there are no devices is what is seen then. */
        if (access("/sys/class", F_OK) < 0)
                return log_error(EXIT_FAILED, "cannot look at the machine: %s", strerror(errno));
        r = link_tree_open(&tree, "/dev");
        if (r < 0)
                status = log_error(EXIT_FAILED, "/dev: %s", strerror(-r));

        for (size_t i = 0; link_directories[i] && r >= 0; i++)
                if (prune_directory(&tree, link_directories[i], dry_run) != EXIT_DONE)
                        status = EXIT_FAILED;
        link_tree_close(&tree);
        return status;
}
