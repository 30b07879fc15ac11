/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, constraints and indexes. */
#include "tests/sqlserver/sql_parser.h"
#include "tests/sqlserver/sql_type.h"

#include <string.h>
#include <strings.h>

bool p_is_constraint(const struct parser *p)
{
	static const char *const words[] = { "CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "DEFAULT",
		"REFERENCES" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (p_is(p, words[i]))
			return true;
	return p_is(p, "INDEX") && p_peek(p, 1)->kind != T_OPERATOR;
}

static int referential_action(struct parser *p)
{
	if (p_take(p, "CASCADE"))
		return 1;
	if (p_take2(p, "SET", "NULL"))
		return 2;
	if (p_take2(p, "SET", "DEFAULT"))
		return 3;
	p_need(p, "NO");
	p_need(p, "ACTION");
	return 0;
}

static void index_option(struct parser *p, struct constraint_def *d)
{
	const char *word = p_any_word(p);

	p_need_op(p, "=");
	if (!strcasecmp(word, "DATA_COMPRESSION")) {
		d->compression = p_take(p, "PAGE") ? 2 : p_take(p, "ROW") ? 1 : 0;
		if (!d->compression)
			p_any_word(p);
		if (p_take2(p, "ON", "PARTITIONS"))
			p_skip_parentheses(p);
	} else if (!strcasecmp(word, "FILLFACTOR")) {
		d->fill_factor = (int)p_integer(p);
	} else if (!strcasecmp(word, "IGNORE_DUP_KEY")) {
		d->ignore_duplicates = p_is(p, "ON");
		p->at++;
	} else if (!strcasecmp(word, "PAD_INDEX")) {
		d->padded = p_is(p, "ON");
		p->at++;
	} else {
		p->at++;
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
	}
}

void p_index_options(struct parser *p, struct constraint_def *d)
{
	if (p_is(p, "WITH") && p_peek(p, 1)->text[0] == '(') {
		p->at += 2;
		do
			index_option(p, d);
		while (p_take_op(p, ","));
		p_need_op(p, ")");
	} else if (p_take2(p, "WITH", "FILLFACTOR")) {
		p_need_op(p, "=");
		d->fill_factor = (int)p_integer(p);
	}
	if (p_take(p, "ON")) { /* a filegroup or partition scheme */
		p_any_word(p);
		if (p_is_op(p, "("))
			p_skip_parentheses(p);
	}
}

static void key_clause(struct parser *p, struct constraint_def *d)
{
	d->clustered = p_take(p, "CLUSTERED") ? 1 : p_take(p, "NONCLUSTERED") ? 0 : -1;
	if (p_take(p, "CLUSTERED"))
		d->clustered = 1;
	if (p_is_op(p, "("))
		d->columns = p_column_list(p);
	if (p_take(p, "INCLUDE"))
		d->include = p_column_list(p);
	if (p_take(p, "WHERE"))
		d->expression = p_condition(p);
	p_index_options(p, d);
}

static void reference_clause(struct parser *p, struct constraint_def *d)
{
	p_need(p, "REFERENCES");
	d->reference = p_name(p);
	if (p_is_op(p, "("))
		d->reference_columns = p_column_list(p);
	while (p_take(p, "ON")) {
		bool deletes = p_take(p, "DELETE");

		if (!deletes)
			p_need(p, "UPDATE");
		*(deletes ? &d->on_delete : &d->on_update) = referential_action(p);
	}
	d->not_for_replication = p_is(p, "NOT") && p_is_at(p, 1, "FOR");
	if (d->not_for_replication)
		p->at += 3;
}

static void check_clause(struct parser *p, struct constraint_def *d)
{
	d->not_for_replication = p_is(p, "NOT") && p_is_at(p, 1, "FOR");
	if (d->not_for_replication)
		p->at += 3;
	p_need_op(p, "(");
	d->expression = p_condition(p);
	p_need_op(p, ")");
}

struct constraint_def *p_constraint(struct parser *p)
{
	struct constraint_def *d = P_NEW(p, struct constraint_def);

	d->clustered = -1;
	if (p_take(p, "CONSTRAINT"))
		d->name = p_identifier(p);
	if (p_take2(p, "PRIMARY", "KEY")) {
		d->kind = D_PRIMARY;
		d->unique = true;
		key_clause(p, d);
	} else if (p_take(p, "UNIQUE")) {
		d->kind = D_UNIQUE;
		d->unique = true;
		key_clause(p, d);
	} else if (p_take(p, "INDEX")) {
		d->kind = D_INDEX;
		d->name = p_identifier(p);
		d->unique = p_take(p, "UNIQUE");
		key_clause(p, d);
	} else if (p_take2(p, "FOREIGN", "KEY")) {
		d->kind = D_FOREIGN;
		if (p_is_op(p, "("))
			d->columns = p_column_list(p);
		reference_clause(p, d);
	} else if (p_is(p, "REFERENCES")) {
		d->kind = D_FOREIGN;
		reference_clause(p, d);
	} else if (p_take(p, "CHECK")) {
		d->kind = D_CHECK;
		check_clause(p, d);
	} else {
		d->kind = D_DEFAULT;
		p_need(p, "DEFAULT");
		d->expression = p_expression(p);
		if (p_take(p, "FOR")) {
			d->columns = P_NEW(p, struct column_ref);
			d->columns->name = p_identifier(p);
		}
		if (p_take2(p, "WITH", "VALUES"))
			d->unique = true; /* existing rows get the default too */
	}
	return d;
}

static void identity(struct parser *p, struct column_def *c)
{
	c->identity = true;
	c->seed = c->increment = 1;
	if (p_take_op(p, "(")) {
		c->seed = p_integer(p);
		p_need_op(p, ",");
		c->increment = p_integer(p);
		p_need_op(p, ")");
	}
	if (p_is(p, "NOT") && p_is_at(p, 1, "FOR")) {
		c->identity_not_for_replication = true;
		p->at += 3;
	}
}

static void generated(struct parser *p, struct column_def *c)
{
	p_need(p, "ALWAYS");
	p_need(p, "AS");
	p_need(p, "ROW");
	c->generated = p_take(p, "START") ? 1 : 2;
	if (c->generated == 2)
		p_need(p, "END");
	c->hidden = p_take(p, "HIDDEN");
}

static bool column_option(struct parser *p, struct column_def *c)
{
	if (p_take(p, "COLLATE"))
		c->collation = p_any_word(p);
	else if (p_take(p, "NULL"))
		c->nullable = 1;
	else if (p_is(p, "NOT") && p_is_at(p, 1, "NULL"))
		p->at += 2, c->nullable = 0;
	else if (p_take(p, "IDENTITY"))
		identity(p, c);
	else if (p_take(p, "SPARSE"))
		c->sparse = true;
	else if (p_take(p, "ROWGUIDCOL"))
		c->row_guid = true;
	else if (p_take(p, "PERSISTED"))
		c->persisted = true;
	else if (p_take(p, "FILESTREAM"))
		c->filestream = true;
	else if (p_take(p, "GENERATED"))
		generated(p, c);
	else if (p_take(p, "COLUMN_SET"))
		c->column_set = true, p->at += 2; /* FOR ALL_SPARSE_COLUMNS */
	else if (p_take2(p, "ENCRYPTED", "WITH"))
		c->encrypted = true, p_skip_parentheses(p);
	else if (p_take(p, "MASKED")) {
		p_need(p, "WITH");
		p_need_op(p, "(");
		p_need(p, "FUNCTION");
		p_need_op(p, "=");
		c->mask = p_string(p);
		p_need_op(p, ")");
	} else
		return false;
	return true;
}

struct column_def *p_column(struct parser *p)
{
	struct column_def *c = P_NEW(p, struct column_def);
	struct constraint_def **last = &c->constraints;

	c->line = p_peek(p, 0)->line;
	c->nullable = -1;
	c->name = p_identifier(p);
	if (p_take(p, "AS")) {
		c->computed = p_expression(p);
	} else if (!strcasecmp(c->name, "timestamp") && (p_is_op(p, ",") || p_is_op(p, ")"))) {
		c->type.name.object = "timestamp";
		c->type.length = c->type.scale = -1;
	} else {
		c->type = p_type(p);
	}
	for (;;) {
		if (column_option(p, c))
			continue;
		if (!p_is_constraint(p))
			return c;
		*last = p_constraint(p);
		last = &(*last)->next;
	}
}

static void table_options(struct parser *p, struct statement *s)
{
	struct text words = { .arena = p->arena };

	for (;;) {
		if (p_take(p, "ON") || p_take(p, "TEXTIMAGE_ON") || p_take(p, "FILESTREAM_ON")) {
			p_any_word(p);
			if (p_is_op(p, "("))
				p_skip_parentheses(p);
		} else if (p_is(p, "WITH") && p_peek(p, 1)->text[0] == '(') {
			size_t begin = p_peek(p, 1)->begin;

			p->at++;
			p_skip_parentheses(p);
			text_add(&words, p_source(p, begin, p->tokens[p->at - 1].end));
		} else if (p_take(p, "AS")) {
			const char *word = p_any_word(p); /* NODE, EDGE, FILETABLE */

			text_format(&words, " AS %s", word);
		} else {
			break;
		}
	}
	s->extra = text_done(&words);
}

void p_table_body(struct parser *p, struct statement *s)
{
	struct column_def **last = &s->column_defs;
	struct constraint_def **last_constraint = &s->constraints;

	p_need_op(p, "(");
	do {
		if (p_is_op(p, ")")) /* a comma before the end is tolerated by the server too */
			break;
		if (p_is(p, "PERIOD") && p_is_at(p, 1, "FOR")) {
			p->at += 3;
			p_skip_parentheses(p);
			s->flag2 = true;
		} else if (p_is_constraint(p)) {
			*last_constraint = p_constraint(p);
			last_constraint = &(*last_constraint)->next;
		} else {
			*last = p_column(p);
			last = &(*last)->next;
			if (p_is_constraint(p)) { /* no comma between a column and a table constraint: tolerated */
				*last_constraint = p_constraint(p);
				last_constraint = &(*last_constraint)->next;
			}
		}
	} while (p_take_op(p, ","));
	p_need_op(p, ")");
	table_options(p, s);
}
