/* SPDX-License-Identifier: Apache-2.0 */
/* sql_variant: a base type, its properties and a value, as [MS-TDS] lays them out. */
#include "tests/sqlserver/sql_value.h"
#include "tests/sqlserver/sql_collation.h"

static size_t properties_of(struct sql_type type, uint8_t out[8])
{
	if (type_is_character(type)) {
		collation_wire(type.collation, out);
		out[5] = (uint8_t)type.length;
		out[6] = (uint8_t)(type.length >> 8);
		return 7;
	}
	switch (type.kind) {
	case K_DECIMAL:
	case K_NUMERIC:
		out[0] = type.precision;
		out[1] = type.scale;
		return 2;
	case K_TIME:
	case K_DATETIME2:
	case K_DATETIMEOFFSET:
		out[0] = type.scale;
		return 1;
	case K_BINARY:
	case K_VARBINARY:
		out[0] = (uint8_t)type.length;
		out[1] = (uint8_t)(type.length >> 8);
		return 2;
	default:
		return 0;
	}
}

#define TOKEN_BIT 0x32 /* the one base type whose token is not its system_type_id */

void variant_make(struct value value, struct sql_type type, struct bytes *out)
{
	struct bytes scratch = { 0 };
	struct result_value wire;
	uint8_t head[10];
	size_t size = properties_of(type, head + 2);

	head[0] = type.kind == K_BIT ? TOKEN_BIT : kind_info(type.kind)->system_id;
	head[1] = (uint8_t)size;
	value_to_wire(value, type, &scratch, &wire);
	out->size = 0;
	bytes_add(out, head, size + 2);
	bytes_add(out, wire.data, wire.size);
	bytes_free(&scratch);
}

static struct sql_type read_properties(enum sql_kind kind, const uint8_t *p, size_t size)
{
	switch (kind) {
	case K_DECIMAL:
	case K_NUMERIC:
		return size < 2 ? type_simple(K_NONE) : type_make(kind, p[0], p[1], 0);
	case K_TIME:
	case K_DATETIME2:
	case K_DATETIMEOFFSET:
		return size < 1 ? type_simple(K_NONE) : type_make(kind, p[0], 0, 0);
	case K_BINARY:
	case K_VARBINARY:
		return size < 2 ? type_simple(K_NONE) : type_make(kind, p[0] | p[1] << 8, 0, 0);
	case K_CHAR:
	case K_VARCHAR:
		return size < 7 ? type_simple(K_NONE) : type_make(kind, p[5] | p[6] << 8, 0, collation_from_wire(p));
	case K_NCHAR:
	case K_NVARCHAR:
		return size < 7 ? type_simple(K_NONE) : type_make(kind, (p[5] | p[6] << 8) / 2, 0, collation_from_wire(p));
	default:
		return type_simple(kind);
	}
}

struct sql_type variant_open(struct value variant, struct bytes *scratch, struct value *value)
{
	const uint8_t *p = (const uint8_t *)variant.data;

	*value = value_null();
	if (variant.storage != STORE_BLOB || variant.size < 2 || variant.size < 2u + p[1])
		return type_simple(K_NONE);
	struct sql_type type = read_properties(p[0] == TOKEN_BIT ? K_BIT : kind_from_system(p[0]), p + 2, p[1]);
	struct result_value wire = { p + 2 + p[1], variant.size - 2 - p[1] };

	if (value_from_wire(&wire, type, scratch, value))
		return type_simple(K_NONE);
	return type;
}
