/* SPDX-License-Identifier: Apache-2.0 */
/* Types meet types: which one wins, and how the wire calls them. */
#include "tests/sqlserver/sql_type.h"
#include "tests/sqlserver/sql_collation.h"

#include <stdio.h>
#include <string.h>

static struct sql_type as_decimal(struct sql_type type)
{
	switch (type.kind) {
	case K_BIT:
		return type_decimal(1, 0);
	case K_TINYINT:
		return type_decimal(3, 0);
	case K_SMALLINT:
		return type_decimal(5, 0);
	case K_INT:
		return type_decimal(10, 0);
	case K_BIGINT:
		return type_decimal(19, 0);
	case K_SMALLMONEY:
		return type_decimal(10, 4);
	case K_MONEY:
		return type_decimal(19, 4);
	default:
		return type;
	}
}

static struct sql_type common_decimal(struct sql_type a, struct sql_type b)
{
	a = as_decimal(a);
	b = as_decimal(b);
	int scale = a.scale > b.scale ? a.scale : b.scale;
	int integral = a.precision - a.scale > b.precision - b.scale ? a.precision - a.scale : b.precision - b.scale;

	return type_decimal(integral + scale, scale);
}

static int characters(struct sql_type type)
{
	static const uint8_t text_width[K_COUNT] = {
		[K_BIT] = 1, [K_TINYINT] = 3, [K_SMALLINT] = 6, [K_INT] = 12, [K_BIGINT] = 20, [K_GUID] = 36
	};

	if (!type_is_character(type) && !type_is_binary(type))
		return text_width[type.kind] ? text_width[type.kind] : 40;
	if (type_is_large(type))
		return (int)LENGTH_MAX;
	return type_is_unicode(type) ? type.length / 2 : type.length;
}

static struct sql_type common_text(struct sql_type a, struct sql_type b, struct sql_type winner)
{
	int length = characters(a) > characters(b) ? characters(a) : characters(b);
	bool fixed = (a.kind == K_CHAR || a.kind == K_NCHAR || a.kind == K_BINARY) && a.kind == b.kind &&
		a.length == b.length;
	enum sql_kind kind = fixed    ? (enum sql_kind)a.kind
		: type_is_unicode(winner) ? K_NVARCHAR
		: type_is_binary(winner)  ? K_VARBINARY
								  : K_VARCHAR;

	if (length > (kind == K_NVARCHAR ? 4000 : 8000))
		length = (int)LENGTH_MAX;
	return type_make(kind, length, 0, a.collation ? a.collation : b.collation);
}

/* The type of higher precedence. */
static struct sql_type higher(struct sql_type a, struct sql_type b)
{
	return kind_info(a.kind)->rank >= kind_info(b.kind)->rank ? a : b;
}

struct sql_type type_common(struct sql_type a, struct sql_type b)
{
	if (type_equal(a, b) || !b.kind)
		return a;
	if (!a.kind)
		return b;
	struct sql_type winner = higher(a, b);

	if (winner.kind == K_DECIMAL || winner.kind == K_NUMERIC)
		return type_is_number(a) && type_is_number(b) ? common_decimal(a, b) : winner;
	if (type_is_character(winner) || type_is_binary(winner))
		return common_text(a, b, winner);
	return winner;
}

static void fixed_column(struct sql_type type, struct result_column *column)
{
	column->length = type.length;
	if (type.kind == K_DECIMAL || type.kind == K_NUMERIC ||
		(type_is_date(type) && type.kind != K_DATETIME && type.kind != K_SMALLDATETIME)) {
		column->precision = type.precision;
		column->scale = type.scale;
	}
	if (type.kind == K_VARIANT)
		column->length = 8009;
}

void type_to_column(struct sql_type type, struct result_column *column)
{
	column->type = kind_info(type.kind)->tds;
	fixed_column(type, column);
	if (!type.kind)
		column->length = 4;
	if (type_is_character(type))
		collation_wire(type.collation, column->collation);
	if (type.kind == K_TEXT || type.kind == K_NTEXT || type.kind == K_IMAGE)
		column->length = 0x7fffffff;
	else if (type_is_large(type))
		column->length = TDS_MAX_LENGTH;
	if (type.kind >= K_HIERARCHYID) {
		snprintf(column->udt[0], sizeof(column->udt[0]), "master");
		snprintf(column->udt[1], sizeof(column->udt[1]), "sys");
		snprintf(column->udt[2], sizeof(column->udt[2]), "%s", kind_info(type.kind)->name);
	}
}

static struct sql_type sized(const struct result_column *c, const enum sql_kind by_size[9])
{
	return type_simple(c->length <= 8 ? by_size[c->length] : K_NONE);
}

static int declared(const struct result_column *column, unsigned width)
{
	return column->length >= TDS_MAX_LENGTH ? (int)LENGTH_MAX : (int)(column->length / width);
}

struct sql_type type_from_column(const struct result_column *c)
{
	static const enum sql_kind ints[9] = { [1] = K_TINYINT, [2] = K_SMALLINT, [4] = K_INT, [8] = K_BIGINT };
	static const enum sql_kind floats[9] = { [4] = K_REAL, [8] = K_FLOAT };
	static const enum sql_kind monies[9] = { [4] = K_SMALLMONEY, [8] = K_MONEY };
	static const enum sql_kind dates[9] = { [4] = K_SMALLDATETIME, [8] = K_DATETIME };
	uint16_t collation = collation_from_wire(c->collation);

	switch (c->type) {
	case TDS_INTN:
		return sized(c, ints);
	case TDS_BITN:
		return type_simple(K_BIT);
	case TDS_FLTN:
		return sized(c, floats);
	case TDS_MONEYN:
		return sized(c, monies);
	case TDS_DATETIMN:
		return sized(c, dates);
	case TDS_DECIMALN:
		return type_make(K_DECIMAL, c->precision, c->scale, 0);
	case TDS_NUMERICN:
		return type_make(K_NUMERIC, c->precision, c->scale, 0);
	case TDS_GUID:
		return type_simple(K_GUID);
	case TDS_DATE:
		return type_simple(K_DATE);
	case TDS_TIME:
		return type_make(K_TIME, c->scale, 0, 0);
	case TDS_DATETIME2:
		return type_make(K_DATETIME2, c->scale, 0, 0);
	case TDS_DATETIMEOFFSET:
		return type_make(K_DATETIMEOFFSET, c->scale, 0, 0);
	case TDS_BIGVARBINARY:
		return type_make(K_VARBINARY, declared(c, 1), 0, 0);
	case TDS_BIGBINARY:
		return type_make(K_BINARY, declared(c, 1), 0, 0);
	case TDS_BIGVARCHAR:
		return type_make(K_VARCHAR, declared(c, 1), 0, collation);
	case TDS_BIGCHAR:
		return type_make(K_CHAR, declared(c, 1), 0, collation);
	case TDS_NVARCHAR:
		return type_make(K_NVARCHAR, declared(c, 2), 0, collation);
	case TDS_NCHAR:
		return type_make(K_NCHAR, declared(c, 2), 0, collation);
	case TDS_TEXT:
		return type_make(K_VARCHAR, (int)LENGTH_MAX, 0, collation);
	case TDS_NTEXT:
		return type_make(K_NVARCHAR, (int)LENGTH_MAX, 0, collation);
	case TDS_IMAGE:
		return type_make(K_VARBINARY, (int)LENGTH_MAX, 0, 0);
	case TDS_XML:
		return type_simple(K_XML);
	case TDS_UDT:
		return type_make(K_VARBINARY, (int)LENGTH_MAX, 0, 0);
	case TDS_VARIANT:
		return type_simple(K_VARIANT);
	}
	return type_simple(K_NONE);
}
