/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a machine is read from. Each monitor has a reader: the name of a socket or file in, a machine out.
 */

#include "machine.h"
#include "error.h"

/** struct backend - a monitor */
struct backend {
        const char *option; /* without its dashes */
        const char *on_timeout; /* the end of the error message then */
        int (*read)(const char *name, struct machine *machine, struct error *error);
};

int qemu_read(const char *name, struct machine *machine, struct error *error);
int libvirt_read(const char *name, struct machine *machine, struct error *error);
int cloud_hypervisor_read(const char *name, struct machine *machine, struct error *error);
int firecracker_read(const char *name, struct machine *machine, struct error *error);

/* Of documents that are there already: for fuzzers. */
int libvirt_parse(const char *name, const char *text, size_t size, struct machine *machine, struct error *error);
int cloud_hypervisor_parse(const char *name, const char *text, size_t size, struct machine *machine,
                           struct error *error);
int firecracker_parse(const char *name, const char *text, size_t size, bool is_running, struct machine *machine,
                      struct error *error);
