/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_type.h"
#include "tests/sqlserver/sql_collation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct kind_info kinds[K_COUNT] = {
	[K_NONE] = { "?", 0, 0, 0, 0, 0, 0, STORE_INT, TDS_INTN },
	[K_BIT] = { "bit", 104, 104, 1, 1, 0, 10, STORE_INT, TDS_BITN },
	[K_TINYINT] = { "tinyint", 48, 48, 1, 3, 0, 11, STORE_INT, TDS_INTN },
	[K_SMALLINT] = { "smallint", 52, 52, 2, 5, 0, 12, STORE_INT, TDS_INTN },
	[K_INT] = { "int", 56, 56, 4, 10, 0, 13, STORE_INT, TDS_INTN },
	[K_BIGINT] = { "bigint", 127, 127, 8, 19, 0, 14, STORE_INT, TDS_INTN },
	[K_DECIMAL] = { "decimal", 106, 106, 17, 38, 38, 17, STORE_BLOB, TDS_DECIMALN },
	[K_NUMERIC] = { "numeric", 108, 108, 17, 38, 38, 17, STORE_BLOB, TDS_NUMERICN },
	[K_SMALLMONEY] = { "smallmoney", 122, 122, 4, 10, 4, 15, STORE_INT, TDS_MONEYN },
	[K_MONEY] = { "money", 60, 60, 8, 19, 4, 16, STORE_INT, TDS_MONEYN },
	[K_REAL] = { "real", 59, 59, 4, 24, 0, 18, STORE_REAL, TDS_FLTN },
	[K_FLOAT] = { "float", 62, 62, 8, 53, 0, 19, STORE_REAL, TDS_FLTN },
	[K_DATE] = { "date", 40, 40, 3, 10, 0, 21, STORE_INT, TDS_DATE },
	[K_TIME] = { "time", 41, 41, 5, 16, 7, 20, STORE_INT, TDS_TIME },
	[K_SMALLDATETIME] = { "smalldatetime", 58, 58, 4, 16, 0, 22, STORE_INT, TDS_DATETIMN },
	[K_DATETIME] = { "datetime", 61, 61, 8, 23, 3, 23, STORE_INT, TDS_DATETIMN },
	[K_DATETIME2] = { "datetime2", 42, 42, 8, 27, 7, 24, STORE_INT, TDS_DATETIME2 },
	[K_DATETIMEOFFSET] = { "datetimeoffset", 43, 43, 10, 34, 7, 25, STORE_BLOB, TDS_DATETIMEOFFSET },
	[K_GUID] = { "uniqueidentifier", 36, 36, 16, 0, 0, 9, STORE_BLOB, TDS_GUID },
	[K_CHAR] = { "char", 175, 175, 8000, 0, 0, 4, STORE_TEXT, TDS_BIGCHAR },
	[K_VARCHAR] = { "varchar", 167, 167, 8000, 0, 0, 5, STORE_TEXT, TDS_BIGVARCHAR },
	[K_TEXT] = { "text", 35, 35, 16, 0, 0, 5, STORE_TEXT, TDS_TEXT },
	[K_NCHAR] = { "nchar", 239, 239, 8000, 0, 0, 6, STORE_TEXT, TDS_NCHAR },
	[K_NVARCHAR] = { "nvarchar", 231, 231, 8000, 0, 0, 7, STORE_TEXT, TDS_NVARCHAR },
	[K_NTEXT] = { "ntext", 99, 99, 16, 0, 0, 7, STORE_TEXT, TDS_NTEXT },
	[K_SYSNAME] = { "sysname", 231, 256, 256, 0, 0, 7, STORE_TEXT, TDS_NVARCHAR },
	[K_BINARY] = { "binary", 173, 173, 8000, 0, 0, 1, STORE_BLOB, TDS_BIGBINARY },
	[K_VARBINARY] = { "varbinary", 165, 165, 8000, 0, 0, 2, STORE_BLOB, TDS_BIGVARBINARY },
	[K_IMAGE] = { "image", 34, 34, 16, 0, 0, 2, STORE_BLOB, TDS_IMAGE },
	[K_TIMESTAMP] = { "timestamp", 189, 189, 8, 0, 0, 3, STORE_BLOB, TDS_BIGBINARY },
	[K_XML] = { "xml", 241, 241, -1, 0, 0, 26, STORE_TEXT, TDS_XML },
	[K_VARIANT] = { "sql_variant", 98, 98, 8016, 0, 0, 27, STORE_BLOB, TDS_VARIANT },
	[K_HIERARCHYID] = { "hierarchyid", 240, 128, 892, 0, 0, 28, STORE_BLOB, TDS_UDT },
	[K_GEOMETRY] = { "geometry", 240, 129, -1, 0, 0, 28, STORE_BLOB, TDS_UDT },
	[K_GEOGRAPHY] = { "geography", 240, 130, -1, 0, 0, 28, STORE_BLOB, TDS_UDT },
};

static const struct {
	const char *name;
	enum sql_kind kind;
} synonyms[] = {
	{ "integer", K_INT },
	{ "dec", K_DECIMAL },
	{ "rowversion", K_TIMESTAMP },
	{ "character", K_CHAR },
	{ "double precision", K_FLOAT },
	{ "binary varying", K_VARBINARY },
	{ "char varying", K_VARCHAR },
	{ "character varying", K_VARCHAR },
	{ "national char", K_NCHAR },
	{ "national character", K_NCHAR },
	{ "national char varying", K_NVARCHAR },
	{ "national character varying", K_NVARCHAR },
	{ "national text", K_NTEXT },
};

const struct kind_info *kind_info(unsigned kind)
{
	return &kinds[kind < K_COUNT ? kind : K_NONE];
}

enum sql_kind kind_find(const char *name)
{
	for (unsigned kind = 1; kind < K_COUNT; kind++)
		if (!strcasecmp(kinds[kind].name, name))
			return (enum sql_kind)kind;
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(*synonyms); i++)
		if (!strcasecmp(synonyms[i].name, name))
			return synonyms[i].kind;
	return K_NONE;
}

enum sql_kind kind_from_system(unsigned system_type_id)
{
	for (unsigned kind = 1; kind < K_COUNT; kind++)
		if (kinds[kind].system_id == system_type_id)
			return (enum sql_kind)kind;
	return K_NONE;
}

bool type_is_character(struct sql_type type)
{
	return type.kind >= K_CHAR && type.kind <= K_SYSNAME;
}

bool type_is_unicode(struct sql_type type)
{
	return type.kind >= K_NCHAR && type.kind <= K_SYSNAME;
}

bool type_is_binary(struct sql_type type)
{
	return type.kind >= K_BINARY && type.kind <= K_TIMESTAMP;
}

bool type_is_integer(struct sql_type type)
{
	return type.kind >= K_BIT && type.kind <= K_BIGINT;
}

bool type_is_exact(struct sql_type type)
{
	return type.kind >= K_DECIMAL && type.kind <= K_MONEY;
}

bool type_is_number(struct sql_type type)
{
	return type.kind >= K_BIT && type.kind <= K_FLOAT;
}

bool type_is_date(struct sql_type type)
{
	return type.kind >= K_DATE && type.kind <= K_DATETIMEOFFSET;
}

bool type_is_large(struct sql_type type)
{
	return type.kind == K_TEXT || type.kind == K_NTEXT || type.kind == K_IMAGE || type.kind == K_XML ||
		type.kind >= K_HIERARCHYID || type.length == LENGTH_MAX;
}

bool type_equal(struct sql_type a, struct sql_type b)
{
	return type_pack(a) == type_pack(b);
}

struct sql_type type_simple(enum sql_kind kind)
{
	const struct kind_info *info = kind_info(kind);
	struct sql_type type = { .kind = (uint8_t)kind, .precision = info->precision, .scale = info->scale };

	type.length = info->max_length < 0 ? LENGTH_MAX : (uint16_t)info->max_length;
	if (kind == K_DECIMAL || kind == K_NUMERIC)
		return type_make(kind, -1, -1, 0);
	if (info->storage == STORE_TEXT && kind != K_XML)
		type.collation = COLLATION_DEFAULT;
	return type;
}

static uint16_t decimal_bytes(int precision)
{
	return precision <= 9 ? 5 : precision <= 19 ? 9 : precision <= 28 ? 13 : 17;
}

static struct sql_type make_scaled(enum sql_kind kind, int length)
{
	struct sql_type type = type_simple(kind);
	uint8_t scale = (uint8_t)(length < 0 ? 7 : length);
	uint16_t bytes = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
	uint8_t digits = kind == K_TIME ? 8 : kind == K_DATETIME2 ? 19 : 26;

	type.scale = scale;
	type.precision = (uint8_t)(digits + (scale ? scale + 1 : 0));
	type.length = (uint16_t)(bytes + (kind == K_TIME ? 0 : kind == K_DATETIME2 ? 3 : 5));
	return type;
}

struct sql_type type_make(enum sql_kind kind, int length, int scale, uint16_t collation)
{
	struct sql_type type = { .kind = (uint8_t)kind };

	switch (kind) {
	case K_DECIMAL:
	case K_NUMERIC:
		type.precision = (uint8_t)(length < 0 ? 18 : length);
		type.scale = (uint8_t)(scale < 0 ? 0 : scale);
		type.length = decimal_bytes(type.precision);
		return type;
	case K_FLOAT:
		return type_simple(length > 0 && length <= 24 ? K_REAL : K_FLOAT);
	case K_TIME:
	case K_DATETIME2:
	case K_DATETIMEOFFSET:
		return make_scaled(kind, length);
	case K_CHAR:
	case K_VARCHAR:
	case K_BINARY:
	case K_VARBINARY:
		type.length = (uint16_t)(length < 0 ? 1 : length);
		break;
	case K_NCHAR:
	case K_NVARCHAR:
		type.length = (uint16_t)(length < 0 ? 2 : length == (int)LENGTH_MAX ? length : length * 2);
		break;
	default:
		type = type_simple(kind);
	}
	if (type_is_character(type))
		type.collation = collation ? collation : COLLATION_DEFAULT;
	return type;
}

struct sql_type type_varchar(int characters, uint16_t collation)
{
	return type_make(K_VARCHAR, characters > 8000 ? (int)LENGTH_MAX : characters, 0, collation);
}

struct sql_type type_nvarchar(int characters, uint16_t collation)
{
	return type_make(K_NVARCHAR, characters > 4000 ? (int)LENGTH_MAX : characters, 0, collation);
}

struct sql_type type_decimal(int precision, int scale)
{
	if (precision > 38) {
		int integral = precision - scale;

		scale = integral > 32 ? (scale < 6 ? scale : 6) : 38 - integral < 0 ? 0 : 38 - integral;
		precision = 38;
	}
	return type_make(K_NUMERIC, precision, scale, 0);
}

int64_t type_pack(struct sql_type type)
{
	return (int64_t)type.kind | (int64_t)type.precision << 8 | (int64_t)type.scale << 16 | (int64_t)type.length << 24 |
		(int64_t)type.collation << 40;
}

struct sql_type type_unpack(int64_t packed)
{
	return (struct sql_type){ .kind = (uint8_t)packed,
		.precision = (uint8_t)(packed >> 8),
		.scale = (uint8_t)(packed >> 16),
		.length = (uint16_t)(packed >> 24),
		.collation = (uint16_t)(packed >> 40) };
}

void type_describe(struct sql_type type, char *out, size_t size)
{
	const char *name = kinds[type.kind].name;
	unsigned length = type.length / (type_is_unicode(type) ? 2u : 1u);

	switch (type.kind) {
	case K_CHAR:
	case K_VARCHAR:
	case K_NCHAR:
	case K_NVARCHAR:
	case K_BINARY:
	case K_VARBINARY:
		if (type.length == LENGTH_MAX)
			snprintf(out, size, "%s(max)", name);
		else
			snprintf(out, size, "%s(%u)", name, length);
		break;
	case K_DECIMAL:
	case K_NUMERIC:
		snprintf(out, size, "%s(%u,%u)", name, type.precision, type.scale);
		break;
	case K_TIME:
	case K_DATETIME2:
	case K_DATETIMEOFFSET:
		snprintf(out, size, "%s(%u)", name, type.scale);
		break;
	default:
		snprintf(out, size, "%s", name);
	}
}
