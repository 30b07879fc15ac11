/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/statement.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void statement_reset(struct statement *statement)
{
	statement->size = 0;
	statement->failed = false;
}

void statement_free(struct statement *statement)
{
	free(statement->bytes);
	memset(statement, 0, sizeof *statement);
}

const char *statement_text(const struct statement *statement)
{
	return statement->failed ? NULL : statement->size ? statement->bytes : "";
}

/* Room for size bytes and a NUL. */
static bool reserve(struct statement *statement, size_t size)
{
	if (!statement->failed && size + 1 > statement->capacity - statement->size) {
		size_t capacity = (statement->size + size) * 3 / 2 + 256;
		char *more = realloc(statement->bytes, capacity);
		if (more) {
			statement->bytes = more;
			statement->capacity = capacity;
		} else {
			statement->failed = true;
		}
	}
	return !statement->failed;
}

void statement_add(struct statement *statement, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		statement->failed = true;
	} else if (reserve(statement, (size_t)length)) {
		vsnprintf(statement->bytes + statement->size, (size_t)length + 1, format, again);
		statement->size += (size_t)length;
	}
	va_end(again);
}

static void add_doubled(struct statement *statement, const char *text, char doubled)
{
	if (!reserve(statement, 2 * strlen(text)))
		return;
	for (; *text; text++) {
		if (*text == doubled)
			statement->bytes[statement->size++] = doubled;
		statement->bytes[statement->size++] = *text;
	}
	statement->bytes[statement->size] = 0;
}

void statement_name(struct statement *statement, const char *name)
{
	statement_add(statement, "[");
	add_doubled(statement, name, ']');
	statement_add(statement, "]");
}

void statement_names(struct statement *statement, const char *schema, const char *name)
{
	statement_name(statement, schema);
	statement_add(statement, ".");
	statement_name(statement, name);
}

void statement_table(struct statement *statement, const struct catalogue_table *table)
{
	statement_names(statement, table->schema, table->name);
}

void statement_string(struct statement *statement, const char *text)
{
	statement_add(statement, "N'");
	add_doubled(statement, text, '\'');
	statement_add(statement, "'");
}

void statement_hex(struct statement *statement, const void *bytes, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *at = bytes;

	statement_add(statement, "0x");
	if (!reserve(statement, 2 * size))
		return;
	for (size_t i = 0; i < size; i++) {
		statement->bytes[statement->size++] = digits[at[i] >> 4];
		statement->bytes[statement->size++] = digits[at[i] & 15];
	}
	statement->bytes[statement->size] = 0;
}

/* ---- keys ---- */

static const struct catalogue_column *key_column(const struct statement_key *key, size_t i)
{
	return &key->table->columns[key->layout->source[key->layout->order[i]]];
}

static bool add_equal(struct statement *statement, const struct statement_key *key, size_t i)
{
	statement_name(statement, key_column(key, i)->name);
	if (!key->values[i].data) {
		statement_add(statement, " IS NULL");
		return true;
	}
	statement_add(statement, " = ");
	return statement_literal(statement, key_column(key, i), &key->values[i], key->database_code_page);
}

bool statement_key_equal(struct statement *statement, const struct statement_key *key)
{
	for (size_t i = 0; i < key->layout->order_count; i++) {
		if (i)
			statement_add(statement, " AND ");
		if (!add_equal(statement, key, i))
			return false;
	}
	return key->layout->order_count > 0;
}

/* One bound of a run of rows in the order of reading: NULL is the lowest value, and a descending column turns it round. */
struct bound {
	const struct statement_key *key;
	size_t from;    /* columns before this one are known to be equal */
	bool before;    /* rows before the key, else rows after it */
	bool inclusive; /* and the row of the key itself */
};

/* True where rows on that side have the lower values of the column, and so its NULLs. */
static bool wants_lower(const struct bound *bound, size_t i)
{
	return bound->key->layout->descending[i] != bound->before;
}

/* Rows whose i-th key column lies on that side of the key's, or equals it. */
static bool add_side(struct statement *statement, const struct bound *bound, size_t i, bool or_equal)
{
	const struct catalogue_column *column = key_column(bound->key, i);
	const struct value *value = &bound->key->values[i];
	bool lower = wants_lower(bound, i);

	if (!value->data) {
		if (lower == or_equal)
			statement_name(statement, column->name);
		statement_add(statement, lower ? or_equal ? " IS NULL" : "1 = 0" : or_equal ? "1 = 1" : " IS NOT NULL");
		return true;
	}
	statement_add(statement, "(");
	statement_name(statement, column->name);
	statement_add(statement, " %s%s ", lower ? "<" : ">", or_equal ? "=" : "");
	if (!statement_literal(statement, column, value, bound->key->database_code_page))
		return false;
	if (lower && column->nullable) {
		statement_add(statement, " OR ");
		statement_name(statement, column->name);
		statement_add(statement, " IS NULL");
	}
	statement_add(statement, ")");
	return true;
}

/* A bound on the leading column alone, so that the server can seek to it. */
static bool add_seek(struct statement *statement, const struct bound *bound)
{
	const struct statement_key *key = bound->key;
	size_t i = bound->from;

	if (!key->values[i].data || (wants_lower(bound, i) && key_column(key, i)->nullable))
		return true;
	if (!add_side(statement, bound, i, true))
		return false;
	statement_add(statement, " AND ");
	return true;
}

static bool add_bound(struct statement *statement, const struct bound *bound)
{
	size_t count = bound->key->layout->order_count;

	if (count <= bound->from)
		return false;
	if (count == bound->from + 1)
		return add_side(statement, bound, bound->from, bound->inclusive);
	if (!add_seek(statement, bound))
		return false;
	statement_add(statement, "(");
	for (size_t last = bound->from; last < count; last++) {
		statement_add(statement, last > bound->from ? " OR (" : "(");
		for (size_t i = bound->from; i < last; i++) {
			if (!add_equal(statement, bound->key, i))
				return false;
			statement_add(statement, " AND ");
		}
		if (!add_side(statement, bound, last, bound->inclusive && last + 1 == count))
			return false;
		statement_add(statement, ")");
	}
	statement_add(statement, ")");
	return true;
}

bool statement_key_after(struct statement *statement, const struct statement_key *key)
{
	return add_bound(statement, &(struct bound){ .key = key });
}

/* Leading columns with the same bytes in both keys: a run inside of one of their values. */
static size_t common_columns(const struct statement_key *a, const struct statement_key *b)
{
	size_t i = 0;

	while (i < a->layout->order_count && !a->values[i].data == !b->values[i].data &&
		a->values[i].size == b->values[i].size &&
		(!a->values[i].data || !a->values[i].size || !memcmp(a->values[i].data, b->values[i].data, a->values[i].size)))
		i++;
	return i;
}

bool statement_key_range(
	struct statement *statement, const struct statement_key *first, const struct statement_key *last)
{
	size_t common = common_columns(first, last);

	for (size_t i = 0; i < common; i++) {
		if (i)
			statement_add(statement, " AND ");
		if (!add_equal(statement, first, i))
			return false;
	}
	if (common == first->layout->order_count)
		return common > 0;
	if (common)
		statement_add(statement, " AND ");
	if (!add_bound(statement, &(struct bound){ .key = first, .from = common, .inclusive = true }))
		return false;
	statement_add(statement, " AND ");
	return add_bound(statement, &(struct bound){ .key = last, .from = common, .before = true, .inclusive = true });
}

void statement_order(
	struct statement *statement, const struct catalogue_table *table, const struct catalogue_layout *layout)
{
	for (size_t i = 0; i < layout->order_count; i++) {
		statement_add(statement, i ? ", " : " ORDER BY ");
		statement_name(statement, table->columns[layout->source[layout->order[i]]].name);
		if (layout->descending[i])
			statement_add(statement, " DESC");
	}
}
