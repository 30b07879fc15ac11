/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql_variant put together again: from its bytes and properties, as select.h reads them, to the body that TDS sends
 * (base type, length of properties, properties, data), which is what a row group keeps and a bulk load writes.
 */
#ifndef AGENT_SQL_VARIANT_H
#define AGENT_SQL_VARIANT_H

#include "agent/sql/select.h"

#define VARIANT_BODY_MAX 8016
#define VARIANT_COLLATIONS_MAX 64

/* Collations by name with the five bytes that TDS has for them. */
struct variant_collations {
	struct {
		char name[128];
		uint8_t bytes[5];
	} list[VARIANT_COLLATIONS_MAX];
	size_t count;
};

/*
 * bytes: the value's result; extra: its VARIANT_EXTRAS results. Writes the body and returns its length; 0 for NULL;
 * -EPROTO where what came is not what select.h asked for, or a base type or collation is not known.
 */
int variant_body(uint8_t body[VARIANT_BODY_MAX], const struct value *bytes, const struct value *extra,
	const struct variant_collations *collations);

#endif
