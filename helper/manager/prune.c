/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A device that is removed while no udevd runs, or before the new udevd has its event, leaves its links behind, and the
 * next device may get its node. A link is right when sysfs gives this link to the node that it leads to.
 */

#include <systemd/sd-device.h>

#include "alias-list.h"
#include "devlinks.h"
#include "link-tree.h"
#include "device-names.h"
#include "node-link.h"
#include "prune.h"
#include "util.h"

struct pruning {
        const struct reporter *reporter;
        struct link_tree tree;
        struct alias_list aliases; /* read for the first link by alias */
        bool has_aliases, dry_run;
};

static int read_aliases(struct pruning *p) {
        if (p->has_aliases)
                return 0;
        p->has_aliases = true;
        return alias_list_read(&p->aliases);
}

/* @links: those by PCI path. */
static int has_alias(struct pruning *p, const struct string_list *links, const char *link) {
        _cleanup_string_list_ struct string_list by_alias = {};
        int r;

        r = read_aliases(p);
        if (r >= 0)
                r = alias_list_get_links(&p->aliases, links, &by_alias);
        return r < 0 ? r : string_list_has(&by_alias, link);
}

/* Any other error leaves open which links the device has. */
static bool errno_is_no_name(int r) {
        return r == -EBADMSG || r == -E2BIG || r == -ENAMETOOLONG;
}

/* Only udevd finds out what an input device is, so that a link of any input class is right. */
static int device_has_link(struct pruning *p, sd_device *device, const char *link) {
        bool by_alias = strncmp(link, ALIAS_DIRECTORY "/", strlen(ALIAS_DIRECTORY "/")) == 0;
        _cleanup_names_ struct names names = {};
        int r, left_out = 0;

        r = device_get_names(device, &names);
        if (r < 0 || names.n == 0)
                return errno_is_no_name(r) ? 0 : r;

        for (size_t i = 0; input_classes[i].suffix && r == 0; i++) {
                _cleanup_string_list_ struct string_list links = {};

                r = device_get_links(device, &names, input_classes[i].suffix, &links, &left_out);
                if (r >= 0)
                        r = by_alias ? has_alias(p, &links, link) : string_list_has(&links, link);
        }

        return r != 0 || errno_is_no_name(left_out) ? r : left_out;
}

/* Return: 1, 0 when there is no such node or it has no such link, or a negative errno. */
static int node_has_link(const char *node, const char *link, void *pruning) {
        _cleanup_device_ sd_device *device = NULL;
        int r;

        r = sd_device_new_from_path(&device, node);
        if (r >= 0)
                r = device_has_link(pruning, device, link);
        return errno_is_absent(r) || r == -EINVAL || r == -ENOTBLK ? 0 : r;
}

static int prune(struct pruning *p, const struct link *link) {
        const char *name = link->name + strlen("/dev/");
        int r;

        r = node_has_link(link->node, name, p);
        if (r == 0)
                r = p->dry_run ? 0 : link_tree_remove_unless(&p->tree, name, node_has_link, p);
        if (r < 0)
                report(p->reporter, REPORT_ERROR, "%s: %s", link->name, strerror(-r));
        else if (r == 0)
                report(p->reporter, REPORT_ACTION, "remove %s %s", link->name, link->node);
        return r < 0 ? r : 0;
}

static int prune_directory(struct pruning *p, const char *directory) {
        struct links links = {};
        int result, r;

        link_tree_tidy(&p->tree, directory + strlen("/dev/"));
        result = link_tree_read(&p->tree, directory + strlen("/dev/"), &links);
        if (result < 0)
                report(p->reporter, REPORT_ERROR, "%s: cannot read the directory: %s", directory, strerror(-result));

        for (size_t i = 0; i < links.n; i++) {
                r = prune(p, &links.items[i]);
                result = r < 0 ? r : result;
        }
        links_clear(&links);
        return result;
}

/**
 * links_prune() - remove the links by PCI path below /dev that their nodes should not have
 * @reporter: is told of each that is removed, and of failures
 * @dry_run: report only
 *
 * udevd may make and replace links at the same time.
 *
 * Return: 0, or a negative errno that has been reported.
 */
int links_prune(const struct reporter *reporter, bool dry_run) {
        struct pruning p = { .reporter = reporter, .tree = LINK_TREE_NULL, .dry_run = dry_run };
        int failed = 0, result, r;

        /* Without sysfs all devices seem to be gone. */
        if (access("/sys/class", F_OK) < 0) {
                result = negative_errno();
                report(reporter, REPORT_ERROR, "cannot read /sys/class: %s", strerror(-result));
                return result;
        }

        result = link_tree_open(&p.tree, "/dev", "prune");
        if (result >= 0 && !dry_run)
                result = link_tree_lock(&p.tree, true);
        if (result < 0)
                report(reporter, REPORT_ERROR, "/dev: %s", strerror(-result));
        for (size_t i = 0; link_directories[i] && result >= 0; i++) {
                r = prune_directory(&p, link_directories[i]);
                failed = r < 0 ? r : failed;
        }
        link_tree_close(&p.tree);
        alias_list_clear(&p.aliases);
        return result < 0 ? result : failed;
}
