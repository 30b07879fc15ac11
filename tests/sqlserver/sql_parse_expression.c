/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions and conditions. Precedence, from tight to loose: unary, * / %, + - & ^ |, comparison, NOT, AND, OR. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

#define DEPTH_MAX 400

static struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *node = P_NEW(p, struct node);

	node->kind = kind;
	node->line = p_peek(p, 0)->line;
	node->begin = p_peek(p, 0)->begin;
	return node;
}

static void add_kid(struct parser *p, struct node *node, struct node *kid)
{
	if (!(node->count & (node->count - 1))) { /* room doubles at each power of two */
		struct node **grown = arena_alloc(p->arena, (node->count ? node->count * 2 : 1) * sizeof(*grown));

		if (node->count)
			memcpy(grown, node->kids, node->count * sizeof(*grown));
		node->kids = grown;
	}
	node->kids[node->count++] = kid;
}

static struct node *finish(struct parser *p, struct node *node)
{
	node->end = p->at ? p->tokens[p->at - 1].end : 0;
	return node;
}

static struct node *pair(struct parser *p, enum node_kind kind, int op, struct node *left, struct node *right)
{
	struct node *node = new_node(p, kind);

	node->op = op;
	node->begin = left->begin;
	node->line = left->line;
	add_kid(p, node, left);
	add_kid(p, node, right);
	return finish(p, node);
}

static struct node *literal(struct parser *p, enum node_kind kind)
{
	struct node *node = new_node(p, kind);

	node->text = p_peek(p, 0)->text;
	node->size = p_peek(p, 0)->size;
	p->at++;
	return finish(p, node);
}

static struct over *over_clause(struct parser *p)
{
	struct over *over = P_NEW(p, struct over);

	p_need_op(p, "(");
	if (p_take2(p, "PARTITION", "BY"))
		over->partition = p_expressions(p, &over->partition_count);
	if (p_take2(p, "ORDER", "BY"))
		over->order = p_order_list(p);
	if (p_is(p, "ROWS") || p_is(p, "RANGE")) {
		size_t begin = p_peek(p, 0)->begin;

		while (!p_is_op(p, ")") && p_peek(p, 0)->kind != T_END)
			p->at++;
		over->frame = p_source(p, begin, p_peek(p, 0)->begin);
	}
	p_need_op(p, ")");
	return over;
}

/* CAST(x AS t), TRY_CAST, CONVERT(t, x, style), TRY_CONVERT, PARSE is not known. */
static struct node *cast(struct parser *p)
{
	struct node *node = new_node(p, N_CAST);
	bool convert = p_is(p, "CONVERT") || p_is(p, "TRY_CONVERT");

	node->try_it = p_is(p, "TRY_CONVERT") || p_is(p, "TRY_CAST");
	node->type = P_NEW(p, struct type_name);
	p->at++;
	p_need_op(p, "(");
	if (convert) {
		*node->type = p_type(p);
		p_need_op(p, ",");
		add_kid(p, node, p_expression(p));
		if (p_take_op(p, ",")) {
			add_kid(p, node, p_expression(p));
			node->op = 1;
		}
	} else {
		add_kid(p, node, p_expression(p));
		p_need(p, "AS");
		*node->type = p_type(p);
	}
	p_need_op(p, ")");
	return finish(p, node);
}

/* Kids: [input,] when, then, ..., else (always the last, NULL literal if none); op says whether there is an input. */
static struct node *case_expression(struct parser *p)
{
	struct node *node = new_node(p, N_CASE);

	p_need(p, "CASE");
	node->op = !p_is(p, "WHEN");
	if (node->op)
		add_kid(p, node, p_expression(p));
	while (p_take(p, "WHEN")) {
		add_kid(p, node, node->op ? p_expression(p) : p_condition(p));
		p_need(p, "THEN");
		add_kid(p, node, p_expression(p));
	}
	add_kid(p, node, p_take(p, "ELSE") ? p_expression(p) : new_node(p, N_NULL));
	p_need(p, "END");
	return finish(p, node);
}

static void call_arguments(struct parser *p, struct node *node)
{
	p_need_op(p, "(");
	if (p_take_op(p, "*")) {
		node->star = true;
	} else if (!p_is_op(p, ")")) {
		node->distinct = p_take(p, "DISTINCT");
		p_take(p, "ALL");
		if (!strcasecmp(node->text, "IIF")) {
			add_kid(p, node, p_condition(p));
			p_need_op(p, ",");
		}
		do
			add_kid(p, node, p_expression(p));
		while (p_take_op(p, ","));
	}
	p_need_op(p, ")");
	if (p_take(p, "OVER"))
		node->over = over_clause(p);
}

static struct node *next_value(struct parser *p)
{
	struct node *node = new_node(p, N_NEXT_VALUE);

	p->at += 3; /* NEXT VALUE FOR */
	node->name = p_name(p);
	if (p_take(p, "OVER"))
		node->over = over_clause(p);
	return finish(p, node);
}

static struct node *bare_function(struct parser *p)
{
	struct node *node = new_node(p, N_CALL);

	node->text = p_any_word(p);
	return finish(p, node);
}

/* x.name(...) on a value: methods of xml and CLR types; the stand-in knows none, the translator says so. */
static struct node *column_or_call(struct parser *p)
{
	struct node *node = new_node(p, N_COLUMN);
	const char *parts[4] = { p_peek(p, 0)->text };
	int count = 1;

	p->at++;
	while (p_is_op(p, ".") && count < 4) {
		p->at++;
		if (p_take_op(p, "*")) {
			node->kind = N_STAR;
			node->name.object = parts[count - 1];
			node->name.schema = count > 1 ? parts[count - 2] : NULL;
			return finish(p, node);
		}
		parts[count++] = p_is_op(p, ".") ? "" : p_any_word(p);
	}
	node->text = parts[count - 1];
	node->name.object = count > 1 ? parts[count - 2] : NULL;
	node->name.schema = count > 2 ? parts[count - 3] : NULL;
	node->name.database = count > 3 ? parts[0] : NULL;
	if (p_is_op(p, "(")) {
		node->kind = N_CALL;
		call_arguments(p, node);
	}
	return finish(p, node);
}

static struct node *parenthesised(struct parser *p)
{
	struct node *node;

	p_need_op(p, "(");
	if (p_is(p, "SELECT") || p_is(p, "WITH")) {
		node = new_node(p, N_SUBQUERY);
		node->query = p_select(p);
	} else {
		node = p_expression(p);
	}
	p_need_op(p, ")");
	return node;
}

static struct node *word_primary(struct parser *p)
{
	static const char *const bare[] = { "CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER",
		"$IDENTITY", "$ROWGUID", "$ACTION" };
	const struct token *next = p_peek(p, 1);
	bool call = next->kind == T_OPERATOR && !strcmp(next->text, "(");

	if (p_is(p, "NULL"))
		return literal(p, N_NULL);
	if (p_is(p, "DEFAULT"))
		return literal(p, N_DEFAULT);
	if (p_is(p, "CASE"))
		return case_expression(p);
	if (call && (p_is(p, "CAST") || p_is(p, "TRY_CAST") || p_is(p, "CONVERT") || p_is(p, "TRY_CONVERT")))
		return cast(p);
	if (p_is(p, "NEXT") && p_is_at(p, 1, "VALUE") && p_is_at(p, 2, "FOR"))
		return next_value(p);
	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++)
		if (p_is(p, bare[i]) && !call)
			return bare_function(p);
	static const char *const called[] = { "LEFT", "RIGHT", "COALESCE", "NULLIF", "UPDATE", "CONTAINS", "IDENTITY" };

	for (size_t i = 0; i < sizeof(called) / sizeof(*called); i++)
		if (call && p_is(p, called[i]))
			return column_or_call(p);
	if (!p_is_identifier(p))
		p_fail(p);
	return column_or_call(p);
}

static struct node *primary(struct parser *p)
{
	const struct token *token = p_peek(p, 0);

	switch (token->kind) {
	case T_INTEGER:
		return literal(p, N_INTEGER);
	case T_DECIMAL:
		return literal(p, N_DECIMAL);
	case T_FLOAT:
		return literal(p, N_FLOAT);
	case T_MONEY:
		return literal(p, N_MONEY);
	case T_STRING:
		return literal(p, N_STRING);
	case T_NSTRING:
		return literal(p, N_NSTRING);
	case T_BINARY:
		return literal(p, N_BINARY);
	case T_VARIABLE:
		return literal(p, !strncmp(token->text, "@@", 2) ? N_GLOBAL : N_VARIABLE);
	case T_QUOTED:
		return column_or_call(p);
	case T_WORD:
		return word_primary(p);
	default:
		if (!p_is_op(p, "("))
			p_fail(p);
		return parenthesised(p);
	}
}

static struct node *postfix(struct parser *p)
{
	struct node *node = primary(p);

	for (;;) {
		if (p_take(p, "COLLATE")) {
			struct node *collate = new_node(p, N_COLLATE);

			collate->text = p_any_word(p);
			add_kid(p, collate, node);
			node = finish(p, collate);
		} else if (p_is(p, "AT") && p_is_at(p, 1, "TIME") && p_is_at(p, 2, "ZONE")) {
			p->at += 3;
			node = pair(p, N_TIME_ZONE, 0, node, primary(p));
		} else {
			return node;
		}
	}
}

static struct node *unary(struct parser *p)
{
	if (p_take_op(p, "+"))
		return unary(p);
	if (!p_is_op(p, "-") && !p_is_op(p, "~"))
		return postfix(p);
	if (p->depth++ > DEPTH_MAX)
		p_error(p, 191, "Some part of your SQL statement is nested too deeply.");
	struct node *node = new_node(p, p_is_op(p, "-") ? N_NEGATE : N_INVERT);

	p->at++;
	add_kid(p, node, unary(p));
	p->depth--;
	return finish(p, node);
}

static struct node *product(struct parser *p)
{
	struct node *left = unary(p);

	while (p_is_op(p, "*") || p_is_op(p, "/") || p_is_op(p, "%")) {
		int op = p_peek(p, 0)->text[0];

		p->at++;
		left = pair(p, N_OPERATE, op, left, unary(p));
	}
	return left;
}

struct node *p_expression(struct parser *p)
{
	if (p->depth++ > DEPTH_MAX)
		p_error(p, 191, "Some part of your SQL statement is nested too deeply.");
	struct node *left = product(p);

	while (p_is_op(p, "+") || p_is_op(p, "-") || p_is_op(p, "&") || p_is_op(p, "|") || p_is_op(p, "^")) {
		int op = p_peek(p, 0)->text[0];

		p->at++;
		left = pair(p, N_OPERATE, op, left, product(p));
	}
	p->depth--;
	return left;
}

struct node **p_expressions(struct parser *p, size_t *count)
{
	struct node holder = { .kind = N_CALL };

	do
		add_kid(p, &holder, p_expression(p));
	while (p_take_op(p, ","));
	*count = holder.count;
	return holder.kids;
}

static struct node *in_list(struct parser *p, struct node *left, bool negated)
{
	struct node *node = new_node(p, N_IN);

	node->negated = negated;
	add_kid(p, node, left);
	p_need_op(p, "(");
	if (p_is(p, "SELECT")) {
		node->query = p_select(p);
	} else {
		do
			add_kid(p, node, p_expression(p));
		while (p_take_op(p, ","));
	}
	p_need_op(p, ")");
	return finish(p, node);
}

static struct node *comparison(struct parser *p, struct node *left)
{
	static const char *const operators[] = { "=", "<>", "<", "<=", ">", ">=", "!=", "!>", "!<" };
	static const enum compare meaning[] = { C_EQ, C_NE, C_LT, C_LE, C_GT, C_GE, C_NE, C_LE, C_GE };

	for (size_t i = 0; i < 9; i++) {
		if (!p_take_op(p, operators[i]))
			continue;
		if (!p_is(p, "ALL") && !p_is(p, "ANY") && !p_is(p, "SOME"))
			return pair(p, N_COMPARE, (int)meaning[i], left, p_expression(p));
		struct node *node = new_node(p, N_QUANTIFIED);

		node->all = p_is(p, "ALL");
		node->op = (int)meaning[i];
		p->at++;
		p_need_op(p, "(");
		node->query = p_select(p);
		p_need_op(p, ")");
		add_kid(p, node, left);
		return finish(p, node);
	}
	return NULL;
}

static struct node *predicate_tail(struct parser *p, struct node *left)
{
	bool negated = p_take(p, "NOT");
	struct node *node;

	if (!negated && p_take(p, "IS")) {
		node = new_node(p, N_IS_NULL);
		node->negated = p_take(p, "NOT");
		p_need(p, "NULL");
		add_kid(p, node, left);
		return finish(p, node);
	}
	if (p_take(p, "IN"))
		return in_list(p, left, negated);
	if (p_take(p, "BETWEEN")) {
		node = new_node(p, N_BETWEEN);
		node->negated = negated;
		add_kid(p, node, left);
		add_kid(p, node, p_expression(p));
		p_need(p, "AND");
		add_kid(p, node, p_expression(p));
		return finish(p, node);
	}
	if (p_take(p, "LIKE")) {
		node = new_node(p, N_LIKE);
		node->negated = negated;
		add_kid(p, node, left);
		add_kid(p, node, p_expression(p));
		if (p_take(p, "ESCAPE"))
			add_kid(p, node, p_expression(p));
		return finish(p, node);
	}
	node = negated ? NULL : comparison(p, left);
	if (!node)
		p_fail(p);
	return node;
}

/* A "(" here may open a condition or an expression: try the condition, and go back if it is none. */
static struct node *parenthesised_condition(struct parser *p)
{
	struct parser saved = *p;
	struct parse_error ignored;

	p->error = &ignored;
	if (!setjmp(p->fail)) {
		p_need_op(p, "(");
		struct node *node = p_condition(p);

		p_need_op(p, ")");
		size_t at = p->at;

		*p = saved;
		p->at = at;
		return node;
	}
	*p = saved;
	return NULL;
}

static struct node *predicate(struct parser *p)
{
	if (p->depth++ > DEPTH_MAX)
		p_error(p, 191, "Some part of your SQL statement is nested too deeply.");
	struct node *node = NULL;

	if (p_is(p, "NOT")) {
		node = new_node(p, N_NOT);
		p->at++;
		add_kid(p, node, predicate(p));
	} else if (p_is(p, "EXISTS")) {
		node = new_node(p, N_EXISTS);
		p->at++;
		p_need_op(p, "(");
		node->query = p_select(p);
		p_need_op(p, ")");
	} else if (p_is(p, "UPDATE") && p_peek(p, 1)->text[0] == '(') {
		node = column_or_call(p);
	} else if (p_is_op(p, "(")) {
		node = parenthesised_condition(p);
	}
	if (!node)
		node = predicate_tail(p, p_expression(p));
	p->depth--;
	return finish(p, node);
}

static struct node *conjunction(struct parser *p)
{
	struct node *left = predicate(p);

	while (p_take(p, "AND"))
		left = pair(p, N_AND, 0, left, predicate(p));
	return left;
}

struct node *p_condition(struct parser *p)
{
	struct node *left = conjunction(p);

	while (p_take(p, "OR"))
		left = pair(p, N_OR, 0, left, conjunction(p));
	return left;
}
