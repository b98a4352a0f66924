/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The links in disk/by-id and disk/by-diskseq that udev's rules give (60-persistent-storage.rules of systemd 257). */

#include <stdbool.h>

#include "string-list.h"

int id_links_find(const char *syspath, int fd, struct string_list *links);
bool id_link_is_own(const char *link);
