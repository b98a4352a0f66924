/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A plugin of QEMU's: how many instructions the guest has executed, in a file that can be read at any time. A measure
 * that does not depend on what else the machine does; an idle processor executes none.
 *
 *     -plugin count-instructions.so,count=FILE        FILE has eight bytes
 *
 * What it calls is in QEMU, whose header (qemu-plugin.h, version 1) Debian 12 does not have.
 */

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PUBLIC __attribute__((visibility("default")))

struct qemu_plugin_tb;

enum {
        INLINE_ADD_U64
};

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*translated)(uint64_t id, struct qemu_plugin_tb *block));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation, void *counter,
                                              uint64_t value);

PUBLIC extern int qemu_plugin_version;
PUBLIC int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

int qemu_plugin_version = 1;

static void *counter;

static void count_block(uint64_t id, struct qemu_plugin_tb *block) {
        (void) id;
        qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, counter, qemu_plugin_tb_n_insns(block));
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
        int fd;

        (void) info;
        if (argc != 1 || strncmp(argv[0], "count=", 6) != 0)
                return -1;
        fd = open(argv[0] + 6, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return -1;
        counter = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (counter == MAP_FAILED)
                return -1;

        qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
        return 0;
}
