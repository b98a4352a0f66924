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
        const char *on_timeout; /* appended to the error of a timeout */
        int (*read)(const char *name, struct machine *machine, struct error *error);
};

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
