/* SPDX-License-Identifier: Apache-2.0 */
/* ALTER. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

static void alter_add(struct parser *p, struct statement *s)
{
	struct column_def **last = &s->column_defs;
	struct constraint_def **last_constraint = &s->constraints;

	s->alter = A_ADD;
	if (p_is(p, "PERIOD")) {
		p->at += 3;
		p_skip_parentheses(p);
		return;
	}
	do {
		if (p_is_constraint(p)) {
			*last_constraint = p_constraint(p);
			last_constraint = &(*last_constraint)->next;
		} else {
			p_take(p, "COLUMN");
			*last = p_column(p);
			last = &(*last)->next;
		}
	} while (p_take_op(p, ","));
}

static void alter_drop(struct parser *p, struct statement *s)
{
	const char **words = arena_alloc(p->arena, 64 * sizeof(*words));

	s->alter = A_DROP_CONSTRAINT;
	if (p_take(p, "COLUMN"))
		s->alter = A_DROP_COLUMN;
	else
		p_take(p, "CONSTRAINT");
	do {
		if (s->word_count == 64)
			p_fail(p);
		words[s->word_count++] = p_identifier(p);
	} while (p_take_op(p, ","));
	s->words = words;
}

static void name_list_or_all(struct parser *p, struct statement *s)
{
	const char **words = arena_alloc(p->arena, 256 * sizeof(*words));

	s->words = words;
	s->all = p_take(p, "ALL");
	if (s->all)
		return;
	do {
		if (s->word_count == 256)
			p_fail(p);
		words[s->word_count++] = p_identifier(p);
	} while (p_take_op(p, ","));
}

static struct statement *alter_table(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_ALTER_TABLE);

	p_need(p, "TABLE");
	s->name = p_name(p);
	s->number = -1; /* WITH CHECK / NOCHECK not said */
	if (p_take2(p, "WITH", "CHECK"))
		s->number = 1;
	else if (p_take2(p, "WITH", "NOCHECK"))
		s->number = 0;
	if (p_take(p, "ADD")) {
		alter_add(p, s);
	} else if (p_take(p, "DROP")) {
		alter_drop(p, s);
	} else if (p_take2(p, "ALTER", "COLUMN")) {
		s->alter = A_ALTER_COLUMN;
		s->column_defs = p_column(p);
	} else if (p_is(p, "CHECK") || p_is(p, "NOCHECK")) {
		s->alter = p_take(p, "CHECK") ? A_CHECK : (p_need(p, "NOCHECK"), A_NOCHECK);
		p_need(p, "CONSTRAINT");
		name_list_or_all(p, s);
	} else if (p_is(p, "ENABLE") || p_is(p, "DISABLE")) {
		s->alter = p_take(p, "ENABLE") ? A_TRIGGER_ENABLE : (p_need(p, "DISABLE"), A_TRIGGER_DISABLE);
		if (p_take(p, "CHANGE_TRACKING")) {
			s->text = "CHANGE_TRACKING";
			p_rest(p, s);
			return s;
		}
		p_need(p, "TRIGGER");
		name_list_or_all(p, s);
	} else if (p_take(p, "SET")) {
		s->alter = A_SET;
		p_rest(p, s);
	} else if (p_take(p, "REBUILD")) {
		s->alter = A_REBUILD;
		p_rest(p, s);
	} else {
		p_fail(p);
	}
	return s;
}

static struct statement *alter_role(struct parser *p, bool server)
{
	struct statement *s = p_new_statement(p, S_ALTER_ROLE);

	s->flag = server;
	p_need(p, "ROLE");
	s->text = p_identifier(p);
	s->on = p_take(p, "ADD");
	if (!s->on)
		p_need(p, "DROP");
	p_need(p, "MEMBER");
	s->extra = p_identifier(p);
	return s;
}

static struct statement *alter_index(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_ALTER_INDEX);

	p_need(p, "INDEX");
	s->all = p_take(p, "ALL");
	if (!s->all)
		s->text = p_identifier(p);
	p_need(p, "ON");
	s->name = p_name(p);
	p_rest(p, s);
	return s;
}

struct statement *p_alter(struct parser *p)
{
	size_t begin = p_peek(p, 0)->begin;

	p_need(p, "ALTER");
	if (p_is(p, "TABLE"))
		return alter_table(p);
	if (p_is(p, "DATABASE"))
		return p_database(p, true);
	if (p_is(p, "ROLE"))
		return alter_role(p, false);
	if (p_take(p, "SERVER"))
		return alter_role(p, true);
	if (p_is(p, "SEQUENCE"))
		return p_sequence(p, true);
	if (p_is(p, "INDEX"))
		return alter_index(p);
	if (p_is(p, "SECURITY"))
		return p_security_policy(p, true);
	if (p_take(p, "PROCEDURE") || p_take(p, "PROC"))
		return p_module(p, "PROCEDURE", begin, true);
	if (p_take(p, "VIEW"))
		return p_module(p, "VIEW", begin, true);
	if (p_take(p, "FUNCTION"))
		return p_module(p, "FUNCTION", begin, true);
	if (p_take(p, "TRIGGER"))
		return p_module(p, "TRIGGER", begin, true);
	if (p_is(p, "LOGIN") || p_is(p, "USER") || p_is(p, "AUTHORIZATION")) {
		struct statement *s = p_new_statement(p, S_GENERIC);

		s->text = p_any_word(p);
		s->on = true;
		p_rest(p, s);
		return s;
	}
	p_fail(p);
}
