/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What any process costs. */
int main(void) {
        return 0;
}
