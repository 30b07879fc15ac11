/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT, UPDATE, DELETE, MERGE, INSERT BULK. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

struct statement *p_new_statement(struct parser *p, enum statement_kind kind)
{
	struct statement *s = P_NEW(p, struct statement);

	s->kind = kind;
	s->line = p_peek(p, 0)->line;
	s->begin = p_peek(p, 0)->begin;
	return s;
}

static void top(struct parser *p, struct statement *s)
{
	if (!p_take(p, "TOP"))
		return;
	p_need_op(p, "(");
	s->top = p_expression(p);
	p_need_op(p, ")");
	if (p_is(p, "PERCENT"))
		p_fail(p);
}

static void output(struct parser *p, struct statement *s)
{
	if (!p_take(p, "OUTPUT"))
		return;
	s->output = p_items(p);
	if (p_take(p, "INTO")) {
		s->output_into = P_NEW(p, struct name);
		if (p_peek(p, 0)->kind == T_VARIABLE) {
			s->output_into->object = p_peek(p, 0)->text;
			p->at++;
		} else {
			*s->output_into = p_name(p);
		}
		if (p_is_op(p, "("))
			p_column_list(p);
	}
}

static struct table_ref *target(struct parser *p)
{
	struct table_ref *ref = P_NEW(p, struct table_ref);

	ref->line = p_peek(p, 0)->line;
	if (p_peek(p, 0)->kind == T_VARIABLE) {
		ref->kind = R_VARIABLE;
		ref->name.object = p_peek(p, 0)->text;
		p->at++;
	} else {
		ref->name = p_name(p);
	}
	ref->hints = p_hints(p);
	return ref;
}

static struct statement *insert_bulk(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_INSERT_BULK);
	struct column_def **last = &s->column_defs;

	p->at += 2;
	s->name = p_name(p);
	p_need_op(p, "(");
	do {
		struct column_def *column = P_NEW(p, struct column_def);

		column->name = p_identifier(p);
		column->type = p_type(p);
		if (p_take(p, "COLLATE"))
			column->collation = p_any_word(p);
		*last = column;
		last = &column->next;
	} while (p_take_op(p, ","));
	p_need_op(p, ")");
	if (!p_take(p, "WITH"))
		return s;
	p_need_op(p, "(");
	const char **words = arena_alloc(p->arena, 32 * sizeof(*words));

	do {
		if (s->word_count == 32)
			p_fail(p);
		words[s->word_count++] = p_any_word(p);
		if (!strcasecmp(words[s->word_count - 1], "ORDER"))
			s->columns = p_column_list(p);
		else if (p_take_op(p, "="))
			p_integer(p);
	} while (p_take_op(p, ","));
	s->words = words;
	p_need_op(p, ")");
	return s;
}

static struct statement *insert(struct parser *p)
{
	if (p_is_at(p, 1, "BULK"))
		return insert_bulk(p);
	struct statement *s = p_new_statement(p, S_INSERT);

	p_need(p, "INSERT");
	top(p, s);
	p_take(p, "INTO");
	s->target = target(p);
	if (p_is_op(p, "(") && !p_is_at(p, 1, "SELECT") && p_peek(p, 1)->text[0] != '(')
		s->columns = p_column_list(p);
	output(p, s);
	if (p_take2(p, "DEFAULT", "VALUES")) {
		s->flag = true;
	} else if (p_is(p, "EXEC") || p_is(p, "EXECUTE")) {
		s->body = p_execute(p);
	} else {
		s->query = p_select(p);
	}
	return s;
}

/* column = value, @x = column = value, column.WRITE(value, offset, length), column += value */
static struct select_item *assignment(struct parser *p)
{
	struct select_item *item = P_NEW(p, struct select_item);

	if (p_peek(p, 0)->kind == T_VARIABLE) {
		item->variable = p_peek(p, 0)->text;
		p->at++;
		p_need_op(p, "=");
		if (!(p_is_identifier(p) && p_peek(p, 1)->kind == T_OPERATOR && !strcmp(p_peek(p, 1)->text, "="))) {
			item->expression = p_expression(p);
			return item;
		}
	}
	struct name name = p_name(p);

	item->alias = name.object;
	if (name.schema && !strcasecmp(name.object, "WRITE") && p_is_op(p, "(")) {
		item->alias = name.schema;
		item->op = 'W';
		item->expression = P_NEW(p, struct node);
		item->expression->kind = N_CALL;
		item->expression->text = "WRITE";
		p_need_op(p, "(");
		item->expression->kids = p_expressions(p, &item->expression->count);
		if (item->expression->count != 3)
			p_fail(p);
		p_need_op(p, ")");
		return item;
	}
	const struct token *op = p_peek(p, 0);

	if (op->kind == T_OPERATOR && op->size == 2 && op->text[1] == '=' && strchr("+-*/%&|^", op->text[0])) {
		item->op = op->text[0];
		p->at++;
	} else {
		p_need_op(p, "=");
	}
	item->expression = p_expression(p);
	return item;
}

struct select_item *p_assignments(struct parser *p)
{
	struct select_item *first = NULL, **last = &first;

	do {
		*last = assignment(p);
		last = &(*last)->next;
	} while (p_take_op(p, ","));
	return first;
}

static struct statement *update(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_UPDATE);

	p_need(p, "UPDATE");
	top(p, s);
	s->target = target(p);
	p_need(p, "SET");
	s->set = p_assignments(p);
	output(p, s);
	if (p_take(p, "FROM"))
		s->from = p_from(p, &s->from_count);
	if (p_take(p, "WHERE"))
		s->condition = p_condition(p);
	p_options(p);
	return s;
}

static struct statement *delete (struct parser *p)
{
	struct statement *s = p_new_statement(p, S_DELETE);

	p_need(p, "DELETE");
	top(p, s);
	p_take(p, "FROM");
	s->target = target(p);
	output(p, s);
	if (p_take(p, "FROM"))
		s->from = p_from(p, &s->from_count);
	if (p_take(p, "WHERE"))
		s->condition = p_condition(p);
	p_options(p);
	return s;
}

static struct merge_when *merge_when(struct parser *p)
{
	struct merge_when *when = P_NEW(p, struct merge_when);

	when->matched = !p_take(p, "NOT");
	p_need(p, "MATCHED");
	if (p_take(p, "BY")) {
		when->by_source = p_take(p, "SOURCE");
		if (!when->by_source)
			p_need(p, "TARGET");
	}
	if (p_take(p, "AND"))
		when->condition = p_condition(p);
	p_need(p, "THEN");
	if (p_take(p, "DELETE")) {
		when->action = S_DELETE;
	} else if (p_take2(p, "UPDATE", "SET")) {
		when->action = S_UPDATE;
		when->set = p_assignments(p);
	} else {
		p_need(p, "INSERT");
		when->action = S_INSERT;
		if (p_is_op(p, "("))
			when->columns = p_column_list(p);
		p_need(p, "VALUES");
		p_need_op(p, "(");
		when->values = p_expressions(p, &when->value_count);
		p_need_op(p, ")");
	}
	return when;
}

static struct statement *merge(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_MERGE);
	struct merge_when **last = &s->whens;

	p_need(p, "MERGE");
	p_take(p, "INTO");
	s->target = target(p);
	if (p_take(p, "AS"))
		s->target->alias = p_identifier(p);
	else if (!p_is(p, "USING"))
		s->target->alias = p_identifier(p);
	p_need(p, "USING");
	s->from = p_from(p, &s->from_count);
	p_need(p, "ON");
	s->condition = p_condition(p);
	while (p_take(p, "WHEN")) {
		*last = merge_when(p);
		last = &(*last)->next;
	}
	output(p, s);
	p_options(p);
	if (!p_is_op(p, ";"))
		p_error(p, 10713, "A MERGE statement must be terminated by a semi-colon (;).");
	return s;
}

struct statement *p_dml(struct parser *p)
{
	struct cte *with = p_take(p, "WITH") ? p_with(p) : NULL;
	struct statement *s;

	if (p_is(p, "INSERT")) {
		s = insert(p);
	} else if (p_is(p, "UPDATE")) {
		s = update(p);
	} else if (p_is(p, "DELETE")) {
		s = delete (p);
	} else if (p_is(p, "MERGE")) {
		s = merge(p);
	} else {
		s = p_new_statement(p, S_SELECT);
		s->query = p_select(p);
		if (with)
			s->query->with = with;
		return s;
	}
	s->with = with;
	return s;
}
