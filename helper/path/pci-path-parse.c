/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One cursor moves through the text from left to right. Each parser below consumes its part of the text, or
 * records the offset and reason of an error. No parser moves the cursor back. The offset of an error is therefore
 * that of the first byte that cannot be part of a path.
 *
 * The same cursor parses the kernel's names (0000:01:00.0, pci0000:40).
 */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "pci-path.h"

struct cursor {
        const char *text;
        size_t at;
        char hop_separator;  /* '/' or '-' */
        char root_separator; /* ':' or '_' */
        struct pci_path_error error;
};

static int fail_at(struct cursor *c, size_t offset, const char *reason) {
        c->error = (struct pci_path_error){ .offset = offset, .reason = reason };
        return -EINVAL;
}

static int fail(struct cursor *c, const char *reason) {
        return fail_at(c, c->at, reason);
}

static bool skip_char(struct cursor *c, char wanted) {
        if (c->text[c->at] != wanted)
                return false;

        c->at++;
        return true;
}

static int hex_value(char digit) {
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        if (digit >= 'a' && digit <= 'f')
                return digit - 'a' + 10;
        if (digit >= 'A' && digit <= 'F')
                return digit - 'A' + 10;
        return -1;
}

static size_t count_hex_digits(const struct cursor *c) {
        size_t n = 0;

        while (hex_value(c->text[c->at + n]) >= 0)
                n++;

        return n;
}

/* Parses n hex digits that the caller has found; n is at most 8. */
static uint32_t parse_hex(struct cursor *c, size_t n) {
        uint32_t value = 0;

        while (n-- > 0)
                value = value << 4 | (uint32_t) hex_value(c->text[c->at++]);

        return value;
}

static void parse_guid(struct cursor *c, uint8_t guid[static 16]) {
        for (size_t i = 0; i < 16; i++)
                guid[i] = (uint8_t) parse_hex(c, 2);
}

/*
 * Finds the form by the separators: '/' and ':', or '-' and '_'. A text with both has neither form.
 */
static int find_form(struct cursor *c) {
        size_t first = strcspn(c->text, "/:-_");
        bool flat = c->text[first] != '\0' && strchr("-_", c->text[first]);
        size_t other = strcspn(c->text, flat ? "/:" : "-_");

        if (c->text[other] != '\0')
                return fail_at(c, other, "the separators '/' and ':' do not go with '-' and '_'");

        c->hop_separator = flat ? '-' : '/';
        c->root_separator = flat ? '_' : ':';
        return 0;
}

static int parse_bus(struct cursor *c, uint8_t *ret) {
        if (count_hex_digits(c) != 2)
                return fail(c, "a bus has two hex digits");

        *ret = (uint8_t) parse_hex(c, 2);
        return 0;
}

/* At the start of the text: "domain:bus:", "bus:" (of domain 0000), "guid:" or nothing, which is 0000:00. */
static int parse_root(struct cursor *c, struct pci_root *ret) {
        struct pci_root root = { .type = PCI_ROOT_BUS };
        size_t n = count_hex_digits(c);
        bool has_domain;
        int r;

        if (n == 0 || c->text[c->at + n] != c->root_separator) {
                *ret = root;
                return 0;
        }

        if (n == 32) {
                root.type = PCI_ROOT_VMBUS;
                parse_guid(c, root.guid);
        } else {
                has_domain = n >= 4 && n <= 8;
                if (!has_domain && n != 2)
                        return fail(c, "a root is a bus of 2, a domain of 4 to 8, or a VMBus GUID of 32 hex digits");
                if (has_domain) {
                        root.domain = parse_hex(c, n);
                        c->at++;
                }
                r = parse_bus(c, &root.bus);
                if (r < 0)
                        return r;
                if (c->text[c->at] != c->root_separator)
                        return fail(c, "a slot must follow the bus");
        }

        c->at++;
        *ret = root;
        return 0;
}

static int parse_slot(struct cursor *c, uint8_t *ret) {
        size_t n = count_hex_digits(c);

        if (n == 0)
                return fail(c, c->text[c->at] == '\0' || c->text[c->at] == c->hop_separator
                                       ? "an empty hop"
                                       : "a slot has one or two hex digits");
        if (n > 2)
                return fail_at(c, c->at + 2, "a slot has one or two hex digits");
        if (n == 2 && hex_value(c->text[c->at]) > 1)
                return fail(c, "a slot is 00 to 1f");

        *ret = (uint8_t) parse_hex(c, n);
        return 0;
}

static int parse_function(struct cursor *c, uint8_t *ret) {
        char digit = c->text[c->at];

        if (digit < '0' || digit > '7')
                return fail(c, "a function is 0 to 7");

        *ret = (uint8_t) (digit - '0');
        c->at++;
        return 0;
}

static int parse_vf(struct cursor *c, int32_t *ret) {
        size_t start = c->at;
        int32_t vf = 0;

        while (c->text[c->at] >= '0' && c->text[c->at] <= '9') {
                vf = vf * 10 + (c->text[c->at] - '0');
                if (vf > UINT16_MAX)
                        return fail(c, "a virtual function is 0 to 65535");
                if (c->at > start && c->text[start] == '0')
                        return fail_at(c, start, "a virtual function has no leading zero");
                c->at++;
        }
        if (c->at == start)
                return fail(c, "a virtual function has a decimal number");

        *ret = vf;
        return 0;
}

/* "[bus:]slot[.function][vVF]", where only a hop that has one before it can have a bus. */
static int parse_hop(struct cursor *c, bool first, struct pci_hop *ret) {
        struct pci_hop hop = { .bus = PCI_HOP_NO_BUS, .vf = PCI_HOP_NO_VF };
        size_t n = count_hex_digits(c);
        uint8_t bus;
        int r;

        if (!first && n > 0 && c->text[c->at + n] == c->root_separator) {
                r = parse_bus(c, &bus);
                if (r < 0)
                        return r;
                hop.bus = bus;
                c->at++;
        }

        r = parse_slot(c, &hop.slot);
        if (r < 0)
                return r;

        if (skip_char(c, '.')) {
                r = parse_function(c, &hop.function);
                if (r < 0)
                        return r;
        }

        if (skip_char(c, 'v') || skip_char(c, 'V')) {
                r = parse_vf(c, &hop.vf);
                if (r < 0)
                        return r;
        }

        *ret = hop;
        return 0;
}

static int parse_path(struct cursor *c, struct pci_path *path) {
        int r;

        if (c->text[0] == '\0')
                return fail(c, "an empty string");

        r = find_form(c);
        if (r < 0)
                return r;

        r = parse_root(c, &path->root);
        if (r < 0)
                return r;

        path->n_hops = 0;
        do {
                if (path->n_hops == PCI_PATH_HOPS_MAX)
                        return fail(c, "more than 255 hops");

                r = parse_hop(c, path->n_hops == 0, &path->hops[path->n_hops]);
                if (r < 0)
                        return r;

                path->n_hops++;
        } while (skip_char(c, c->hop_separator));

        if (c->text[c->at] != '\0')
                return fail(c, "unexpected character after a hop");

        return 0;
}

/**
 * pci_path_parse() - parse a PCI path in any form that pcipath-names(7) allows as input
 * @text: NUL-terminated, of any length and content
 * @ret: the path, untouched on failure
 * @ret_error: where and why, set on failure only; may be NULL
 *
 * Accepts both forms, both cases, slots of one or two digits, a missing function (0) and a missing domain (0000).
 * Rejects everything else, such as signs, spaces and "0x".
 *
 * Return: 0, or -EINVAL.
 */
int pci_path_parse(const char *text, struct pci_path *ret, struct pci_path_error *ret_error) {
        struct cursor c = { .text = text };
        struct pci_path path;
        int r;

        r = parse_path(&c, &path);
        if (r < 0) {
                if (ret_error)
                        *ret_error = c.error;
                return r;
        }

        ret->root = path.root;
        ret->n_hops = path.n_hops;
        memcpy(ret->hops, path.hops, path.n_hops * sizeof(path.hops[0]));
        return 0;
}

/* "DDDD:BB", with four to eight digits of domain (the kernel prints %04x). */
static int parse_sysname_root(struct cursor *c, struct pci_root *ret) {
        size_t n = count_hex_digits(c);

        if (n < 4 || n > 8)
                return -EINVAL;

        *ret = (struct pci_root){ .type = PCI_ROOT_BUS, .domain = parse_hex(c, n) };
        return skip_char(c, ':') ? parse_bus(c, &ret->bus) : -EINVAL;
}

/**
 * pci_hop_parse_sysname() - parse the slot and function of the kernel's name of a PCI function, DDDD:BB:SS.F
 *
 * Return: 0, or -EINVAL when @sysname has another format.
 */
int pci_hop_parse_sysname(const char *sysname, struct pci_hop *ret) {
        struct cursor c = { .text = sysname, .hop_separator = '/', .root_separator = ':' };
        struct pci_hop hop = { .bus = PCI_HOP_NO_BUS, .vf = PCI_HOP_NO_VF };
        struct pci_root unused;

        if (parse_sysname_root(&c, &unused) < 0 || !skip_char(&c, ':') || count_hex_digits(&c) != 2 ||
            parse_slot(&c, &hop.slot) < 0 || !skip_char(&c, '.') || parse_function(&c, &hop.function) < 0 ||
            sysname[c.at] != '\0')
                return -EINVAL;

        *ret = hop;
        return 0;
}

/**
 * pci_root_parse_sysname() - parse the kernel's name of a PCI host bridge, pciDDDD:BB
 *
 * Return: 0, or -EINVAL when @sysname has another format.
 */
int pci_root_parse_sysname(const char *sysname, struct pci_root *ret) {
        struct cursor c = { .text = sysname };
        struct pci_root root;

        if (!skip_char(&c, 'p') || !skip_char(&c, 'c') || !skip_char(&c, 'i') || parse_sysname_root(&c, &root) < 0 ||
            sysname[c.at] != '\0')
                return -EINVAL;

        *ret = root;
        return 0;
}

/**
 * pci_root_parse_guid() - parse a VMBus device's device_id, {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}
 *
 * Return: 0, or -EINVAL when @text has another format.
 */
int pci_root_parse_guid(const char *text, struct pci_root *ret) {
        struct pci_root root = { .type = PCI_ROOT_VMBUS };
        struct cursor c = { .text = text };

        if (!skip_char(&c, '{'))
                return -EINVAL;
        for (size_t i = 0; i < 16; i++) {
                if ((i == 4 || i == 6 || i == 8 || i == 10) && !skip_char(&c, '-'))
                        return -EINVAL;
                if (count_hex_digits(&c) < 2)
                        return -EINVAL;
                root.guid[i] = (uint8_t) parse_hex(&c, 2);
        }
        if (!skip_char(&c, '}') || text[c.at] != '\0')
                return -EINVAL;

        *ret = root;
        return 0;
}
