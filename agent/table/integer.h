/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of one width as 64-bit integers in their natural order, so that neighbours have small differences. What has
 * no such form (a negative zero, a time past midnight, a float) stays bytes.
 */
#ifndef AGENT_TABLE_INTEGER_H
#define AGENT_TABLE_INTEGER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/table/value.h"

/* True for the types of which integer_from_value knows a form. */
bool integer_type(enum column_type type);
/* `bytes` are column_type_size(type) long. False where integer_to_value would not give back the very same bytes. */
bool integer_from_value(enum column_type type, const uint8_t *bytes, int64_t *integer);
/* False where no value of the type has this integer. */
bool integer_to_value(enum column_type type, int64_t integer, uint8_t *bytes);

#endif
