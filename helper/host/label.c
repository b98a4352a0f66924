/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Labels: what a host knows of a device, besides its id. Addresses and UUIDs are stored in one form, so that a user can
 * write them in any.
 */

#include <stdio.h>

#include "ascii.h"
#include "label.h"
#include "util.h"

#define UUID_LENGTH 36

/* "52-54-00-AB-CD-EF" */
static bool print_mac(const char *text, char *buf) {
        size_t i;

        for (i = 0; text[i] != '\0'; i++) {
                bool is_separator = i % 3 == 2;

                if (i > 16 || (is_separator ? text[i] != ':' && text[i] != '-' : !ascii_isxdigit(text[i])))
                        return false;
                buf[i] = is_separator ? ':' : ascii_tolower(text[i]);
        }

        buf[i] = '\0';
        return i == 17;
}

/* "3B:00.0" */
static bool print_pci_address(const char *text, char *buf) {
        unsigned numbers[4] = {};
        int end = 0, n;

        n = strspn(text, "0123456789abcdefABCDEF:.") == strlen(text) ? 0 : -1;
        if (n == 0)
                n = sscanf(text, "%8x:%2x:%2x.%1x%n", &numbers[0], &numbers[1], &numbers[2], &numbers[3], &end);
        if (n >= 0 && n != 4) {
                numbers[0] = 0;
                n = sscanf(text, "%2x:%2x.%1x%n", &numbers[1], &numbers[2], &numbers[3], &end) == 3 ? 4 : -1;
        }
        if (n != 4 || text[end] != '\0' || numbers[2] > 0x1f || numbers[3] > 7)
                return false;
        sprintf(buf, "%04x:%02x:%02x.%x", numbers[0], numbers[1], numbers[2], numbers[3]);
        return true;
}

static bool print_uuid(const char *text, char *buf) {
        if (strlen(text) != UUID_LENGTH)
                return false;
        for (size_t i = 0; i <= UUID_LENGTH; i++) {
                bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (i < UUID_LENGTH && (is_dash ? text[i] != '-' : !ascii_isxdigit(text[i])))
                        return false;
                buf[i] = ascii_tolower(text[i]);
        }
        return true;
}

/**
 * label_normalize() - print a MAC address, PCI address or UUID in the form of labels
 *
 * Return: false if @text is none of these.
 */
bool label_normalize(const char *text, char buf[static LABEL_NORMALIZED_MAX]) {
        return print_mac(text, buf) || print_pci_address(text, buf) || print_uuid(text, buf);
}

/**
 * device_set_label() - set a label that is not set yet
 * @text: NULL or empty for none; LABEL_HOST can be a directory of /sys, whose last component counts
 *
 * Return: 0, or -ENOMEM.
 */
int device_set_label(struct device *device, enum label label, const char *text) {
        char normalized[LABEL_NORMALIZED_MAX];
        _cleanup_free_ char *copy = NULL;
        char *slash;

        if (!text || *text == '\0' || device->labels[label])
                return 0;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;

        if (label == LABEL_HOST) {
                while ((slash = strrchr(copy, '/')) && slash[1] == '\0')
                        *slash = '\0';
                if (slash)
                        memmove(copy, slash + 1, strlen(slash + 1) + 1);
        }
        if ((label == LABEL_HOST || label == LABEL_MAC) && label_normalize(copy, normalized)) {
                free(copy);
                copy = strdup(normalized);
                if (!copy)
                        return -ENOMEM;
        }

        device->labels[label] = copy;
        copy = NULL;
        return 0;
}
