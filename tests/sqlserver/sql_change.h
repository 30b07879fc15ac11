/* SPDX-License-Identifier: Apache-2.0 */
/* A statement that changes rows, on its way from tree to SQL. */
#ifndef TESTS_SQLSERVER_SQL_CHANGE_H
#define TESTS_SQLSERVER_SQL_CHANGE_H

#include "tests/sqlserver/sql_run.h"

struct change {
	struct compiler c;
	struct statement *s;
	struct table *table;
	const char *word; /* INSERT, UPDATE, DELETE */
	int event;        /* 0, 1, 2 */
	const char *sql, *with;
	struct result *outputs; /* OUTPUT */
	size_t output_count;
	const char *inserted, *deleted; /* temp tables for triggers */
	unsigned char updated[1024];
	int64_t noted_identity;
	bool identity_given;
};

/* What a column gets when the statement says nothing or DEFAULT. */
const char *change_default(struct change *change, const struct column *column);
/* An expression for a column, DEFAULT included. */
const char *change_cell(struct change *change, const struct column *column, const struct node *node);
/* The columns of an INSERT list, all that can be inserted into if it is NULL. */
struct column **change_targets(struct change *change, const struct column_ref *list, size_t *count);
/* Adds those that are left out but have a value all the same: ",c3" and ",(0)". */
void change_left_out(
	struct change *change, struct column **list, size_t count, struct text *names, struct text *values);
void change_check_identity(struct change *change, struct column **list, size_t count);
void change_compile_insert(struct change *change);

#endif
