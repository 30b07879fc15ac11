/* SPDX-License-Identifier: Apache-2.0 */
/* Permissions, DBCC, statistics, triggers' states. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

static const char *permission_words(struct parser *p)
{
	struct text text = { .arena = p->arena };

	while (p_peek(p, 0)->kind == T_WORD && !p_is(p, "ON") && !p_is(p, "TO") && !p_is(p, "FROM")) {
		if (text.size)
			text_add(&text, " ");
		text_add(&text, p_any_word(p));
	}
	if (!text.size)
		p_fail(p);
	if (p_is_op(p, "("))
		p_error(p, 50000, "The stand-in does not know permissions on columns.");
	return text_done(&text);
}

/* text: GRANT, DENY, REVOKE; words: the permissions, then (word_count on, number of them) the principals. */
struct statement *p_permission(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_PERMISSION);
	const char **words = arena_alloc(p->arena, 64 * sizeof(*words));

	s->text = p_is(p, "GRANT") ? "GRANT" : p_is(p, "DENY") ? "DENY" : "REVOKE";
	p->at++;
	if (p_is(p, "GRANT") && p_is_at(p, 1, "OPTION"))
		p->at += 3;
	s->words = words;
	do {
		if (s->word_count > 30)
			p_fail(p);
		words[s->word_count++] = permission_words(p);
	} while (p_take_op(p, ","));
	if (p_take(p, "ON")) {
		if (p_peek(p, 1)->kind == T_OPERATOR && !strcmp(p_peek(p, 1)->text, "::")) {
			s->extra = p_any_word(p); /* OBJECT, SCHEMA, DATABASE, LOGIN */
			p_need_op(p, "::");
		}
		s->other = p_name(p);
		s->flag = true;
	}
	if (!p_take(p, "TO"))
		p_need(p, "FROM");
	do {
		if (s->word_count + (size_t)s->number > 60)
			p_fail(p);
		words[s->word_count + (size_t)s->number++] = p_take(p, "PUBLIC") ? "public" : p_identifier(p);
	} while (p_take_op(p, ","));
	if (p_take(p, "WITH"))
		p->at += 2;
	p_take(p, "CASCADE");
	return s;
}

static struct statement *dbcc(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_DBCC);
	const char **words = arena_alloc(p->arena, 16 * sizeof(*words));

	p->at++;
	s->text = p_any_word(p);
	s->words = words;
	if (p_take_op(p, "(")) {
		while (!p_is_op(p, ")")) {
			const struct token *t = p_peek(p, 0);
			size_t begin = p->at;

			if (s->word_count == 16 || t->kind == T_END)
				p_fail(p);
			if (t->kind == T_VARIABLE)
				p_error(p, 50000, "The stand-in does not know variables in DBCC.");
			if (t->kind == T_OPERATOR) {
				words[s->word_count++] = arena_format(p->arena, "-%s", p_peek(p, 1)->text);
				p_take_op(p, "-");
				p->at++;
			} else if (t->kind == T_STRING || t->kind == T_NSTRING || t->kind == T_INTEGER) {
				words[s->word_count++] = t->text;
				p->at++;
			} else {
				p_name(p);
				words[s->word_count++] = p_source(p, p->tokens[begin].begin, p->tokens[p->at - 1].end);
			}
			p_take_op(p, ",");
		}
		p_need_op(p, ")");
	}
	if (p_take(p, "WITH")) {
		do
			s->flag |= !strcasecmp(p_any_word(p), "NO_INFOMSGS");
		while (p_take_op(p, ","));
	}
	return s;
}

static struct statement *trigger_state(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_TRIGGER_STATE);
	const char **words = arena_alloc(p->arena, 64 * sizeof(*words));

	s->on = p_take(p, "ENABLE");
	if (!s->on)
		p_need(p, "DISABLE");
	p_need(p, "TRIGGER");
	s->words = words;
	s->all = p_take(p, "ALL");
	while (!s->all) {
		if (s->word_count == 64)
			p_fail(p);
		words[s->word_count++] = p_name(p).object;
		if (!p_take_op(p, ","))
			break;
	}
	p_need(p, "ON");
	if (p_take(p, "DATABASE") || p_take2(p, "ALL", "SERVER"))
		s->flag = true;
	else
		s->name = p_name(p);
	return s;
}

static struct statement *statistics(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_UPDATE_STATISTICS);

	p->at += 2;
	s->name = p_name(p);
	if (p_is_op(p, "("))
		p_skip_parentheses(p);
	else if (p_is_identifier(p) && !p_is(p, "WITH"))
		p_identifier(p);
	if (p_take(p, "WITH")) {
		do {
			p_any_word(p);
			if (p_peek(p, 0)->kind == T_INTEGER)
				p->at += 2;
		} while (p_take_op(p, ","));
	}
	return s;
}

static struct statement *truncate(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_TRUNCATE);

	p->at++;
	p_need(p, "TABLE");
	s->name = p_name(p);
	return s;
}

struct statement *p_other(struct parser *p)
{
	if (p_is(p, "TRUNCATE"))
		return truncate(p);
	if (p_is(p, "GRANT") || p_is(p, "DENY") || p_is(p, "REVOKE"))
		return p_permission(p);
	if (p_is(p, "DBCC"))
		return dbcc(p);
	if (p_is(p, "ENABLE") || p_is(p, "DISABLE"))
		return trigger_state(p);
	if (p_is(p, "UPDATE"))
		return statistics(p);
	if (p_is(p, "RECONFIGURE")) {
		struct statement *s = p_new_statement(p, S_EMPTY);

		p->at++;
		if (p_take(p, "WITH"))
			p_any_word(p);
		return s;
	}
	p_fail(p);
}
