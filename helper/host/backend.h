/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Each backend reads a machine from one kind of monitor, given the name of a socket or file.
 */

#include "machine.h"
#include "error.h"

/** struct backend - a monitor */
struct backend {
        const char *option; /* without the dashes */
        /* A hint for the error of a timeout; "" if there is none. Another thread calls it while read() runs. */
        const char *(*explain_timeout)(const char *name, const struct machine *machine);
        int (*read)(const char *name, struct machine *machine, struct error *error);
};

const char *qemu_explain_timeout(const char *name, const struct machine *machine);
int qemu_read(const char *name, struct machine *machine, struct error *error);
int libvirt_read(const char *name, struct machine *machine, struct error *error);
int cloud_hypervisor_read(const char *name, struct machine *machine, struct error *error);
int firecracker_read(const char *name, struct machine *machine, struct error *error);
int list_read(const char *name, struct machine *machine, struct error *error);

/* Parse a document in memory: for fuzzers. */
int libvirt_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error);
int cloud_hypervisor_parse(const char *name, const char *text, size_t size, struct machine *machine,
                           struct error *error);
int firecracker_parse(const char *name, const char *text, size_t size, bool is_running, struct machine *machine,
                      struct error *error);
int list_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error);
