/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * QEMU, by its object model (docs/devel/qom.rst). A bus has a link child[N] to each device on it, whose type the
 * listing of the bus shows; a device has its buses as children:
 *
 *     /machine/q35 ─ pcie.0 ─ child[4] ─> /machine/peripheral/port ─ port ─ child[0] ─> /machine/peripheral/disk
 *
 * So the tree is read from the host bridges down, all buses of a level in two round trips: one lists the buses, the
 * other asks the devices on them. A guest cannot write to it, which it can to what query-pci shows (the bus numbers of
 * bridges), and it is complete before the guest has run.
 */

#include "qemu-walk.h"
#include "source.h"

#define UNATTACHED "/machine/unattached/"

/* QEMU makes the virtual functions of these types itself. Offset, stride and number are of its SR-IOV capability. */
static const struct vf_type {
        const char *physical, *virtual;
        int offset, stride, most;
} vf_table[] = {
        { "nvme", "nvme",  0x01, 1, 0 }, /* NVME_VF_OFFSET, NVME_VF_STRIDE, sriov_max_vfs */
        { "igb",  "igbvf", 0x80, 2, 8 }, /* IGB_VF_OFFSET, IGB_VF_STRIDE, IGB_MAX_VF_FUNCTIONS */
};

static int hop_number(const struct pci_hop *hop) {
        return hop->slot * 8 + hop->function;
}

static bool is_unattached(const struct record *r) {
        return strncmp(r->path, UNATTACHED, strlen(UNATTACHED)) == 0;
}

/* Which virtual function of @pf it is by its place; -1 if it cannot be one. */
static int number_virtual(const struct record *pf, const struct record *vf, const struct vf_type *type) {
        int distance, most = type->most > 0 ? type->most : (int) pf->number;

        if (pf->device->bus != vf->device->bus || !streq(pf->device->type, type->physical) || is_unattached(pf))
                return -1;
        distance = hop_number(&vf->device->hop) - hop_number(&pf->device->hop) - type->offset;
        if (distance < 0 || distance % type->stride != 0 || distance / type->stride >= most)
                return -1;
        return distance / type->stride;
}

/* Names it after its physical function. One of QEMU's own that is no virtual function of any is what it looks like. */
static void name_virtual(struct walk *walk, const struct record *vf, const struct vf_type *type) {
        struct pci_hop hop = vf->device->hop;
        size_t found = 0;

        for (size_t i = 0; i < walk->n_records; i++) {
                const struct record *pf = walk->records[i];
                int number = number_virtual(pf, vf, type);

                if (number < 0)
                        continue;
                hop = pf->device->hop;
                hop.vf = number;
                found++;
        }

        if (found > 1)
                vf->device->absent = "a virtual function, but of which physical function cannot be told";
        if (found != 1)
                return;
        vf->device->hop = hop;
        /* From 9.1 on they are there, whether the guest has enabled them or not. */
        if (walk->qmp.version >= 901)
                vf->device->absent = "a virtual function: there while the guest has it enabled";
}

static void name_virtual_functions(struct walk *walk) {
        for (size_t i = 0; i < walk->n_records; i++) {
                const struct record *r = walk->records[i];

                if (!r->device->bus || !is_unattached(r))
                        continue;
                for (size_t j = 0; j < ELEMENTSOF(vf_table); j++)
                        if (streq(r->device->type, vf_table[j].virtual))
                                name_virtual(walk, r, &vf_table[j]);
        }
}

/* Is this root bus the expander's? It bears its id, or, under a pxb, the bus behind QEMU's own bridge does. */
static bool is_root_of(const struct walk *walk, const struct qbus *root, const struct record *expander) {
        const char *id = expander->device->id;

        if (!id)
                return false;
        if (!streq(root->name, "pxb-internal"))
                return streq(root->name, id);

        for (size_t i = 0; i < walk->n_buses; i++) {
                const struct qbus *bus = walk->buses[i];

                if (bus->pci && bus->pci->bridge && bus->pci->bridge->bus == root->pci)
                        return streq(bus->name, id);
        }

        return false;
}

static const char *expander_of(const struct qbus *root) {
        return streq(root->type, "pxb-bus") ? "pxb" : streq(root->type, "pxb-pcie-bus") ? "pxb-pcie" : "pxb-cxl";
}

/* Which has no id is known by its turn: QEMU makes the expanders of one type and their roots in one order. */
static struct record *find_expander(struct walk *walk, const struct qbus *root) {
        struct record *first = NULL;

        for (size_t i = 0; i < walk->n_records; i++) {
                struct record *r = walk->records[i];

                if (!streq(r->device->type, expander_of(root)) || r->taken)
                        continue;
                if (is_root_of(walk, root, r))
                        return r;
                if (!r->device->id && !first)
                        first = r;
        }

        return first;
}

/* An id that is also the name that QEMU made up for the bus of another: then neither can be told. */
static bool is_root_of_one(const struct walk *walk, const struct record *expander) {
        size_t n = 0;

        for (size_t i = 0; i < walk->n_buses; i++)
                n += walk->buses[i]->is_expanders && is_root_of(walk, walk->buses[i], expander);
        return n <= 1;
}

static void name_expanders_roots(struct walk *walk) {
        for (size_t i = 0; i < walk->n_buses; i++) {
                struct qbus *root = walk->buses[i];
                struct record *expander;

                if (!root->is_expanders)
                        continue;
                expander = find_expander(walk, root);
                if (!expander || !is_root_of_one(walk, expander)) {
                        root->pci->nameless = "below an expander that cannot be told from another";
                        continue;
                }
                expander->taken = true;
                root->pci->root.bus = (uint8_t) expander->number;
        }
}

/**
 * qemu_read_from() - the machine behind a QMP connection that was greeted, and is closed
 */
int qemu_read_from(struct qmp *qmp, struct machine *machine, struct problem *problem) {
        struct walk walk = { .qmp = *qmp, .machine = machine, .problem = problem };
        int r;

        r = walk_machine(&walk);
        if (r >= 0) {
                name_expanders_roots(&walk);
                name_virtual_functions(&walk);
        }

        walk_clear(&walk);
        return r == -ENOMEM ? problem_set(problem, r, "out of memory") : r;
}

/**
 * qemu_read() - the machine behind a QMP socket
 */
int qemu_read(const char *name, double timeout, struct machine *machine, struct problem *problem) {
        struct qmp qmp;
        int r;

        r = qmp_open(name, timeout, &qmp, problem);
        if (r < 0) {
                qmp_close(&qmp);
                return r;
        }
        return qemu_read_from(&qmp, machine, problem);
}
