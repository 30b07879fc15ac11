/* SPDX-License-Identifier: Apache-2.0 */
/* How each column goes into a bulk stream: its TYPE_INFO, its declaration, its place in the order. */
#include <errno.h>
#include <string.h>

#include "agent/sql/bulk.h"
#include "agent/sql/select.h"
#include "agent/table/bytes.h"
#include "agent/table/utf.h"

/* Tokens of types that have no NULL, which the server tells for NOT NULL columns, and their sizes. */
static const struct {
	uint8_t token, size;
} fixed_types[] = {
	{ 0x30, 1 },
	{ 0x32, 1 },
	{ 0x34, 2 },
	{ 0x38, 4 },
	{ 0x7f, 8 },
	{ 0x3a, 4 },
	{ 0x3b, 4 },
	{ 0x3c, 8 },
	{ 0x3d, 8 },
	{ 0x3e, 8 },
	{ 0x7a, 4 },
};

static int take_fixed(struct bulk_column *column, const uint8_t *info)
{
	for (size_t i = 0; i < sizeof fixed_types / sizeof fixed_types[0]; i++)
		if (fixed_types[i].token == info[0]) {
			column->fixed = true;
			column->size = fixed_types[i].size;
			column->type_info[0] = info[0];
			column->type_info_size = 1;
			return 0;
		}
	return -EPROTO;
}

static int copy_info(struct bulk_column *column, const uint8_t *info, size_t info_size, size_t wanted)
{
	if (info_size < wanted)
		return -EPROTO;
	memcpy(column->type_info, info, wanted);
	column->type_info_size = wanted;
	return 0;
}

static uint8_t moment_size(uint8_t token, uint8_t scale)
{
	size_t size = scale <= 2 ? 3 : scale <= 4 ? 4 : 5;

	return (uint8_t)(token == 0x29 ? size : token == 0x2a ? size + 3 : size + 5);
}

/* A (max) type of the token, with the collation that stands at `collation`, NULL for bytes. */
static int as_max(struct bulk_column *column, uint8_t token, const uint8_t *collation)
{
	column->plp = true;
	column->type_info[0] = token;
	put_number(column->type_info + 1, 0xffff, 2);
	column->type_info_size = 3;
	if (collation) {
		memcpy(column->type_info + 3, collation, 5);
		column->type_info_size = 8;
	}
	return 0;
}

/* Types whose TYPE_INFO tells a length in two bytes. */
static int take_string(struct bulk_column *column, const uint8_t *info, size_t info_size, size_t wanted)
{
	int result = copy_info(column, info, info_size, wanted);

	if (result == 0)
		column->plp = get_number(info + 1, 2) == 0xffff;
	return result;
}

static int take_sized(struct bulk_column *column, const uint8_t *info, size_t info_size)
{
	int result = copy_info(column, info, info_size, 2);

	if (result == 0)
		column->size = info[1];
	return result;
}

static int take_moment(struct bulk_column *column, const uint8_t *info, size_t info_size)
{
	int result = copy_info(column, info, info_size, 2);

	if (result < 0 || info[1] > 7)
		return -EPROTO;
	column->scale = info[1];
	column->size = moment_size(info[0], info[1]);
	return 0;
}

/* The most that a sql_variant takes: 8 000 bytes and what describes them. */
static int describe_variant(struct bulk_column *column)
{
	static const uint8_t info[5] = { 0x62, 0x49, 0x1f, 0, 0 };

	return copy_info(column, info, sizeof info, sizeof info);
}

static int take_info(struct bulk_column *column, const uint8_t *info, size_t size)
{
	switch (info[0]) {
	case 0x26:
	case 0x68:
	case 0x6d:
	case 0x6e:
	case 0x6f:
	case 0x24:
		return take_sized(column, info, size);
	case 0x6a:
	case 0x6c:
		column->size = size >= 4 ? info[1] : 0;
		return column->size && column->size <= 17 ? copy_info(column, info, size, 4) : -EPROTO;
	case 0x28:
		column->size = 3;
		return copy_info(column, info, size, 1);
	case 0x29:
	case 0x2a:
	case 0x2b:
		return take_moment(column, info, size);
	case 0xa5:
	case 0xad:
		return take_string(column, info, size, 3);
	case 0xa7:
	case 0xaf:
	case 0xe7:
	case 0xef:
		return take_string(column, info, size, 8);
	case 0x22:
		return as_max(column, 0xa5, NULL);
	case 0x23:
		return size >= 10 ? as_max(column, 0xa7, info + 5) : -EPROTO;
	case 0x63:
		return size >= 10 ? as_max(column, 0xe7, info + 5) : -EPROTO;
	default:
		return take_fixed(column, info);
	}
}

static bool is_cast(enum column_type type)
{
	return type == COLUMN_XML || type == COLUMN_UDT || type == COLUMN_VARIANT;
}

static void add_described(struct statement *statement, const struct catalogue_column *column)
{
	enum column_type type = catalogue_column_type(column);

	statement_add(statement, is_cast(type) ? "CAST(" : "");
	statement_name(statement, column->name);
	if (is_cast(type))
		statement_add(statement, " AS %s)",
			type == COLUMN_XML       ? "nvarchar(max)"
				: type == COLUMN_UDT ? "varbinary(max)"
									 : "varbinary(8000)");
}

static void add_target(struct statement *statement, const struct bulk_target *target)
{
	if (target->instead)
		statement_add(statement, "%s", target->instead);
	else
		statement_table(statement, target->table);
}

void bulk_describe(struct statement *statement, const struct bulk_target *target)
{
	const struct catalogue_layout *layout = target->layout;
	const char *separator = "SELECT TOP (0) ";

	for (size_t i = 0; i < layout->layout.column_count; i++) {
		if (layout->columns[i].derived)
			continue;
		statement_add(statement, "%s", separator);
		add_described(statement, &target->table->columns[layout->source[i]]);
		separator = ", ";
	}
	statement_add(statement, " FROM ");
	add_target(statement, target);
}

int bulk_column(
	struct bulk_column *column, const struct catalogue_column *of, const void *info, size_t info_size, uint16_t flags)
{
	size_t expected, name = strlen(of->name);
	ssize_t written;
	int result;

	memset(column, 0, sizeof *column);
	if (!info_size || name > sizeof column->name * 2)
		return -EPROTO;
	column->type = catalogue_column_type(of);
	/* Of a column that was cast the server tells the flags of an expression. */
	column->flags = is_cast(column->type) ? (uint16_t)(0x08 | of->nullable) : flags;
	uint8_t utf16[sizeof column->name * 4];
	written = utf16_put(utf16, (const uint8_t *)of->name, name);
	if (written < 0 || (size_t)written > sizeof column->name)
		return -EINVAL;
	memcpy(column->name, utf16, (size_t)written);
	column->name_size = (size_t)written;
	result = column->type == COLUMN_VARIANT ? describe_variant(column) : take_info(column, info, info_size);
	if (result < 0)
		return result;
	/* The server's idea of the size and the canonical form must be of the same type. */
	expected = column_type_size(column->type);
	if (column->type == COLUMN_DECIMAL ||
		(column->type >= COLUMN_TIME && column->type <= COLUMN_DATETIMEOFFSET && column->type != COLUMN_DATETIME &&
			column->type != COLUMN_SMALLDATETIME))
		return column->size && column->size <= expected ? 0 : -EPROTO;
	return column->size == expected ? 0 : -EPROTO;
}

/* ---- the statement ---- */

static void add_length(struct statement *statement, const char *name, int32_t length)
{
	if (length == -1)
		statement_add(statement, "%s(max)", name);
	else
		statement_add(statement, "%s(%d)", name, length);
}

static void add_type_name(struct statement *statement, const struct catalogue_column *column)
{
	switch (catalogue_column_type(column)) {
	case COLUMN_DECIMAL:
		statement_add(statement, "%s(%d, %d)", column->type, column->precision, column->scale);
		break;
	case COLUMN_TIME:
	case COLUMN_DATETIME2:
	case COLUMN_DATETIMEOFFSET:
		statement_add(statement, "%s(%d)", column->type, column->scale);
		break;
	case COLUMN_CHAR:
	case COLUMN_VARCHAR:
	case COLUMN_BINARY:
	case COLUMN_VARBINARY:
		add_length(statement, column->type, column->max_length);
		break;
	case COLUMN_NCHAR:
	case COLUMN_NVARCHAR:
		add_length(statement, column->type, column->max_length == -1 ? -1 : column->max_length / 2);
		break;
	case COLUMN_TEXT:
		statement_add(statement, "varchar(max)");
		break;
	case COLUMN_NTEXT:
	case COLUMN_XML:
		statement_add(statement, "nvarchar(max)");
		break;
	case COLUMN_IMAGE:
	case COLUMN_UDT:
		statement_add(statement, "varbinary(max)");
		break;
	default:
		statement_add(statement, "%s", column->type);
	}
}

void bulk_type(struct statement *statement, const struct catalogue_column *column)
{
	add_type_name(statement, column);
	if (*column->collation)
		statement_add(statement, " COLLATE %s", column->collation);
}

/* A key that is sent as something else, a hierarchyid as bytes for instance, is for the server to sort. */
static bool sent_in_order(const struct bulk_target *target)
{
	const struct catalogue_layout *layout = target->layout;

	for (size_t i = 0; i < layout->clustered_count; i++)
		if (is_cast(layout->columns[layout->order[i]].type))
			return false;
	return layout->clustered && layout->clustered_count && !target->instead;
}

static void add_order(
	struct statement *statement, const struct catalogue_table *table, const struct catalogue_layout *layout)
{
	statement_add(statement, ", ORDER (");
	for (size_t i = 0; i < layout->clustered_count; i++) {
		statement_add(statement, i ? ", " : "");
		statement_name(statement, table->columns[layout->source[layout->order[i]]].name);
		statement_add(statement, layout->descending[i] ? " DESC" : " ASC");
	}
	statement_add(statement, ")");
}

void bulk_statement(struct statement *statement, const struct bulk_target *target)
{
	const struct catalogue_layout *layout = target->layout;
	const char *separator = "";

	statement_add(statement, "INSERT BULK ");
	add_target(statement, target);
	statement_add(statement, " (");
	for (size_t i = 0; i < layout->layout.column_count; i++) {
		const struct catalogue_column *column = &target->table->columns[layout->source[i]];
		if (layout->columns[i].derived)
			continue;
		statement_add(statement, "%s", separator);
		statement_name(statement, column->name);
		statement_add(statement, " ");
		bulk_type(statement, column);
		separator = ", ";
	}
	statement_add(statement, ") WITH (KEEP_NULLS, TABLOCK");
	if (sent_in_order(target))
		add_order(statement, target->table, layout);
	statement_add(statement, ")");
}
