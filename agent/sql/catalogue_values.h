/* SPDX-License-Identifier: Apache-2.0 */
/* Results of catalogue queries as numbers and text. */
#ifndef AGENT_SQL_CATALOGUE_VALUES_H
#define AGENT_SQL_CATALOGUE_VALUES_H

#include "agent/sql/catalogue.h"

/* An integer of any width; 0 for NULL. */
int64_t catalogue_number(const struct value *value);
/* UTF-16LE as a string of the catalogue, up to a U+0000; "" for NULL. NULL where memory ends. */
const char *catalogue_text(struct catalogue *catalogue, const struct value *value);

#endif
