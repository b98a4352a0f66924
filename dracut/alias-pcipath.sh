#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Compiles the aliases of pcipath-aliases(5) before udevd starts, in an image without systemd. With systemd pcipath-alias.service does.
# It runs before parse-pcipath.sh, which looks up aliases.

# shellcheck source=/dev/null
. /lib/pcipath-lib.sh
pcipath_apply_aliases "$(getcmdline)" | while read -r line; do
    warn "$line"
done
