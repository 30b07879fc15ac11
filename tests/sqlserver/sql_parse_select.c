/* SPDX-License-Identifier: Apache-2.0 */
/* SELECT and its clauses. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

struct order_item *p_order_list(struct parser *p)
{
	struct order_item *first = NULL, **last = &first;

	do {
		struct order_item *item = P_NEW(p, struct order_item);

		item->expression = p_expression(p);
		item->descending = p_take(p, "DESC");
		if (!item->descending)
			p_take(p, "ASC");
		*last = item;
		last = &item->next;
	} while (p_take_op(p, ","));
	return first;
}

static unsigned hint(struct parser *p)
{
	static const struct {
		const char *word;
		unsigned hint;
	} hints[] = {
		{ "NOLOCK", H_NOLOCK },
		{ "READUNCOMMITTED", H_NOLOCK },
		{ "HOLDLOCK", H_HOLDLOCK },
		{ "SERIALIZABLE", H_HOLDLOCK },
		{ "REPEATABLEREAD", H_HOLDLOCK },
		{ "TABLOCK", H_TABLOCK },
		{ "TABLOCKX", H_TABLOCKX },
		{ "UPDLOCK", H_UPDLOCK },
		{ "XLOCK", H_XLOCK },
		{ "READPAST", H_READPAST },
		{ "NOWAIT", H_NOWAIT },
		{ "SNAPSHOT", H_SNAPSHOT },
		{ "READCOMMITTEDLOCK", H_READCOMMITTEDLOCK },
		{ "READCOMMITTED", 0 },
		{ "ROWLOCK", 0 },
		{ "PAGLOCK", 0 },
		{ "NOEXPAND", 0 },
		{ "KEEPIDENTITY", 0 },
		{ "KEEPDEFAULTS", 0 },
		{ "IGNORE_CONSTRAINTS", 0 },
		{ "IGNORE_TRIGGERS", 0 },
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (p_take(p, hints[i].word))
			return hints[i].hint;
	if (p_take(p, "INDEX")) {
		if (p_take_op(p, "="))
			p->at += !p_is_op(p, "(");
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
		return 0;
	}
	if (p_take(p, "FORCESEEK") || p_take(p, "FORCESCAN")) {
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
		return 0;
	}
	p_fail(p);
}

unsigned p_hints(struct parser *p)
{
	unsigned hints = 0;
	bool with = p_is(p, "WITH") && p_peek(p, 1)->text[0] == '(' && p_peek(p, 1)->kind == T_OPERATOR;

	if (with)
		p->at++;
	else if (!(p_is_op(p, "(") && (p_is_at(p, 1, "NOLOCK") || p_is_at(p, 1, "TABLOCKX") || p_is_at(p, 1, "HOLDLOCK"))))
		return 0;
	p_need_op(p, "(");
	while (!p_is_op(p, ")")) {
		hints |= hint(p);
		p_take_op(p, ",");
	}
	p_need_op(p, ")");
	return hints;
}

static void alias(struct parser *p, struct table_ref *ref)
{
	if (p_take(p, "AS"))
		ref->alias = p_identifier(p);
	else if (p_is_identifier(p) && !p_is(p, "OPTION") && !p_is(p, "OFFSET") && !p_is(p, "OUTPUT") &&
		!p_is(p, "USING") && !p_is(p, "THROW") && !p_is(p, "DISABLE") && !p_is(p, "ENABLE") && !p_is(p, "GO"))
		ref->alias = p_identifier(p);
	if (ref->alias && p_is_op(p, "(") && ref->kind != R_TABLE)
		ref->columns = p_names(p, &ref->column_count);
}

static struct select *values_rows(struct parser *p)
{
	struct select *select = P_NEW(p, struct select);
	size_t room = 0;

	select->op = SET_VALUES;
	select->line = p_peek(p, 0)->line;
	p_need(p, "VALUES");
	do {
		if (select->row_count == room) {
			struct node ***grown = arena_alloc(p->arena, (room = room ? room * 2 : 4) * sizeof(*grown));

			if (select->row_count)
				memcpy(grown, select->rows, select->row_count * sizeof(*grown));
			select->rows = grown;
		}
		size_t columns;

		p_need_op(p, "(");
		select->rows[select->row_count++] = p_expressions(p, &columns);
		if (select->column_count && select->column_count != columns)
			p_error(p, 10709, "The number of columns for each row in a table value constructor must be the same.");
		select->column_count = columns;
		p_need_op(p, ")");
	} while (p_take_op(p, ","));
	return select;
}

static struct table_ref *table_source(struct parser *p)
{
	struct table_ref *ref = P_NEW(p, struct table_ref);

	ref->line = p_peek(p, 0)->line;
	if (p_is_op(p, "(")) {
		if (p_is_at(p, 1, "SELECT") || p_is_at(p, 1, "WITH") || p_is_at(p, 1, "VALUES")) {
			p_need_op(p, "(");
			ref->kind = R_QUERY;
			ref->query = p_is(p, "VALUES") ? values_rows(p) : p_select(p);
		} else {
			p_need_op(p, "(");
			ref = p_table(p);
			p_need_op(p, ")");
			return ref;
		}
		p_need_op(p, ")");
		alias(p, ref);
		return ref;
	}
	if (p_peek(p, 0)->kind == T_VARIABLE) {
		ref->kind = R_VARIABLE;
		ref->name.object = p_peek(p, 0)->text;
		p->at++;
		alias(p, ref);
		return ref;
	}
	p_take_op(p, "::");
	ref->name = p_name(p);
	if (p_is_op(p, "(") && !(p_is_at(p, 1, "NOLOCK") || p_is_at(p, 1, "TABLOCKX"))) {
		ref->kind = R_FUNCTION;
		p_need_op(p, "(");
		if (!p_is_op(p, ")"))
			ref->arguments = p_expressions(p, &ref->argument_count);
		p_need_op(p, ")");
	}
	alias(p, ref);
	ref->hints = p_hints(p);
	if (ref->hints && !ref->alias)
		alias(p, ref);
	return ref;
}

static bool join_word(struct parser *p, enum join_kind *join)
{
	static const char *const words[] = { "LOOP", "HASH", "MERGE", "REMOTE" };

	if (p_take(p, "CROSS")) {
		*join = p_take(p, "APPLY") ? J_CROSS_APPLY : J_CROSS;
		if (*join == J_CROSS)
			p_need(p, "JOIN");
		return true;
	}
	if (p_take2(p, "OUTER", "APPLY")) {
		*join = J_OUTER_APPLY;
		return true;
	}
	*join = p_take(p, "LEFT") ? J_LEFT : p_take(p, "RIGHT") ? J_RIGHT : p_take(p, "FULL") ? J_FULL : J_INNER;
	bool said = *join != J_INNER || p_take(p, "INNER");

	if (*join != J_INNER)
		p_take(p, "OUTER");
	for (size_t i = 0; said && i < 4; i++)
		p_take(p, words[i]);
	if (said)
		p_need(p, "JOIN");
	return said || p_take(p, "JOIN");
}

struct table_ref *p_table(struct parser *p)
{
	struct table_ref *left = table_source(p);
	enum join_kind kind;

	while (join_word(p, &kind)) {
		struct table_ref *join = P_NEW(p, struct table_ref);

		join->kind = R_JOIN;
		join->join = kind;
		join->left = left;
		join->line = p_peek(p, 0)->line;
		if (kind == J_CROSS || kind == J_CROSS_APPLY || kind == J_OUTER_APPLY) {
			join->right = table_source(p);
		} else {
			join->right = table_source(p);
			while (!p_is(p, "ON")) { /* a JOIN b JOIN c ON .. ON .. */
				enum join_kind inner_kind;
				struct table_ref *inner = P_NEW(p, struct table_ref);

				if (!join_word(p, &inner_kind))
					p_fail(p);
				inner->kind = R_JOIN;
				inner->join = inner_kind;
				inner->left = join->right;
				inner->right = table_source(p);
				p_need(p, "ON");
				inner->on = p_condition(p);
				join->right = inner;
			}
			p_need(p, "ON");
			join->on = p_condition(p);
		}
		left = join;
	}
	return left;
}

struct table_ref **p_from(struct parser *p, size_t *count)
{
	struct table_ref **list = arena_alloc(p->arena, 64 * sizeof(*list));

	*count = 0;
	do {
		if (*count == 64)
			p_fail(p);
		list[(*count)++] = p_table(p);
	} while (p_take_op(p, ","));
	return list;
}

static int assignment_operator(struct parser *p)
{
	static const char *const operators[] = { "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=" };

	for (size_t i = 0; i < 8; i++)
		if (p_take_op(p, operators[i]))
			return operators[i][0];
	return 0;
}

static bool string_alias(struct parser *p)
{
	return p_peek(p, 0)->kind == T_STRING || p_peek(p, 0)->kind == T_NSTRING;
}

static struct select_item *item(struct parser *p)
{
	struct select_item *one = P_NEW(p, struct select_item);
	const struct token *first = p_peek(p, 0), *second = p_peek(p, 1);

	if (p_take_op(p, "*")) {
		one->expression = P_NEW(p, struct node);
		one->expression->kind = N_STAR;
		return one;
	}
	bool assigns = second->kind == T_OPERATOR &&
		(!strcmp(second->text, "=") ||
			(strlen(second->text) == 2 && second->text[1] == '=' && strchr("+-*/%&|^", second->text[0])));

	if (first->kind == T_VARIABLE && assigns) {
		one->variable = first->text;
		p->at++;
		one->op = assignment_operator(p);
		if (!one->op)
			p_need_op(p, "=");
		one->expression = p_expression(p);
		return one;
	}
	if (assigns && !strcmp(second->text, "=")) { /* alias = expression */
		one->alias = p_any_word(p);
		p_need_op(p, "=");
		one->expression = p_expression(p);
		return one;
	}
	one->expression = p_expression(p);
	if (p_take(p, "AS"))
		one->alias = p_any_word(p);
	else if (string_alias(p) || (p_is_identifier(p) && !p_is(p, "GO") && !p_is(p, "THROW") && !p_is(p, "OUTPUT")))
		one->alias = p_any_word(p);
	return one;
}

struct select_item *p_items(struct parser *p)
{
	struct select_item *first = NULL, **last = &first;

	do {
		*last = item(p);
		last = &(*last)->next;
	} while (p_take_op(p, ","));
	return first;
}

static void top_clause(struct parser *p, struct select *select)
{
	if (!p_take(p, "TOP"))
		return;
	bool parenthesis = p_take_op(p, "(");

	if (parenthesis) {
		select->top = p_expression(p);
		p_need_op(p, ")");
	} else {
		select->top = P_NEW(p, struct node);
		select->top->kind = p_peek(p, 0)->kind == T_VARIABLE ? N_VARIABLE : N_INTEGER;
		if (select->top->kind == N_INTEGER && p_peek(p, 0)->kind != T_INTEGER)
			p_fail(p);
		select->top->text = p_peek(p, 0)->text;
		select->top->size = p_peek(p, 0)->size;
		p->at++;
	}
	select->percent = p_take(p, "PERCENT");
	select->ties = p_take2(p, "WITH", "TIES");
}

static struct select *simple_select(struct parser *p)
{
	struct select *select = P_NEW(p, struct select);

	select->line = p_peek(p, 0)->line;
	p_need(p, "SELECT");
	select->distinct = p_take(p, "DISTINCT");
	p_take(p, "ALL");
	top_clause(p, select);
	select->items = p_items(p);
	if (p_take(p, "INTO")) {
		select->into = P_NEW(p, struct name);
		*select->into = p_name(p);
	}
	if (p_take(p, "FROM"))
		select->from = p_from(p, &select->from_count);
	if (p_take(p, "WHERE"))
		select->where = p_condition(p);
	if (p_take2(p, "GROUP", "BY"))
		select->group = p_expressions(p, &select->group_count);
	if (p_take(p, "HAVING"))
		select->having = p_condition(p);
	return select;
}

static struct select *term(struct parser *p)
{
	if (p_is(p, "VALUES"))
		return values_rows(p);
	if (!p_take_op(p, "("))
		return simple_select(p);
	struct select *select = p_select(p);

	p_need_op(p, ")");
	return select;
}

static struct select *combine(struct parser *p, enum set_operator op, struct select *left, struct select *right)
{
	struct select *both = P_NEW(p, struct select);

	both->op = op;
	both->left = left;
	both->right = right;
	both->line = left->line;
	return both;
}

static struct select *intersections(struct parser *p)
{
	struct select *left = term(p);

	while (p_take(p, "INTERSECT"))
		left = combine(p, SET_INTERSECT, left, term(p));
	return left;
}

struct cte *p_with(struct parser *p)
{
	struct cte *first = NULL, **last = &first;

	do {
		struct cte *cte = P_NEW(p, struct cte);

		cte->name = p_identifier(p);
		if (p_is_op(p, "("))
			cte->columns = p_names(p, &cte->column_count);
		p_need(p, "AS");
		p_need_op(p, "(");
		cte->query = p_select(p);
		p_need_op(p, ")");
		*last = cte;
		last = &cte->next;
	} while (p_take_op(p, ","));
	return first;
}

void p_options(struct parser *p)
{
	if (p_is(p, "OPTION") && p_peek(p, 1)->text[0] == '(') {
		p->at++;
		p_skip_parentheses(p);
	}
}

static void for_clause(struct parser *p, struct select *select)
{
	if (p_take2(p, "FOR", "BROWSE") || !p_take2(p, "FOR", "XML"))
		return;
	p_need(p, "PATH");
	select->xml_path = true;
	select->xml_tag = "row";
	if (p_take_op(p, "(")) {
		select->xml_tag = p_string(p);
		p_need_op(p, ")");
	}
	while (p_take_op(p, ",")) {
		p_any_word(p);
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
	}
}

struct select *p_select(struct parser *p)
{
	if (p->depth++ > 100)
		p_error(p, 191, "Some part of your SQL statement is nested too deeply.");
	struct cte *with = p_take(p, "WITH") ? p_with(p) : NULL;
	struct select *select = intersections(p);

	while (p_is(p, "UNION") || p_is(p, "EXCEPT")) {
		enum set_operator op = p_take(p, "EXCEPT") ? SET_EXCEPT : SET_UNION;

		if (op == SET_UNION) {
			p_need(p, "UNION");
			op = p_take(p, "ALL") ? SET_UNION_ALL : SET_UNION;
		}
		select = combine(p, op, select, intersections(p));
	}
	if (p_take2(p, "ORDER", "BY"))
		select->order = p_order_list(p);
	if (select->order && p_take(p, "OFFSET")) {
		select->offset = p_expression(p);
		if (!p_take(p, "ROWS"))
			p_need(p, "ROW");
		if (p_take(p, "FETCH")) {
			if (!p_take(p, "NEXT"))
				p_need(p, "FIRST");
			select->fetch = p_expression(p);
			if (!p_take(p, "ROWS"))
				p_need(p, "ROW");
			p_need(p, "ONLY");
		}
	}
	for_clause(p, select);
	p_options(p);
	if (with)
		select->with = with;
	p->depth--;
	return select;
}
