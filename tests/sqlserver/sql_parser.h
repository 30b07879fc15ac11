/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the parser: recursive descent over an array of tokens. A syntax error leaves by longjmp to the entry
 * function, where the arena owns all memory, so nothing leaks.
 */
#ifndef TESTS_SQLSERVER_SQL_PARSER_H
#define TESTS_SQLSERVER_SQL_PARSER_H

#include "tests/sqlserver/sql_lexer.h"
#include "tests/sqlserver/sql_parse.h"

#include <setjmp.h>

struct parser {
	struct arena *arena;
	const char *source;
	size_t size;
	struct token *tokens;
	size_t at, count;
	int depth; /* of nesting: recursion is bounded */
	jmp_buf fail;
	struct parse_error *error;
};

/* Error 102 or 156 at the present token. */
_Noreturn void p_fail(struct parser *p);
_Noreturn void p_error(struct parser *p, int number, const char *format, ...) __attribute__((format(printf, 3, 4)));

const struct token *p_peek(const struct parser *p, size_t ahead);
bool p_is(const struct parser *p, const char *word);
bool p_is_at(const struct parser *p, size_t ahead, const char *word);
bool p_take(struct parser *p, const char *word);
void p_need(struct parser *p, const char *word);
/* Two words in a row. */
bool p_take2(struct parser *p, const char *first, const char *second);
bool p_is_op(const struct parser *p, const char *op);
bool p_take_op(struct parser *p, const char *op);
void p_need_op(struct parser *p, const char *op);
bool p_reserved(const struct token *token);

/* A name, quoted or not reserved. */
const char *p_identifier(struct parser *p);
bool p_is_identifier(const struct parser *p);
/* Like p_identifier, but a string may stand for it and reserved words may too: aliases, options. */
const char *p_any_word(struct parser *p);
struct name p_name(struct parser *p);
struct type_name p_type(struct parser *p);
int64_t p_integer(struct parser *p);
const char *p_string(struct parser *p);
/* ( a, b ) */
struct column_ref *p_column_list(struct parser *p);
const char **p_names(struct parser *p, size_t *count);
/* Skips a parenthesised list, nested ones included. */
void p_skip_parentheses(struct parser *p);
const char *p_source(struct parser *p, size_t begin, size_t end);

struct node *p_expression(struct parser *p);
struct node *p_condition(struct parser *p);
struct node **p_expressions(struct parser *p, size_t *count);
struct order_item *p_order_list(struct parser *p);
struct select *p_select(struct parser *p);
/* The comma list after FROM. */
struct table_ref **p_from(struct parser *p, size_t *count);
struct table_ref *p_table(struct parser *p);
struct cte *p_with(struct parser *p);
unsigned p_hints(struct parser *p);
void p_options(struct parser *p);
struct select_item *p_assignments(struct parser *p);
struct select_item *p_items(struct parser *p);

struct statement *p_statement(struct parser *p);
struct statement *p_statements(struct parser *p, bool (*at_end)(const struct parser *p));
struct statement *p_new_statement(struct parser *p, enum statement_kind kind);
struct statement *p_create(struct parser *p);
struct statement *p_alter(struct parser *p);
struct statement *p_drop(struct parser *p);
struct statement *p_dml(struct parser *p);
struct statement *p_other(struct parser *p);
struct statement *p_execute(struct parser *p);
struct statement *p_permission(struct parser *p);
struct statement *p_module(struct parser *p, const char *kind, size_t begin, bool alter);
/* Reads on to the end of the statement and keeps its words in s->extra. */
void p_rest(struct parser *p, struct statement *s);
struct statement *p_sequence(struct parser *p, bool alter);
struct statement *p_database(struct parser *p, bool alter);
struct statement *p_security_policy(struct parser *p, bool alter);
void p_table_body(struct parser *p, struct statement *s);
struct column_def *p_column(struct parser *p);
struct constraint_def *p_constraint(struct parser *p);
bool p_is_constraint(const struct parser *p);
void p_index_options(struct parser *p, struct constraint_def *d);
struct parameter_def *p_parameter_list(struct parser *p);

#define P_NEW(p, type) ((type *)arena_alloc((p)->arena, sizeof(type)))

#endif
