/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical values as T-SQL expressions. Dates are written in forms that no DATEFORMAT or language can turn round. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql/statement.h"
#include "agent/table/bytes.h"

static void add_integer(struct statement *statement, const struct catalogue_column *column, const struct value *value)
{
	bool is_unsigned = value->size == 1; /* bit and tinyint */

	statement_add(statement, "CAST(%" PRId64 " AS %s)",
		is_unsigned ? *(const uint8_t *)value->data : get_signed(value->data, value->size), column->type);
}

static void add_money(struct statement *statement, const struct catalogue_column *column, const struct value *value)
{
	int64_t number = get_signed(value->data, value->size);
	uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	statement_add(statement, "CAST(%s%" PRIu64 ".%04" PRIu64 " AS %s)", number < 0 ? "-" : "", size / 10000,
		size % 10000, column->type);
}

static void add_float(struct statement *statement, const struct value *value)
{
	if (value->size == 4) {
		uint32_t bits = (uint32_t)get_number(value->data, 4);
		float number;
		memcpy(&number, &bits, sizeof number);
		statement_add(statement, "CAST(%.9e AS real)", (double)number);
	} else {
		uint64_t bits = get64(value->data);
		double number;
		memcpy(&number, &bits, sizeof number);
		statement_add(statement, "CAST(%.17e AS float)", number);
	}
}

static void add_decimal(struct statement *statement, const struct catalogue_column *column, const struct value *value)
{
	const uint8_t *bytes = value->data;
	unsigned __int128 magnitude = (unsigned __int128)get64(bytes + 9) << 64 | get64(bytes + 1);
	char digits[48];
	int at = (int)sizeof digits, written = 0;

	digits[--at] = 0;
	do {
		if (written == column->scale && written)
			digits[--at] = '.';
		digits[--at] = (char)('0' + (int)(magnitude % 10));
		magnitude /= 10;
		written++;
	} while ((magnitude || written <= column->scale) && at > 2);
	statement_add(
		statement, "CAST(%s%s AS decimal(%d, %d))", bytes[0] ? "" : "-", digits + at, column->precision, column->scale);
}

/* Days since 0001-01-01 as year-month-day. */
static void add_date(struct statement *statement, int64_t days)
{
	/* Counted from 0000-03-01, so that the leap day is the last of its year. */
	int64_t shifted = days + 306, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t day_of_era = shifted - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * month + 2) / 5 + 1;

	month += month < 10 ? 3 : -9;
	statement_add(statement, "%04d-%02d-%02d", (int)(year_of_era + era * 400 + (month <= 2)), (int)month, (int)day);
}

static void add_time(struct statement *statement, uint64_t ticks)
{
	uint64_t seconds = ticks / 10000000;

	statement_add(statement, "%02d:%02d:%02d.%07d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
		(int)(seconds % 60), (int)(ticks % 10000000));
}

#define DAYS_TO_1900 693595

static void add_datetime(struct statement *statement, const uint8_t *bytes)
{
	uint32_t ticks = (uint32_t)get_number(bytes + 4, 4);
	uint32_t milliseconds = (uint32_t)(((uint64_t)ticks * 10 + 1) / 3), seconds = milliseconds / 1000;

	add_date(statement, (int32_t)get_number(bytes, 4) + DAYS_TO_1900);
	statement_add(statement, "T%02d:%02d:%02d.%03d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
		(int)(seconds % 60), (int)(milliseconds % 1000));
}

static void add_offset(struct statement *statement, const uint8_t *bytes)
{
	const int64_t day = INT64_C(864000000000);
	int32_t minutes = (int16_t)get_number(bytes + 8, 2);
	int64_t local = (int64_t)get_number(bytes + 5, 3) * day + (int64_t)get_number(bytes, 5) +
		(int64_t)minutes * 600000000;
	int32_t size = minutes < 0 ? -minutes : minutes;

	add_date(statement, local / day);
	statement_add(statement, "T");
	add_time(statement, (uint64_t)(local % day));
	statement_add(statement, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

static void add_moment(
	struct statement *statement, const struct catalogue_column *column, enum column_type type, const uint8_t *bytes)
{
	statement_add(statement, "CAST('");
	switch (type) {
	case COLUMN_DATE:
		add_date(statement, (int64_t)get_number(bytes, 3));
		break;
	case COLUMN_TIME:
		add_time(statement, get_number(bytes, 5));
		break;
	case COLUMN_DATETIME2:
		add_date(statement, (int64_t)get_number(bytes + 5, 3));
		statement_add(statement, "T");
		add_time(statement, get_number(bytes, 5));
		break;
	case COLUMN_DATETIMEOFFSET:
		add_offset(statement, bytes);
		break;
	case COLUMN_DATETIME:
		add_datetime(statement, bytes);
		break;
	default: /* smalldatetime */
		add_date(statement, (int64_t)get_number(bytes, 2) + DAYS_TO_1900);
		statement_add(
			statement, "T%02d:%02d:00", (int)(get_number(bytes + 2, 2) / 60), (int)(get_number(bytes + 2, 2) % 60));
	}
	statement_add(statement,
		type == COLUMN_DATE || type == COLUMN_DATETIME || type == COLUMN_SMALLDATETIME ? "' AS %s)" : "' AS %s(7))",
		column->type);
}

static void add_guid(struct statement *statement, const uint8_t *b)
{
	statement_add(statement,
		"CAST('%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X' AS "
		"uniqueidentifier)",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* Bytes of text: through varchar only where the database's code page, which such a CAST means, is the column's. */
static bool add_text(struct statement *statement, const struct catalogue_column *column, enum column_type type,
	const struct value *value, int32_t database_code_page)
{
	bool wide = column_type_is_utf16(type);
	size_t length = wide ? value->size / 2 : value->size;

	if (!wide && column->code_page != database_code_page)
		return false;
	statement_add(statement, "CAST(");
	statement_hex(statement, value->data, value->size);
	if (length > (wide ? 4000u : 8000u))
		statement_add(statement, " AS %s(max))", wide ? "nvarchar" : "varchar");
	else
		statement_add(statement, " AS %s(%zu))", wide ? "nvarchar" : "varchar", length ? length : 1);
	return true;
}

static bool add_bytes(struct statement *statement, const struct catalogue_column *column, const struct value *value)
{
	bool hierarchy = !strcmp(column->type, "hierarchyid");

	if (catalogue_column_type(column) == COLUMN_UDT && !hierarchy)
		return false;
	if (hierarchy)
		statement_add(statement, "CAST(");
	statement_hex(statement, value->data, value->size);
	if (hierarchy)
		statement_add(statement, " AS hierarchyid)");
	return true;
}

bool statement_literal(struct statement *statement, const struct catalogue_column *column, const struct value *value,
	int32_t database_code_page)
{
	enum column_type type = catalogue_column_type(column);

	if (!value->data) {
		statement_add(statement, "NULL");
		return true;
	}
	if (column_type_size(type) && value->size != column_type_size(type))
		return false;
	switch (type) {
	case COLUMN_BIT ... COLUMN_BIGINT:
		add_integer(statement, column, value);
		return true;
	case COLUMN_REAL:
	case COLUMN_FLOAT:
		add_float(statement, value);
		return true;
	case COLUMN_DECIMAL:
		add_decimal(statement, column, value);
		return true;
	case COLUMN_SMALLMONEY:
	case COLUMN_MONEY:
		add_money(statement, column, value);
		return true;
	case COLUMN_DATE ... COLUMN_DATETIMEOFFSET:
		add_moment(statement, column, type, value->data);
		return true;
	case COLUMN_UNIQUEIDENTIFIER:
		add_guid(statement, value->data);
		return true;
	case COLUMN_CHAR:
	case COLUMN_VARCHAR:
	case COLUMN_TEXT:
	case COLUMN_NCHAR:
	case COLUMN_NVARCHAR:
	case COLUMN_NTEXT:
		return add_text(statement, column, type, value, database_code_page);
	case COLUMN_BINARY:
	case COLUMN_VARBINARY:
	case COLUMN_IMAGE:
	case COLUMN_UDT:
		return add_bytes(statement, column, value);
	default:
		return false;
	}
}

bool statement_literal_always(const struct catalogue_column *column, int32_t database_code_page)
{
	switch (catalogue_column_type(column)) {
	case COLUMN_BIT ... COLUMN_UNIQUEIDENTIFIER:
	case COLUMN_NCHAR ... COLUMN_NTEXT:
	case COLUMN_BINARY ... COLUMN_IMAGE:
		return true;
	case COLUMN_CHAR ... COLUMN_TEXT:
		return column->code_page == database_code_page;
	case COLUMN_UDT:
		return !strcmp(column->type, "hierarchyid");
	default:
		return false;
	}
}
