/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the screen share. Text from elsewhere is cleaned before it goes out. */
#ifndef AGENT_CLI_SCREEN_PRIVATE_H
#define AGENT_CLI_SCREEN_PRIVATE_H

#include "agent/cli/screen.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

void screen_colour(const struct screen *screen, const char *code);
void screen_put(const struct screen *screen, const char *code, const char *text);
/* One column of a table: right-aligned where the width is negative. */
void screen_column(const struct screen *screen, const char *text, int width);
/* No block of this type came right before. */
bool screen_begins(const struct screen *screen, const char *type);
void screen_remedy(const struct screen *screen, const char *indent, const char *remedy);
/* A line "label  value"; nothing where the value is "". */
void screen_pair(const struct screen *screen, const char *label, const char *value);
void screen_name(const struct block_fields *fields, char *name, size_t size); /* "server/database" */

/* ---- screen_status.c ---- */

void screen_progress(struct screen *screen, const struct block_fields *fields);
void screen_status(struct screen *screen, const struct block_fields *fields);
void screen_volume(struct screen *screen, const struct block_fields *fields);
void screen_database(struct screen *screen, const struct block_fields *fields);
/* As coffretd --init shows its own. */
void screen_recovery_key(struct screen *screen, const struct block_fields *fields);

#endif
