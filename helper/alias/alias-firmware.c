/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The strings of SMBIOS type 11, in which a host hands over credentials as text or in base64: systemd's
 * docs/CREDENTIALS.md. The kernel has the whole table in one file (Linux 4.2), without the module dmi-sysfs.
 */

#include <stdint.h>

#include "alias-list.h"
#include "base64.h"
#include "util.h"

#define TYPE_OEM_STRINGS 11
#define TYPE_END 127
#define TEXT_PREFIX "io.systemd.credential:" ALIAS_CREDENTIAL "="
#define BASE64_PREFIX "io.systemd.credential.binary:" ALIAS_CREDENTIAL "="

static int add_base64(struct alias_list *list, const char *text, size_t n, const char *source) {
        _cleanup_free_ char *buf = malloc(n + 1);
        size_t n_buf;

        if (!buf)
                return -ENOMEM;
        if (base64_decode(text, n, buf, &n_buf) < 0)
                return alias_list_add_error(list, source, 0, "the credential " ALIAS_CREDENTIAL " is not base64");
        return alias_list_add_text(list, buf, n_buf, source);
}

static int add_string(struct alias_list *list, const char *text, size_t n, const char *source) {
        const size_t n_text = strlen(TEXT_PREFIX), n_base64 = strlen(BASE64_PREFIX);

        if (n >= n_text && memcmp(text, TEXT_PREFIX, n_text) == 0)
                return alias_list_add_text(list, text + n_text, n - n_text, source);
        if (n >= n_base64 && memcmp(text, BASE64_PREFIX, n_base64) == 0)
                return add_base64(list, text + n_base64, n - n_base64, source);
        return 0;
}

/**
 * alias_list_add_firmware() - add the aliases of a table of SMBIOS
 * @table: structures, each with a formatted area and strings; it may be cut off or malformed
 *
 * Return: 0, or -ENOMEM.
 */
int alias_list_add_firmware(struct alias_list *list, const char *table, size_t n, const char *source) {
        size_t at = 0;
        int r = 0;

        while (r >= 0 && n - at >= 4 && (uint8_t) table[at] != TYPE_END) {
                bool is_wanted = table[at] == TYPE_OEM_STRINGS;
                size_t length = (uint8_t) table[at + 1];

                if (length < 4 || length > n - at)
                        return 0;
                /* Each string ends with a null byte, and the last with another one. Without strings there are two. */
                at += length;
                if (at < n && table[at] == '\0')
                        at++;
                while (r >= 0 && at < n && table[at] != '\0') {
                        size_t span = strnlen(table + at, n - at);

                        if (is_wanted)
                                r = add_string(list, table + at, span, source);
                        at += span < n - at ? span + 1 : span;
                }
                at += at < n;
        }

        return r;
}
