/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One GET from an API socket. Cloud Hypervisor and Firecracker share a server (micro_http) that answers with
 * Content-Length and nothing fancier; libcurl would bring thirty libraries, of TLS, LDAP and SSH among others, to read
 * that.
 */

#include <stddef.h>

#include "error.h"

int http_get(const char *socket, const char *path, char **ret, size_t *ret_size,
             struct error *error);
int http_parse_header(const char *header, size_t *ret_length, const char **ret_reason);
