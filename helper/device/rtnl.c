/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "rtnl.h"
#include "util.h"

/* Messages of a dump have up to 32 KiB (Linux 3.9, netlink_dump()). */
enum {
        REQUEST_SIZE = 512,
        REPLY_SIZE = 32768
};

static inline void mnl_socket_closep(struct mnl_socket **socket) {
        if (*socket)
                mnl_socket_close(*socket);
}

static struct nlmsghdr *prepare_request(char buf[static REQUEST_SIZE], uint16_t type, uint16_t flags,
                                        unsigned ifindex) {
        struct nlmsghdr *message = mnl_nlmsg_put_header(buf);
        struct ifinfomsg *info;

        message->nlmsg_type = type;
        message->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags);
        info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = (int) ifindex;
        return message;
}

/* Each request has its own socket, because an interrupted dump leaves messages behind. */
static int call(const struct nlmsghdr *request, mnl_cb_t fn, void *userdata) {
        __attribute__((__cleanup__(mnl_socket_closep))) struct mnl_socket *socket = NULL;
        char reply[REPLY_SIZE];
        ssize_t n;
        int r;

        socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
        if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
            mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
                return negative_errno();

        do {
                n = mnl_socket_recvfrom(socket, reply, sizeof(reply));
                if (n < 0)
                        return negative_errno();
                r = mnl_cb_run(reply, (size_t) n, 0, 0, fn, userdata);
        } while (r > MNL_CB_STOP);

        return r < 0 ? negative_errno() : 0;
}

static int change_altname(uint16_t type, uint16_t flags, unsigned ifindex, const char *name) {
        char buf[REQUEST_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
        struct nlmsghdr *request = prepare_request(buf, type, NLM_F_ACK | flags, ifindex);
        struct nlattr *list;

        list = mnl_attr_nest_start(request, IFLA_PROP_LIST);
        mnl_attr_put_strz(request, IFLA_ALT_IFNAME, name);
        mnl_attr_nest_end(request, list);
        return call(request, NULL, NULL);
}

/**
 * rtnl_add_altname() - add an alternative name to an interface
 * @name: of at most 127 bytes
 *
 * Return: 0, -EEXIST when this or another interface has the name, -ENODEV when the interface does not exist,
 * -EOPNOTSUPP before Linux 5.5, or another negative errno.
 */
int rtnl_add_altname(unsigned ifindex, const char *name) {
        return change_altname(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, ifindex, name);
}

int rtnl_delete_altname(unsigned ifindex, const char *name) {
        return change_altname(RTM_DELLINKPROP, 0, ifindex, name);
}

static int parse_ifindex(const struct nlmsghdr *message, void *userdata) {
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
        unsigned *ret = userdata;

        *ret = (unsigned) info->ifi_index;
        return MNL_CB_STOP;
}

/**
 * rtnl_find_name() - find the interface that has a name, as its primary or an alternative name
 *
 * Return: 0, -ENODEV when no interface has it, or another negative errno.
 */
int rtnl_find_name(const char *name, unsigned *ret_ifindex) {
        char buf[REQUEST_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
        struct nlmsghdr *request = prepare_request(buf, RTM_GETLINK, 0, 0);

        mnl_attr_put_strz(request, IFLA_ALT_IFNAME, name);
        return call(request, parse_ifindex, ret_ifindex);
}

struct names {
        rtnl_name_fn fn;
        void *userdata;
        const char *ifname; /* of the current interface */
        int error;
};

static int handle_name(const struct nlattr *attribute, void *userdata) {
        struct names *names = userdata;

        if (mnl_attr_get_type(attribute) == IFLA_ALT_IFNAME || mnl_attr_get_type(attribute) == IFLA_IFNAME)
                names->error = names->fn(names->ifname, mnl_attr_get_str(attribute), names->userdata);
        return names->error < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int handle_ifname(const struct nlattr *attribute, void *userdata) {
        struct names *names = userdata;

        if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
                names->ifname = mnl_attr_get_str(attribute);
        return MNL_CB_OK;
}

static int handle_names(const struct nlattr *attribute, void *userdata) {
        if (mnl_attr_get_type(attribute) == IFLA_PROP_LIST)
                return mnl_attr_parse_nested(attribute, handle_name, userdata);
        return handle_name(attribute, userdata);
}

static int handle_link(const struct nlmsghdr *message, void *userdata) {
        struct names *names = userdata;

        names->ifname = NULL;
        (void) mnl_attr_parse(message, sizeof(struct ifinfomsg), handle_ifname, names);
        return names->ifname ? mnl_attr_parse(message, sizeof(struct ifinfomsg), handle_names, names) : MNL_CB_OK;
}

/**
 * rtnl_for_each_name() - call @fn for all names of all interfaces
 *
 * Return: 0, -EINTR when the kernel changed the names during the dump, so that some may be missing, or another negative
 * errno.
 */
int rtnl_for_each_name(rtnl_name_fn fn, void *userdata) {
        char buf[REQUEST_SIZE] __attribute__((__aligned__(NLMSG_ALIGNTO)));
        struct names names = { .fn = fn, .userdata = userdata };
        int r;

        r = call(prepare_request(buf, RTM_GETLINK, NLM_F_DUMP, 0), handle_link, &names);
        return names.error < 0 ? names.error : r;
}
