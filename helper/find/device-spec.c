/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <stdio.h>

#include "device-spec.h"
#include "util.h"

/* Enough for the longest path of any format and a suffix. */
#define DEVICE_SPEC_MAX (FORMAT_MAX + LINK_NAME_MAX)

static int refuse(struct pci_path_error *ret_error, size_t offset, const char *reason) {
        if (ret_error)
                *ret_error = (struct pci_path_error){ .offset = offset, .reason = reason };
        return -EINVAL;
}

static const char *find_last(const char *text, const char *prefix) {
        const char *found = NULL;

        for (const char *p = strstr(text, prefix); p; p = strstr(p + 1, prefix))
                found = p;

        return found;
}

/* Cut ",type=TYPE" off the end. Return: 0, also when there is none, or -EINVAL. */
static int cut_type(char *text, size_t *ret_offset, struct pci_path_error *ret_error) {
        static const char prefix[] = ",type=";
        char *found = strstr(text, prefix);
        size_t length;

        *ret_offset = 0;
        if (!found)
                return 0;

        *ret_offset = (size_t) (found - text) + strlen(prefix);
        length = strspn(text + *ret_offset, "0123456789abcdefghijklmnopqrstuvwxyz_-");
        if (length == 0 || text[*ret_offset + length] != '\0')
                return refuse(ret_error, *ret_offset + length,
                              "the type must be the name of a subsystem, and the last part");

        *found = '\0';
        return 0;
}

/* Cut ",part=N" or "-partN" off the end. Return: 0, also when there is none, or -EINVAL. */
static int cut_part(char *text, unsigned *ret, struct pci_path_error *ret_error) {
        const char *prefix = strstr(text, ",part=") ? ",part=" : PARTITION_SUFFIX;
        const char *found = find_last(text, prefix), *digits;
        char *end;
        unsigned long part;

        *ret = 0;
        if (!found)
                return 0;

        digits = found + strlen(prefix);
        part = strtoul(digits, &end, 10);
        if (*digits < '1' || *digits > '9' || *end != '\0' || part > 65535)
                return refuse(ret_error, (size_t) (digits - text), "the partition must be a number from 1 to 65535");

        text[found - text] = '\0';
        *ret = (unsigned) part;
        return 0;
}

/*
 * Find the suffix in the flat form: a '-', two letters or more, and a '-', as in "-nvme-", "-scsi-", "-fc-". No hop has
 * this form: a slot has two digits and is at most 1f.
 */
static size_t find_flat_suffix(const char *text) {
        for (const char *p = strchr(text, '-'); p; p = strchr(p + 1, '-')) {
                size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz");

                if (n >= 2 && p[1 + n] == '-')
                        return (size_t) (p - text);
        }

        return strlen(text);
}

/*
 * Find the suffix of an interface in the flat form, which follows the last hop: "02.0-00.0np0", "02.0-00.0v3d1".
 * Return: the length of the text when there is none.
 */
static size_t find_flat_port(const char *text) {
        for (const char *p = strchr(text, '.'); p; p = strchr(p + 1, '.')) {
                const char *after = p + 2;

                if (p[1] < '0' || p[1] > '7')
                        continue;
                if (*after == 'v')
                        after += 1 + strspn(after + 1, "0123456789");
                if (interface_suffix_span(after) > 0 && !strchr(after, ','))
                        return (size_t) (after - text);
        }

        return strlen(text);
}

/* UEFI's format contains commas, QEMU's contains '-'. */
static size_t find_suffix(const char *text) {
        const char *after = strrchr(text, ')'), *last = strrchr(text, '/');
        const char *comma = strchr((after ?: last) ?: text, ',');

        /* QEMU's function, "/scsi@3,1". */
        if (comma && text[0] == '/' && comma[1] >= '0' && comma[1] <= '9')
                comma = strchr(comma + 1, ',');
        if (comma)
                return (size_t) (comma - text);

        return text[0] == '/' || after ? strlen(text) : find_flat_suffix(text);
}

/*
 * Move the suffix of an interface from the text to the selector. It begins at @at. Return: 0, or -EINVAL.
 */
static int cut_interface(char *text, size_t at, struct selector *selector, struct pci_path_error *ret_error) {
        const char *suffix = text + at;
        size_t n = 0;

        if (selector->part > 0)
                return refuse(ret_error, at, "an interface has no partitions");
        if (strlen(suffix) > INTERFACE_NAME_MAX)
                return refuse(ret_error, at, "the suffix is longer than any interface name");
        if (*suffix == INTERFACE_SUB_FUNCTION) {
                n = strspn(++suffix, "0123456789");
                if (n > SUB_FUNCTION_MAX)
                        return refuse(ret_error, at + 1, "no sub-function has such a number");
                memcpy(selector->sub_function, suffix, n);
                selector->sub_function[n] = '\0';
        }

        selector->is_interface = true;
        strcpy(selector->suffix, suffix + n);
        return 0;
}

static int cut_suffix(char *text, struct selector *selector, struct pci_path_error *ret_error) {
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:.-";
        size_t at = find_suffix(text), length;
        int r;

        if (text[at] == '\0') {
                at = find_flat_port(text);
                if (text[0] == '/' || strchr(text, '(') || text[at] == '\0')
                        return 0;
                r = cut_interface(text, at, selector, ret_error);
                text[at] = '\0';
                return r;
        }
        if (text[at + 1] == '\0')
                return refuse(ret_error, at, "the suffix is empty");
        length = interface_suffix_span(text + at + 1);
        if (!is_disk_suffix(text + at + 1) && text[at] == ',' && length > 0 && text[at + 1 + length] == '\0') {
                r = cut_interface(text, at + 1, selector, ret_error);
                text[at] = '\0';
                return r;
        }
        if (!is_disk_suffix(text + at + 1))
                // clang-format off
                return refuse(ret_error, at + 1, "unknown suffix: a suffix begins with " SUFFIX_ATA ", " SUFFIX_FC ", "
                              SUFFIX_NVME ", " SUFFIX_SAS ", " SUFFIX_SCSI ", " SUFFIX_SUB_FUNCTION " or " SUFFIX_USB
                              "; that of an interface is like np0, d1 or S88");
        // clang-format on
        length = strspn(text + at + 1, allowed);
        if (text[at + 1 + length] != '\0')
                return refuse(ret_error, at + 1 + length, "a suffix cannot contain this character");
        if (length > LINK_NAME_MAX)
                return refuse(ret_error, at, "the suffix is longer than any link name");

        strcpy(selector->suffix, text + at + 1);
        text[at] = '\0';
        return 0;
}

/*
 * Move "sf-N" from the start of the suffix to the selector's sub-function. Return: 0, also when there is none, or
 * -EINVAL.
 */
static int cut_sub_function(struct selector *selector, struct pci_path_error *ret_error, size_t offset) {
        const char *number = selector->suffix + strlen(SUFFIX_SUB_FUNCTION), *rest;
        size_t n;

        if (selector->is_interface ||
            strncmp(selector->suffix, SUFFIX_SUB_FUNCTION, strlen(SUFFIX_SUB_FUNCTION)) != 0)
                return 0;
        n = strspn(number, "0123456789");
        rest = number + n;
        if (n == 0 || n > SUB_FUNCTION_MAX || (n > 1 && *number == '0') || (*rest != '\0' && *rest != '-'))
                return refuse(ret_error, offset + strlen(SUFFIX_SUB_FUNCTION), "a sub-function is a decimal number");
        if (*rest == '-' && (rest[1] == '\0' || !is_disk_suffix(rest + 1)))
                return refuse(ret_error, offset + (size_t) (rest + 1 - selector->suffix), "not the suffix of a disk");

        memcpy(selector->sub_function, number, n);
        selector->sub_function[n] = '\0';
        rest += *rest == '-';
        memmove(selector->suffix, rest, strlen(rest) + 1);
        return 0;
}

/**
 * device_spec_parse() - parse a device spec from the command line or another program
 * @uids: for UEFI's format; may be NULL
 * @ret: its type is NULL or points into @text; untouched on failure
 *
 * Return: 0, or -EINVAL with the offset and reason in @ret_error.
 */
int device_spec_parse(const char *text, const struct uid_map *uids, struct device_spec *ret,
                      struct pci_path_error *ret_error) {
        struct device_spec spec = {};
        char copy[DEVICE_SPEC_MAX];
        size_t type;
        int r;

        if (strlen(text) >= sizeof(copy))
                return refuse(ret_error, sizeof(copy) - 1, "longer than any path");

        strcpy(copy, text);
        r = cut_type(copy, &type, ret_error);
        if (r >= 0)
                r = cut_part(copy, &spec.selector.part, ret_error);
        if (r >= 0)
                r = cut_suffix(copy, &spec.selector, ret_error);
        if (r >= 0)
                r = cut_sub_function(&spec.selector, ret_error, strlen(copy) + 1);
        if (r >= 0)
                r = format_parse_any(copy, uids, &spec.path, ret_error);
        if (r < 0)
                return r;

        spec.selector.type = type > 0 ? text + type : NULL;
        *ret = spec;
        return 0;
}

static bool is_within_parentheses(const char *text, size_t at) {
        int open = 0;

        for (size_t i = 0; i < at; i++)
                open += (text[i] == '(') - (text[i] == ')');

        return open > 0;
}

/* Does the comma belong to the first device spec of @list? */
static bool is_part_of_spec(const char *list, size_t comma) {
        const char *after = list + comma + 1;

        /* QEMU's function, "/scsi@3,1". */
        if (list[0] == '/' && *after >= '0' && *after <= '7' && (after[1] == '\0' || strchr(",/", after[1])))
                return true;

        return strncmp(after, "part=", 5) == 0 || strncmp(after, "type=", 5) == 0 || is_disk_suffix(after) ||
               interface_suffix_span(after) > 0 || is_within_parentheses(list, comma);
}

/**
 * device_spec_list_span() - get the length of the first device spec of a list
 *
 * A comma separates device specs. It also separates the parts of one device spec; no path begins like such a part.
 */
size_t device_spec_list_span(const char *list) {
        size_t at = strcspn(list, ",");

        while (list[at] != '\0' && is_part_of_spec(list, at))
                at += 1 + strcspn(list + at + 1, ",");

        return at;
}

/**
 * device_spec_print_link() - make the link name of a disk or partition, which need not exist
 *
 * The disks of a function with several disks have no link without a suffix. Only the machine itself knows whether that
 * is so.
 *
 * Return: 0, -EINVAL when @spec does not select a disk, or -E2BIG when the name is too long for a file and thus never
 * exists.
 */
int device_spec_print_link(const struct device_spec *spec, char buf[static DEVICE_SPEC_LINK_MAX]) {
        const struct selector *selector = &spec->selector;
        char flat[PCI_PATH_STRING_MAX], part[sizeof(PARTITION_SUFFIX "65535")] = "";
        int n;

        if (selector->is_interface || (selector->type && !streq(selector->type, "block")))
                return -EINVAL;

        pci_path_print(&spec->path, PCI_PATH_FLAT, flat);
        if (selector->part > 0)
                snprintf(part, sizeof(part), PARTITION_SUFFIX "%u", selector->part & UINT16_MAX);

        n = snprintf(buf, DEVICE_SPEC_LINK_MAX, DISK_LINKS "%s%s%s%s%s%s", flat,
                     selector->sub_function[0] != '\0' ? "-" SUFFIX_SUB_FUNCTION : "",
                     selector->sub_function, selector->suffix[0] != '\0' ? "-" : "", selector->suffix, part);
        return n < (int) DEVICE_SPEC_LINK_MAX ? 0 : -E2BIG;
}
