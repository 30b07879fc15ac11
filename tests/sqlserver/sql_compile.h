/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T-SQL's trees into SQLite's text, with the static type of every expression: the wire needs it, and so do
 * conversions, which become calls of cv(value, from, to, style).
 *
 * An error is raised on the session and leaves by longjmp to compile_guard(); all memory is the statement's.
 */
#ifndef TESTS_SQLSERVER_SQL_COMPILE_H
#define TESTS_SQLSERVER_SQL_COMPILE_H

#include "tests/sqlserver/sql_catalogue.h"

#include <setjmp.h>

struct expr {
	const char *sql;
	struct sql_type type;
	bool nullable, is_null, aggregate;
	int collation_rank; /* 0 may give way, 1 a column's, 2 said by COLLATE */
	const char *name;   /* of a column, for the result's */
	const struct source_column *column;
};

struct source_column {
	const char *name, *sql;
	struct sql_type type;
	bool nullable, identity, computed, hidden, key;
	struct column *column; /* of a base table */
	const char *table_name;
};

struct source {
	const char *alias; /* as T-SQL names it */
	struct name full;  /* schema and database as it was said or found */
	const char *sql_alias;
	struct source_column *columns;
	size_t count;
	struct table *table;
	struct source *next;
};

struct scope {
	struct scope *outer;
	struct source *sources; /* in order */
	bool grouped;
	const char **groups; /* SQL of the GROUP BY expressions */
	size_t group_count;
	const char *ungrouped; /* a column outside of all groups and aggregates */
};

struct cte_binding {
	const char *name, *sql_name;
	struct source_column *columns;
	size_t count;
	struct cte_binding *next;
};

struct table_use {
	struct table *table;
	unsigned hints;
	bool write;
	struct table_use *next;
};

struct result {
	const char *name;
	struct sql_type type;
	bool nullable, identity, computed, key;
	const char *table;
	const char *variable; /* SELECT @x = */
};

struct compiled {
	const char *sql;
	struct result *results;
	size_t count;
	bool assigns;
};

struct compiler {
	struct session *session;
	struct arena *arena;
	jmp_buf fail;
	struct scope *scope;
	struct cte_binding *ctes;
	struct table_use *uses;
	struct variable **bound; /* ?1 is bound[0] */
	size_t bound_count;
	int next_alias, in_aggregate, depth;
	bool live_variables;       /* SELECT @x = ...: read variables row by row */
	struct database *database; /* names are looked up here: a view's own */
};

/* Runs a rule under the guard: 0, or -EIO with the error raised on the session. */
void compiler_init(struct compiler *c, struct session *session);
#define compile_guard(c) (setjmp((c)->fail) == 0)
_Noreturn void compile_fail(struct compiler *c);
#define compile_error(c, ...) (session_raise((c)->session, __VA_ARGS__), compile_fail(c))

struct expr compile_expression(struct compiler *c, const struct node *node);
/* A condition, as SQLite's truth: 1, 0 or NULL. */
const char *compile_condition(struct compiler *c, const struct node *node);
struct expr compile_literal(struct compiler *c, const struct node *node);
struct expr compile_special(struct compiler *c, const struct node *node);
struct expr compile_call(struct compiler *c, const struct node *node);
/* Implicit conversion; assign: into a column, where nothing may be lost. */
struct expr compile_convert(struct compiler *c, struct expr e, struct sql_type to, bool assign);
/* The next value of the table's identity, as its column takes it. */
const char *compile_identity(struct compiler *c, const struct table *table, struct sql_type to);
struct expr compile_cast(struct compiler *c, struct expr e, struct sql_type to, const char *style, bool try_it);
const char *compile_compare(struct compiler *c, const struct node *node, enum compare op, struct expr a, struct expr b);
/* `sql COLLATE "x"` for a character expression, else as it is. */
const char *compile_collated(struct compiler *c, struct expr e);
struct expr compile_arithmetic(struct compiler *c, int op, struct expr a, struct expr b);
/* '...' for SQLite, whatever the bytes. */
const char *compile_text(struct arena *arena, const char *text, size_t size);
const char *compile_format(struct compiler *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A whole query; results describe its columns k1, k2, ... */
struct compiled compile_select(struct compiler *c, const struct select *select);
void compile_ctes(struct compiler *c, const struct cte *ctes, struct text *out);
/* FROM: adds sources to the scope and writes the SQL. */
void compile_from(struct compiler *c, struct table_ref **from, size_t count, struct text *out);
struct source *compile_add_source(struct compiler *c, const char *alias, size_t columns);
/* The table as a source named `sql_alias`, permissions and locks noted. */
struct source *compile_table_source(struct compiler *c, struct table *table, const char *alias, unsigned hints);
struct source_column *compile_find_column(struct compiler *c, const struct node *node, struct source **source);
void compile_use(struct compiler *c, struct table *table, unsigned hints, bool write);
/* A default, check or computed column, kept as text, compiled with the columns of `source` in view. */
struct expr compile_stored(struct compiler *c, const char *text, struct source *source, bool condition);
/* A view of sys or INFORMATION_SCHEMA; NULL if the name is none. */
struct source *compile_view(struct compiler *c, const struct name *name, const char *alias, struct text *out);
struct source *compile_system_function(struct compiler *c, const struct table_ref *ref, struct text *out);
/* Permission on a table; raises 229. */
void compile_permission(struct compiler *c, const struct table *table, const char *permission);

/* Every function of the engine that SQLite's text may call. */
int functions_register(struct session *session);
int functions_register_aggregates(struct session *session);
int functions_register_likes(struct session *session);
int functions_register_properties(struct session *session);
int functions_register_session(struct session *session);
int functions_register_strings(struct session *session);
int functions_register_dates(struct session *session);
int functions_register_meta(struct session *session);
int views_register(struct session *session);

#endif
