/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads QEMU's object model (docs/devel/qom.rst). A bus has a link child[N] to each device on it, and its listing shows
 * the device's type. The children of a device include its buses:
 *
 *     /machine/q35 - pcie.0 - child[4] -> /machine/peripheral/port - port - child[0] -> /machine/peripheral/disk
 *
 * The tree is read from the host bridges down. All buses of a level take two round trips: the first lists the buses,
 * the second reads the devices on them. The guest cannot change these objects, unlike the bus numbers that query-pci
 * shows. The tree is complete before the guest runs.
 */

#include "qemu-walk.h"
#include "backend.h"

/* QEMU creates the virtual functions of these types. Offset, stride and number are from its SR-IOV capability. */
static const struct vf_type {
        const char *physical, *virtual;
        int offset, stride, most;
} vf_table[] = {
        { "nvme", "nvme",  0x01, 1, 0 }, /* NVME_VF_OFFSET, NVME_VF_STRIDE, sriov_max_vfs */
        { "igb",  "igbvf", 0x80, 2, 8 }, /* IGB_VF_OFFSET, IGB_VF_STRIDE, IGB_MAX_VF_FUNCTIONS */
};

static int hop_number(const struct record *r) {
        return r->device->hop.slot * 8 + r->device->hop.function;
}

static const struct vf_type *find_vf_type(const struct record *vf) {
        for (size_t i = 0; i < ELEMENTSOF(vf_table); i++)
                if (is_qemus_own(vf->path) && streq(vf->device->type, vf_table[i].virtual))
                        return &vf_table[i];

        return NULL;
}

/* The number of @vf among the virtual functions of @pf, from its address. Return: -1 if @vf is not one of them. */
static int number_by_position(const struct record *pf, const struct record *vf, const struct vf_type *type) {
        int distance, most = type->most > 0 ? type->most : (int) pf->number;

        if (is_qemus_own(pf->path) || !streq(pf->device->type, type->physical))
                return -1;
        distance = hop_number(vf) - hop_number(pf) - type->offset;
        if (distance < 0 || distance % type->stride != 0 || distance / type->stride >= most)
                return -1;
        return distance / type->stride;
}

static bool is_made_for(const struct record *vf, const struct record *pf) {
        return vf->sriov_pf && pf->device->id && streq(vf->sriov_pf, pf->device->id);
}

/* Groups the records by bus. Records that are not on a PCI bus come first. */
static int compare_buses(const void *a, const void *b) {
        const struct record *x = *(struct record *const *) a, *y = *(struct record *const *) b;
        uintptr_t of_x = (uintptr_t) x->device->bus, of_y = (uintptr_t) y->device->bus;

        return (of_x > of_y) - (of_x < of_y);
}

/* struct functions - the functions on one bus */
struct functions {
        struct record **items;
        size_t n;
};

/* Virtual functions with sriov-pf are numbered in the order of their functions, not in the order of creation. */
static int number_by_order(const struct functions *bus, const struct record *pf, const struct record *vf) {
        int number = 0;

        for (size_t i = 0; i < bus->n; i++)
                number += is_made_for(bus->items[i], pf) && hop_number(bus->items[i]) < hop_number(vf);
        return number <= UINT8_MAX ? number : -1;
}

static void find_physical(const struct functions *bus, struct record *vf) {
        const struct vf_type *type = find_vf_type(vf);
        size_t found = 0;

        if (!type && !vf->sriov_pf)
                return;

        for (size_t i = 0; i < bus->n; i++) {
                const struct record *pf = bus->items[i];
                int number = -1;

                if (is_made_for(vf, pf))
                        number = number_by_order(bus, pf, vf);
                else if (type)
                        number = number_by_position(pf, vf, type);
                if (number < 0)
                        continue;
                vf->physical = pf;
                vf->vf = number;
                found++;
        }

        if (found > 1) {
                vf->physical = NULL;
                vf->device->absent = "a virtual function of one of several physical functions";
        } else if (found == 0 && vf->sriov_pf)
                vf->device->absent = "a virtual function whose physical function does not exist";
}

static int find_all_physical(const struct walk *walk) {
        _cleanup_free_ struct record **records = calloc(walk->n_records + 1, sizeof(*records));
        size_t end;

        if (!records)
                return -ENOMEM;
        if (walk->n_records == 0)
                return 0;
        memcpy(records, walk->records, walk->n_records * sizeof(*records));
        qsort(records, walk->n_records, sizeof(*records), compare_buses);

        for (size_t begin = 0; begin < walk->n_records; begin = end) {
                struct functions bus = { .items = records + begin };

                for (end = begin; end < walk->n_records && compare_buses(&records[begin], &records[end]) == 0;)
                        end++;
                bus.n = end - begin;
                for (size_t i = begin; records[begin]->device->bus && i < end; i++)
                        find_physical(&bus, records[i]);
        }

        return 0;
}

/*
 * A virtual function's path is made from the path of its physical function. QEMU 10 has all virtual functions, and does
 * not tell whether the guest has enabled them. A device of such a type without a physical function keeps its own path.
 */
static int name_virtual_functions(const struct walk *walk) {
        if (find_all_physical(walk) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < walk->n_records; i++) {
                const struct record *vf = walk->records[i];

                if (!vf->physical)
                        continue;
                vf->device->hop = vf->physical->device->hop;
                vf->device->hop.vf = vf->vf;
                vf->device->until = "a virtual function: exists while the guest has it enabled";
        }

        return 0;
}

/* A root bus has the id of its expander. For a pxb, the bus behind QEMU's internal bridge has the id instead. */
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
        return streq(root->type, "pxb-bus") ? "pxb" : (streq(root->type, "pxb-pcie-bus") ? "pxb-pcie" : "pxb-cxl");
}

/*
 * Expanders without an id are matched by order: QEMU creates expanders of one type and their root buses in the same
 * order.
 */
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

/* QEMU may generate a bus name that is also the id of another expander. The two cannot be distinguished then. */
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
                        root->pci->nameless = "below one of two expanders with the same name";
                        continue;
                }
                expander->taken = true;
                root->pci->root.bus = (uint8_t) expander->number;
        }
}

/**
 * qemu_read_from() - read a machine from a QMP connection after its greeting, and close the connection
 */
int qemu_read_from(struct qmp *qmp, struct machine *machine, struct error *error) {
        struct walk walk = { .qmp = *qmp, .machine = machine, .error = error };
        int r;

        r = walk_machine(&walk);
        if (r >= 0) {
                name_expanders_roots(&walk);
                r = name_virtual_functions(&walk);
        }
        if (r >= 0)
                r = walk_name_by_uid(&walk);

        walk_clear(&walk);
        return r == -ENOMEM ? error_set(error, r, "out of memory") : r;
}

/** qemu_explain_timeout() - the hint for a monitor that does not answer */
const char *qemu_explain_timeout(const char *name, const struct machine *machine) {
        static const struct {
                const char *directory, *hint;
        } owners[] = {
                { "/libvirt/qemu/",
                  "; libvirt uses this monitor: use 'virsh dumpxml DOMAIN' and --libvirt= instead" },
                { "/qemu-server/",
                  "; Proxmox VE uses this monitor: add another with "
                  "qm set ID --args '-qmp unix:SOCKET,server=on,wait=off'" },
        };

        if (atomic_load(&machine->has_answered))
                return "";
        for (size_t i = 0; i < ELEMENTSOF(owners); i++)
                if (strstr(name, owners[i].directory))
                        return owners[i].hint;
        return "; QEMU serves one client of a QMP socket at a time: close the other client, or start QEMU with a "
               "second QMP socket";
}

/**
 * qemu_read() - read a machine from a QMP socket
 */
int qemu_read(const char *name, struct machine *machine, struct error *error) {
        struct qmp qmp;
        int r;

        r = qmp_open(name, &qmp, error);
        if (r < 0) {
                qmp_close(&qmp);
                return r;
        }
        atomic_store(&machine->has_answered, true);
        return qemu_read_from(&qmp, machine, error);
}
