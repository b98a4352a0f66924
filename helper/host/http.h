/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One GET request to an API socket. Cloud Hypervisor and Firecracker use the same server, micro_http, which always
 * sends Content-Length. libcurl would add thirty libraries for this, among them TLS, LDAP and SSH.
 */

#include <stddef.h>

#include "error.h"

int http_get(const char *socket, const char *path, char **ret, size_t *ret_size,
             struct error *error);
int http_parse_header(const char *header, size_t *ret_length, const char **ret_reason);
