/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T-SQL into statements. The whole batch is read before any of it runs, as the server does: a syntax error anywhere
 * means that nothing was done.
 */
#ifndef TESTS_SQLSERVER_SQL_PARSE_H
#define TESTS_SQLSERVER_SQL_PARSE_H

#include "tests/sqlserver/sql_arena.h"
#include "tests/sqlserver/sql_ast.h"

struct parse_error {
	int number, line;
	char text[512];
};

/* The first statement of the batch (NULL for an empty one) into *first; 0, or -EINVAL with the error filled in. */
int parse_batch(struct arena *arena, const char *source, size_t size, bool quoted, struct statement **first,
	struct parse_error *error);
/* One expression, one condition: for defaults, checks, computed columns kept as text. */
int parse_expression(struct arena *arena, const char *source, struct node **node, struct parse_error *error);
int parse_condition(struct arena *arena, const char *source, struct node **node, struct parse_error *error);
/* "@a int, @b nvarchar(20) OUTPUT": the parameter list of sp_executesql. */
int parse_parameters(
	struct arena *arena, const char *source, struct parameter_def **parameters, struct parse_error *error);
/* "a.b.[c]" into its parts, for names that arrive as strings; false if it is no name. */
bool parse_object_name(struct arena *arena, const char *source, struct name *name);
/* As sys.default_constraints and its like show an expression: ((0)), [a]>(5). */
const char *print_node(struct arena *arena, const struct node *node);

#endif
