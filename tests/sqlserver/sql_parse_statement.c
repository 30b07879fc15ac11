/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of procedural T-SQL, transactions and sessions. */
#include "tests/sqlserver/sql_parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_node(struct parser *p, struct statement *s, struct node *node)
{
	struct node **grown = arena_alloc(p->arena, (s->node_count + 1) * sizeof(*grown));

	if (s->node_count)
		memcpy(grown, s->nodes, s->node_count * sizeof(*grown));
	grown[s->node_count++] = node;
	s->nodes = grown;
}

static bool at_end_word(const struct parser *p)
{
	return p_is(p, "END");
}

static struct statement *block(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_BLOCK);

	p_need(p, "BEGIN");
	if (p_take(p, "TRY")) {
		s->kind = S_TRY;
		s->body = p_statements(p, at_end_word);
		p_need(p, "END");
		p_need(p, "TRY");
		p_take_op(p, ";");
		p_need(p, "BEGIN");
		p_need(p, "CATCH");
		s->otherwise = p_statements(p, at_end_word);
		p_need(p, "END");
		p_need(p, "CATCH");
		return s;
	}
	s->body = p_statements(p, at_end_word);
	p_need(p, "END");
	return s;
}

static struct statement *transaction(struct parser *p, enum statement_kind kind)
{
	struct statement *s = p_new_statement(p, kind);

	p->at++;
	if (!p_take(p, "TRANSACTION") && !p_take(p, "TRAN"))
		p_take(p, "WORK");
	if (p_peek(p, 0)->kind == T_VARIABLE) {
		s->nodes = NULL;
		add_node(p, s, p_expression(p));
	} else if (p_is_identifier(p) && !p_is(p, "THROW")) {
		s->text = p_identifier(p);
	}
	if (p_take2(p, "WITH", "MARK"))
		p_string(p);
	return s;
}

static struct statement *condition_statement(struct parser *p, enum statement_kind kind)
{
	struct statement *s = p_new_statement(p, kind);

	p->at++;
	s->condition = p_condition(p);
	s->body = p_statement(p);
	while (p_take_op(p, ";"))
		;
	if (kind == S_IF && p_take(p, "ELSE"))
		s->otherwise = p_statement(p);
	return s;
}

static struct statement *declare(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_DECLARE);
	struct parameter_def **last = &s->parameters;

	p_need(p, "DECLARE");
	if (p_is_identifier(p) && (p_is_at(p, 1, "CURSOR")))
		p_error(p, 50000, "The stand-in does not know cursors.");
	do {
		struct parameter_def *parameter = P_NEW(p, struct parameter_def);

		if (p_peek(p, 0)->kind != T_VARIABLE)
			p_fail(p);
		parameter->name = p_peek(p, 0)->text;
		p->at++;
		p_take(p, "AS");
		if (p_take(p, "TABLE")) {
			s->kind = S_DECLARE_TABLE;
			s->name.object = parameter->name;
			p_table_body(p, s);
			return s;
		}
		parameter->type = p_type(p);
		if (p_take_op(p, "="))
			parameter->value = p_expression(p);
		*last = parameter;
		last = &parameter->next;
	} while (p_take_op(p, ","));
	return s;
}

static struct statement *set_variable(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_SET_VARIABLE);

	p_need(p, "SET");
	s->text = p_peek(p, 0)->text;
	p->at++;
	const struct token *op = p_peek(p, 0);

	if (op->kind == T_OPERATOR && op->size == 2 && op->text[1] == '=' && strchr("+-*/%&|^", op->text[0])) {
		s->number = op->text[0];
		p->at++;
	} else {
		p_need_op(p, "=");
	}
	add_node(p, s, p_expression(p));
	return s;
}

static bool on_or_off(struct parser *p)
{
	if (p_take(p, "OFF"))
		return false;
	p_need(p, "ON");
	return true;
}

static void isolation(struct parser *p, struct statement *s)
{
	s->text = "ISOLATION";
	p->at += 3;
	s->extra = p_take2(p, "READ", "UNCOMMITTED") ? "READ UNCOMMITTED"
		: p_take2(p, "READ", "COMMITTED")        ? "READ COMMITTED"
		: p_take2(p, "REPEATABLE", "READ")       ? "REPEATABLE READ"
		: p_take(p, "SNAPSHOT")                  ? "SNAPSHOT"
		: p_take(p, "SERIALIZABLE")              ? "SERIALIZABLE"
												 : NULL;
	if (!s->extra)
		p_fail(p);
}

static void set_list(struct parser *p, struct statement *s)
{
	const char **words = arena_alloc(p->arena, 16 * sizeof(*words));

	do {
		if (s->word_count == 16)
			p_fail(p);
		words[s->word_count++] = p_any_word(p);
	} while (p_take_op(p, ","));
	s->words = words;
	s->on = on_or_off(p);
}

/* SET of an option: words with ON or OFF, or text and a value in extra, number or a node. */
static struct statement *set_option(struct parser *p)
{
	static const char *const valued[] = { "TEXTSIZE", "ROWCOUNT", "LOCK_TIMEOUT", "DEADLOCK_PRIORITY", "DATEFORMAT",
		"DATEFIRST", "LANGUAGE", "CONTEXT_INFO", "QUERY_GOVERNOR_COST_LIMIT" };
	struct statement *s = p_new_statement(p, S_SET_OPTION);

	p_need(p, "SET");
	if (p_is(p, "TRANSACTION") || p_is(p, "TRAN")) {
		isolation(p, s);
		return s;
	}
	if (p_take(p, "IDENTITY_INSERT")) {
		s->text = "IDENTITY_INSERT";
		s->name = p_name(p);
		s->on = on_or_off(p);
		return s;
	}
	if (p_is(p, "STATISTICS")) {
		s->text = "STATISTICS";
		p->at += 2;
		s->on = on_or_off(p);
		return s;
	}
	for (size_t i = 0; i < sizeof(valued) / sizeof(*valued); i++) {
		if (!p_take(p, valued[i]))
			continue;
		s->text = valued[i];
		if (p_peek(p, 0)->kind == T_WORD)
			s->extra = p_any_word(p);
		else
			add_node(p, s, p_expression(p));
		return s;
	}
	set_list(p, s);
	return s;
}

static struct statement *print_like(struct parser *p, enum statement_kind kind)
{
	struct statement *s = p_new_statement(p, kind);

	p->at++;
	if (kind == S_RAISERROR) {
		p_need_op(p, "(");
		s->nodes = p_expressions(p, &s->node_count);
		p_need_op(p, ")");
		if (p_take(p, "WITH")) {
			do
				s->flag |= !strcasecmp(p_any_word(p), "NOWAIT");
			while (p_take_op(p, ","));
		}
	} else if (kind == S_THROW) {
		if (p_peek(p, 0)->kind == T_INTEGER || p_peek(p, 0)->kind == T_VARIABLE)
			s->nodes = p_expressions(p, &s->node_count);
	} else if (kind == S_RETURN) {
		const struct token *t = p_peek(p, 0);

		if (t->kind != T_END && !p_is_op(p, ";") &&
			(t->kind != T_WORD || !p_reserved(t) || p_is(p, "CASE") || p_is(p, "NULL") || p_is(p, "CONVERT") ||
				p_is(p, "COALESCE")) &&
			!p_is(p, "GO"))
			add_node(p, s, p_expression(p));
	} else {
		add_node(p, s, p_expression(p));
	}
	return s;
}

static struct statement *waitfor(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_WAITFOR);

	p->at++;
	if (!p_take(p, "DELAY"))
		p_fail(p);
	add_node(p, s, p_expression(p));
	return s;
}

static struct argument *arguments(struct parser *p)
{
	struct argument *first = NULL, **last = &first;
	const struct token *t = p_peek(p, 0);

	if (t->kind == T_END || (t->kind == T_OPERATOR && !p_is_op(p, "-") && !p_is_op(p, "(") && !p_is_op(p, "+")) ||
		(p_reserved(t) && !p_is(p, "NULL") && !p_is(p, "DEFAULT")))
		return NULL;
	do {
		struct argument *a = P_NEW(p, struct argument);

		if (p_peek(p, 0)->kind == T_VARIABLE && p_peek(p, 1)->kind == T_OPERATOR && !strcmp(p_peek(p, 1)->text, "=")) {
			a->name = p_peek(p, 0)->text;
			p->at += 2;
		}
		if (p_peek(p, 0)->kind == T_WORD && !p_is(p, "NULL") && !p_is(p, "DEFAULT")) { /* a bare word is a string */
			a->value = P_NEW(p, struct node);
			a->value->kind = N_NSTRING;
			a->value->text = p_any_word(p);
			a->value->size = strlen(a->value->text);
		} else {
			a->value = p_expression(p);
		}
		a->output = p_take(p, "OUTPUT") || p_take(p, "OUT");
		*last = a;
		last = &a->next;
	} while (p_take_op(p, ","));
	return first;
}

struct statement *p_execute(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_EXEC);

	if (!p_take(p, "EXEC"))
		p_take(p, "EXECUTE");
	if (p_is(p, "AS"))
		p_error(p, 50000, "The stand-in does not know EXECUTE AS.");
	if (p_take_op(p, "(")) {
		s->kind = S_EXEC_TEXT;
		add_node(p, s, p_expression(p));
		p_need_op(p, ")");
		return s;
	}
	if (p_peek(p, 0)->kind == T_VARIABLE && p_peek(p, 1)->kind == T_OPERATOR && !strcmp(p_peek(p, 1)->text, "=")) {
		s->text = p_peek(p, 0)->text;
		p->at += 2;
	}
	if (p_peek(p, 0)->kind == T_VARIABLE)
		add_node(p, s, p_expression(p));
	else
		s->name = p_name(p);
	s->arguments = arguments(p);
	if (p_take(p, "WITH"))
		p_any_word(p);
	return s;
}

static struct statement *use(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_USE);

	p->at++;
	s->text = p_identifier(p);
	return s;
}

static struct statement *word_statement(struct parser *p, enum statement_kind kind)
{
	struct statement *s = p_new_statement(p, kind);

	p->at++;
	if (kind == S_KILL)
		add_node(p, s, p_expression(p));
	return s;
}

static struct statement *control(struct parser *p)
{
	if (p_is(p, "BEGIN"))
		return p_is_at(p, 1, "TRAN") || p_is_at(p, 1, "TRANSACTION") ? transaction(p, S_BEGIN_TRAN) : block(p);
	if (p_is(p, "COMMIT"))
		return transaction(p, S_COMMIT);
	if (p_is(p, "ROLLBACK"))
		return transaction(p, S_ROLLBACK);
	if (p_is(p, "SAVE"))
		return transaction(p, S_SAVE);
	if (p_is(p, "IF"))
		return condition_statement(p, S_IF);
	if (p_is(p, "WHILE"))
		return condition_statement(p, S_WHILE);
	if (p_is(p, "DECLARE"))
		return declare(p);
	if (p_is(p, "SET"))
		return p_peek(p, 1)->kind == T_VARIABLE ? set_variable(p) : set_option(p);
	if (p_is(p, "PRINT"))
		return print_like(p, S_PRINT);
	if (p_is(p, "RAISERROR"))
		return print_like(p, S_RAISERROR);
	if (p_is(p, "THROW"))
		return print_like(p, S_THROW);
	if (p_is(p, "RETURN"))
		return print_like(p, S_RETURN);
	if (p_is(p, "WAITFOR"))
		return waitfor(p);
	if (p_is(p, "USE"))
		return use(p);
	return NULL;
}

struct statement *p_statement(struct parser *p)
{
	if (p->depth++ > 150)
		p_error(p, 191, "Some part of your SQL statement is nested too deeply.");
	struct statement *s = control(p);

	if (s)
		;
	else if (p_is(p, "SELECT") || p_is(p, "INSERT") || (p_is(p, "UPDATE") && !p_is_at(p, 1, "STATISTICS")) ||
		p_is(p, "DELETE") || p_is(p, "MERGE") || p_is(p, "WITH") || p_is_op(p, "("))
		s = p_dml(p);
	else if (p_is(p, "EXEC") || p_is(p, "EXECUTE"))
		s = p_execute(p);
	else if (p_is(p, "BREAK"))
		s = word_statement(p, S_BREAK);
	else if (p_is(p, "CONTINUE"))
		s = word_statement(p, S_CONTINUE);
	else if (p_is(p, "CHECKPOINT"))
		s = word_statement(p, S_CHECKPOINT);
	else if (p_is(p, "KILL"))
		s = word_statement(p, S_KILL);
	else if (p_is(p, "CREATE"))
		s = p_create(p);
	else if (p_is(p, "ALTER"))
		s = p_alter(p);
	else if (p_is(p, "DROP"))
		s = p_drop(p);
	else
		s = p_other(p);
	p->depth--;
	s->end = p->tokens[p->at ? p->at - 1 : 0].end;
	return s;
}

struct statement *p_statements(struct parser *p, bool (*at_end)(const struct parser *p))
{
	struct statement *first = NULL, **last = &first;
	bool start = true;

	for (;;) {
		while (p_take_op(p, ";"))
			;
		if (p_peek(p, 0)->kind == T_END || (at_end && at_end(p)))
			return first;
		bool bare_call = start && !at_end && p_is_identifier(p) && !p_is(p, "DISABLE") && !p_is(p, "ENABLE");

		*last = bare_call ? p_execute(p) : p_statement(p); /* the first procedure of a batch needs no EXEC */
		(*last)->end = p->tokens[p->at - 1].end;
		last = &(*last)->next;
		start = false;
	}
}
