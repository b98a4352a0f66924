/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "array.h"
#include "format-text.h"
#include "string-list.h"
#include "util.h"

void string_list_clear(struct string_list *list) {
        for (size_t i = 0; i < list->n; i++)
                free(list->items[i]);
        free(list->items);
        *list = (struct string_list){};
}

/* Takes over @text; NULL when there was no memory for it. */
static int append(struct string_list *list, char *text) {
        if (!text || array_grow(list->items, list->n, 2) < 0) {
                free(text);
                return -ENOMEM;
        }

        list->items[list->n++] = text;
        list->items[list->n] = NULL;
        return 0;
}

/** string_list_add() - Return: 0 or -ENOMEM. */
int string_list_add(struct string_list *list, const char *text) {
        return append(list, strdup(text));
}

/** string_list_join() - add "@directory/@name". Return: 0 or -ENOMEM. */
int string_list_join(struct string_list *list, const char *directory, const char *name) {
        char *text = NULL;

        (void) format_text(&text, "%s/%s", directory, name);
        return append(list, text);
}

bool string_list_has(const struct string_list *list, const char *text) {
        for (size_t i = 0; i < list->n; i++)
                if (streq(list->items[i], text))
                        return true;

        return false;
}
