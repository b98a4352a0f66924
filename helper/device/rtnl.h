/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of network interfaces in the kernel (rtnetlink(7)). */

int rtnl_add_altname(unsigned ifindex, const char *name);
int rtnl_delete_altname(unsigned ifindex, const char *name);
int rtnl_find_name(const char *name, unsigned *ret_ifindex);

/*
 * Called with a name of the interface @ifname, the primary or an alternative one. Return: 0, or a negative errno to
 * stop.
 */
typedef int (*rtnl_name_fn)(const char *ifname, const char *name, void *userdata);
int rtnl_for_each_name(rtnl_name_fn fn, void *userdata);
