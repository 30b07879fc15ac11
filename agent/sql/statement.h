/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T-SQL as text: names bracketed and escaped, strings quoted, values as literals, predicates that name one row, all
 * rows after it, or a run of rows. What is built here runs on SQL Server 2012 to 2022.
 *
 * A statement grows as it is written. Where memory ends it is `failed`, and statement_text returns NULL.
 */
#ifndef AGENT_SQL_STATEMENT_H
#define AGENT_SQL_STATEMENT_H

#include "agent/sql/catalogue.h"

struct statement {
	char *bytes;
	size_t size, capacity;
	bool failed;
};

/* Empties it and keeps its memory. A zeroed struct is an empty statement. */
void statement_reset(struct statement *statement);
void statement_free(struct statement *statement);
const char *statement_text(const struct statement *statement);

void statement_add(struct statement *statement, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* [name], with ] doubled. */
void statement_name(struct statement *statement, const char *name);
/* [schema].[name] */
void statement_names(struct statement *statement, const char *schema, const char *name);
void statement_table(struct statement *statement, const struct catalogue_table *table);
/* N'text', with ' doubled. */
void statement_string(struct statement *statement, const char *text);
/* 0x... */
void statement_hex(struct statement *statement, const void *bytes, size_t size);

/*
 * A value in canonical form as an expression that equals it exactly, NULL included. False, and nothing is added, where
 * its type has no such expression: xml, sql_variant, char of another code page than the database's.
 */
bool statement_literal(struct statement *statement, const struct catalogue_column *column, const struct value *value,
	int32_t database_code_page);
/* True where every value of the column has such an expression. */
bool statement_literal_always(const struct catalogue_column *column, int32_t database_code_page);

/* A table's key with values for it: values[i] belongs to layout->order[i]. */
struct statement_key {
	const struct catalogue_table *table;
	const struct catalogue_layout *layout;
	const struct value *values;
	int32_t database_code_page;
};

/* "[a] = 1 AND [b] IS NULL": the row itself. False as above. */
bool statement_key_equal(struct statement *statement, const struct statement_key *key);
/* The rows that come after it in the order of reading: descending columns and NULL (lowest) are minded. */
bool statement_key_after(struct statement *statement, const struct statement_key *key);
/*
 * The rows from `first` to `last` in the order of reading, both included, as the server itself compares: under each
 * column's own collation. Both are keys of one table and layout. False as above.
 */
bool statement_key_range(
	struct statement *statement, const struct statement_key *first, const struct statement_key *last);
/* " ORDER BY [a], [b] DESC"; nothing for a heap. */
void statement_order(
	struct statement *statement, const struct catalogue_table *table, const struct catalogue_layout *layout);

#endif
