/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE, ALTER and DROP. */
#include "tests/sqlserver/sql_parser.h"

#include <string.h>
#include <strings.h>

struct parameter_def *p_parameter_list(struct parser *p)
{
	struct parameter_def *first = NULL, **last = &first;

	while (p_peek(p, 0)->kind == T_VARIABLE) {
		struct parameter_def *parameter = P_NEW(p, struct parameter_def);

		parameter->name = p_peek(p, 0)->text;
		p->at++;
		p_take(p, "AS");
		parameter->type = p_type(p);
		p_take(p, "VARYING");
		p_take(p, "NULL");
		if (p_take_op(p, "="))
			parameter->value = p_expression(p);
		parameter->output = p_take(p, "OUTPUT") || p_take(p, "OUT");
		p_take(p, "READONLY");
		*last = parameter;
		last = &parameter->next;
		if (!p_take_op(p, ","))
			break;
	}
	return first;
}

static void module_options(struct parser *p, struct statement *s)
{
	if (!p_take(p, "WITH"))
		return;
	do {
		s->flag2 |= p_is(p, "SCHEMABINDING");
		s->on |= p_is(p, "ENCRYPTION");
		if (p_take(p, "EXECUTE") || p_take(p, "EXEC"))
			p_need(p, "AS");
		else if (p_is(p, "RETURNS") || p_is(p, "CALLED"))
			p->at += 4;
		p_any_word(p);
	} while (p_take_op(p, ","));
}

static void trigger_head(struct parser *p, struct statement *s)
{
	static const char *const events[] = { "INSERT", "UPDATE", "DELETE" };

	p_need(p, "ON");
	if (p_take(p, "DATABASE") || p_take2(p, "ALL", "SERVER"))
		s->all = true;
	else
		s->other = p_name(p);
	module_options(p, s);
	if (p_take2(p, "INSTEAD", "OF"))
		s->flag = true;
	else if (!p_take(p, "AFTER"))
		p_need(p, "FOR");
	const char **words = arena_alloc(p->arena, 64 * sizeof(*words));

	do {
		if (s->word_count == 64)
			p_fail(p);
		words[s->word_count++] = p_any_word(p);
		for (int i = 0; i < 3; i++)
			if (!strcasecmp(events[i], words[s->word_count - 1]))
				s->number |= 1 << i;
	} while (p_take_op(p, ","));
	s->words = words;
	if (p_is(p, "NOT") && p_is_at(p, 1, "FOR"))
		p->at += 3;
	p_need(p, "AS");
}

static void function_head(struct parser *p, struct statement *s)
{
	p_need_op(p, "(");
	s->parameters = p_parameter_list(p);
	p_need_op(p, ")");
	p_need(p, "RETURNS");
	if (p_take(p, "TABLE")) {
		s->extra = "IF";
		module_options(p, s);
		p_take(p, "AS");
		p_need(p, "RETURN");
		s->query = p_select(p);
		return;
	}
	if (p_peek(p, 0)->kind == T_VARIABLE)
		p_error(p, 50000, "The stand-in does not know multi-statement table-valued functions.");
	s->extra = "FN";
	s->type = p_type(p);
	module_options(p, s);
	p_take(p, "AS");
	s->body = p_statement(p);
}

/* text is PROCEDURE, VIEW, FUNCTION or TRIGGER; name, parameters, body or query; begin..end is the whole definition. */
struct statement *p_module(struct parser *p, const char *kind, size_t begin, bool alter)
{
	struct statement *s = p_new_statement(p, S_CREATE_MODULE);

	s->begin = begin;
	s->text = kind;
	s->alter = alter ? A_SET : A_NOTHING;
	s->name = p_name(p);
	if (!strcmp(kind, "VIEW")) {
		if (p_is_op(p, "("))
			s->words = p_names(p, &s->word_count);
		module_options(p, s);
		p_need(p, "AS");
		s->query = p_select(p);
		if (p_take(p, "WITH"))
			p->at += 2; /* CHECK OPTION */
		return s;
	}
	if (!strcmp(kind, "FUNCTION")) {
		function_head(p, s);
		return s;
	}
	if (!strcmp(kind, "TRIGGER")) {
		trigger_head(p, s);
	} else {
		bool parenthesis = p_take_op(p, "(");

		s->parameters = p_parameter_list(p);
		if (parenthesis)
			p_need_op(p, ")");
		module_options(p, s);
		p_take2(p, "FOR", "REPLICATION");
		p_need(p, "AS");
	}
	s->body = p_statements(p, NULL);
	return s;
}

static struct statement *create_index(struct parser *p, struct constraint_def *d)
{
	struct statement *s = p_new_statement(p, S_CREATE_INDEX);

	p_need(p, "INDEX");
	d->kind = D_INDEX;
	d->name = p_identifier(p);
	p_need(p, "ON");
	s->name = p_name(p);
	if (p_is_op(p, "("))
		d->columns = p_column_list(p);
	else if (!d->columnstore)
		p_fail(p);
	if (p_take(p, "INCLUDE"))
		d->include = p_column_list(p);
	if (p_take(p, "WHERE"))
		d->expression = p_condition(p);
	p_index_options(p, d);
	p_index_options(p, d);
	s->constraints = d;
	return s;
}

static struct statement *index_statement(struct parser *p)
{
	struct constraint_def *d = P_NEW(p, struct constraint_def);

	d->unique = p_take(p, "UNIQUE");
	d->clustered = p_take(p, "CLUSTERED");
	if (!d->clustered)
		p_take(p, "NONCLUSTERED");
	d->columnstore = p_take(p, "COLUMNSTORE");
	return create_index(p, d);
}

struct statement *p_sequence(struct parser *p, bool alter)
{
	struct statement *s = p_new_statement(p, S_CREATE_SEQUENCE);
	struct argument **last = &s->arguments;

	s->alter = alter ? A_SET : A_NOTHING;
	p_need(p, "SEQUENCE");
	s->name = p_name(p);
	s->type.name.object = "bigint";
	s->type.length = s->type.scale = -1;
	if (p_take(p, "AS"))
		s->type = p_type(p);
	while (p_peek(p, 0)->kind == T_WORD && !p_reserved(p_peek(p, 0))) {
		struct argument *a = P_NEW(p, struct argument);

		a->name = p_any_word(p);
		if (!strcasecmp(a->name, "NO")) {
			p_any_word(p);
			continue;
		}
		if (!p_take(p, "WITH"))
			p_take(p, "BY");
		if (p_peek(p, 0)->kind == T_INTEGER || p_is_op(p, "-"))
			a->value = p_expression(p);
		*last = a;
		last = &a->next;
	}
	return s;
}

static struct statement *create_type(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_CREATE_TYPE);

	p_need(p, "TYPE");
	s->name = p_name(p);
	if (p_take2(p, "AS", "TABLE")) {
		s->flag = true;
		p_table_body(p, s);
		return s;
	}
	p_need(p, "FROM");
	s->type = p_type(p);
	s->on = p_take(p, "NULL");
	if (p_take(p, "NOT")) {
		p_need(p, "NULL");
		s->flag2 = true;
	}
	return s;
}

/* Reads on to the end of the statement, keeping its words: for options that only show up in the catalogue. */
void p_rest(struct parser *p, struct statement *s)
{
	size_t begin = p_peek(p, 0)->begin, end = begin;

	while (p_peek(p, 0)->kind != T_END && !p_is_op(p, ";") && !p_is(p, "GO")) {
		end = p_peek(p, 0)->end;
		p->at++;
	}
	s->extra = p_source(p, begin, end);
}

struct statement *p_database(struct parser *p, bool alter)
{
	struct statement *s = p_new_statement(p, alter ? S_ALTER_DATABASE : S_CREATE_DATABASE);

	p->at++;
	s->text = p_take(p, "CURRENT") ? NULL : p_identifier(p);
	if (!alter) {
		if (p_take(p, "COLLATE"))
			s->type.name.object = p_any_word(p);
	} else if (p_take(p, "COLLATE")) {
		s->type.name.object = p_any_word(p);
	} else if (p_is(p, "MODIFY") && p_is_at(p, 1, "NAME")) {
		p->at += 2;
		p_need_op(p, "=");
		s->other.object = p_identifier(p);
	}
	size_t from = p->at;

	while (p_peek(p, 0)->kind != T_END && !p_is_op(p, ";") && !p_is(p, "COLLATE"))
		p->at++;
	if (!alter && p_is(p, "COLLATE") && p_peek(p, 1)->kind == T_WORD)
		s->type.name.object = p_peek(p, 1)->text;
	p->at = from;
	p_rest(p, s);
	return s;
}

static struct statement *principal(struct parser *p, enum statement_kind kind)
{
	struct statement *s = p_new_statement(p, kind);

	p->at++;
	s->text = p_identifier(p);
	if (kind == S_CREATE_LOGIN) {
		if (p_take2(p, "WITH", "PASSWORD")) {
			p_need_op(p, "=");
			s->extra = p_peek(p, 0)->text;
			p->at++;
		} else if (p_take2(p, "FROM", "WINDOWS")) {
			s->flag = true;
		}
		struct statement ignored;

		if (p_is_op(p, ",") || p_is(p, "WITH"))
			p_rest(p, &ignored);
		return s;
	}
	if (p_take2(p, "FOR", "LOGIN") || p_take2(p, "FROM", "LOGIN"))
		s->other.object = p_identifier(p);
	else if (p_take2(p, "WITHOUT", "LOGIN"))
		s->flag = true;
	if (p_take(p, "WITH"))
		p_rest(p, s);
	if (p_take(p, "AUTHORIZATION"))
		p_identifier(p);
	return s;
}

struct statement *p_security_policy(struct parser *p, bool alter)
{
	struct statement *s = p_new_statement(p, S_SECURITY_POLICY);

	s->alter = alter ? A_SET : A_NOTHING;
	p->at += 2;
	s->name = p_name(p);
	s->on = true;
	while (p_is(p, "ADD")) {
		p->at++;
		s->flag = p_take(p, "BLOCK");
		if (!s->flag)
			p_need(p, "FILTER");
		p_need(p, "PREDICATE");
		struct node *predicate = p_expression(p);

		p_need(p, "ON");
		struct name on = p_name(p);

		if (!s->flag) {
			s->condition = predicate;
			s->other = on;
		}
		p_take_op(p, ",");
	}
	if (p_take(p, "WITH")) {
		p_need_op(p, "(");
		p_need(p, "STATE");
		p_need_op(p, "=");
		s->on = p_take(p, "ON");
		if (!s->on)
			p_need(p, "OFF");
		while (!p_is_op(p, ")"))
			p->at++;
		p_need_op(p, ")");
	}
	return s;
}

static struct statement *schema(struct parser *p)
{
	struct statement *s = p_new_statement(p, S_CREATE_SCHEMA);

	p->at++;
	s->text = p_identifier(p);
	if (p_take(p, "AUTHORIZATION"))
		p_identifier(p);
	return s;
}

struct statement *p_create(struct parser *p)
{
	size_t begin = p_peek(p, 0)->begin;

	p_need(p, "CREATE");
	if (p_take2(p, "OR", "ALTER"))
		p_error(p, 156, "Incorrect syntax near the keyword 'OR'.");
	if (p_is(p, "TABLE")) {
		struct statement *s = p_new_statement(p, S_CREATE_TABLE);

		p->at++;
		s->name = p_name(p);
		if (p_take(p, "AS"))
			s->text = p_any_word(p); /* FileTable, NODE, EDGE */
		p_table_body(p, s);
		s->begin = begin;
		return s;
	}
	if (p_is(p, "UNIQUE") || p_is(p, "CLUSTERED") || p_is(p, "NONCLUSTERED") || p_is(p, "INDEX") ||
		p_is(p, "COLUMNSTORE"))
		return index_statement(p);
	if (p_take(p, "PROCEDURE") || p_take(p, "PROC"))
		return p_module(p, "PROCEDURE", begin, false);
	if (p_take(p, "VIEW"))
		return p_module(p, "VIEW", begin, false);
	if (p_take(p, "FUNCTION"))
		return p_module(p, "FUNCTION", begin, false);
	if (p_take(p, "TRIGGER"))
		return p_module(p, "TRIGGER", begin, false);
	if (p_is(p, "SCHEMA"))
		return schema(p);
	if (p_is(p, "SEQUENCE"))
		return p_sequence(p, false);
	if (p_is(p, "TYPE"))
		return create_type(p);
	if (p_is(p, "DATABASE"))
		return p_database(p, false);
	if (p_is(p, "LOGIN"))
		return principal(p, S_CREATE_LOGIN);
	if (p_is(p, "USER"))
		return principal(p, S_CREATE_USER);
	if (p_is(p, "ROLE"))
		return principal(p, S_CREATE_ROLE);
	if (p_is(p, "SECURITY") && p_is_at(p, 1, "POLICY"))
		return p_security_policy(p, false);
	if (p_is(p, "STATISTICS") || p_is(p, "SYNONYM") || p_is(p, "PARTITION") || p_is(p, "FULLTEXT") || p_is(p, "EVENT"))
		p_error(p, 50000, "The stand-in does not know CREATE %s.", p_peek(p, 0)->text);
	p_fail(p);
}

/* text is what is dropped; nodes are not used, names in words are kept as source for name and the list after it. */
struct statement *p_drop(struct parser *p)
{
	static const char *const kinds[] = { "TABLE", "VIEW", "PROCEDURE", "PROC", "FUNCTION", "TRIGGER", "INDEX",
		"SEQUENCE", "TYPE", "SCHEMA", "DATABASE", "LOGIN", "USER", "ROLE", "STATISTICS", "SECURITY" };
	struct statement *s = p_new_statement(p, S_DROP), *first = s;
	const char *kind = NULL;

	p_need(p, "DROP");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!kind && p_take(p, kinds[i]))
			kind = kinds[i];
	if (!kind)
		p_fail(p);
	if (!strcmp(kind, "SECURITY"))
		p_need(p, "POLICY");
	for (;;) {
		s->text = !strcmp(kind, "PROC") ? "PROCEDURE" : kind;
		s->name = p_name(p);
		if (!strcmp(kind, "INDEX")) {
			if (p_take(p, "ON"))
				s->other = p_name(p);
			else
				s->other = (struct name){ .object = s->name.schema, .schema = s->name.database };
		} else if (!strcmp(kind, "TRIGGER") && p_take(p, "ON")) {
			s->all = true;
			p->at += p_is(p, "ALL") ? 2 : 1;
		}
		if (!p_take_op(p, ","))
			return first;
		struct statement *next = p_new_statement(p, S_DROP);

		s->body = next; /* the rest of the list */
		s = next;
	}
}
