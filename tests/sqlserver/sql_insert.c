/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT into SQL: columns, defaults, identities. */
#include "tests/sqlserver/sql_change.h"

#include <string.h>

const char *change_default(struct change *ch, const struct column *column)
{
	struct compiler *c = &ch->c;

	if (column->row_version)
		return "next_version()";
	if (column->identity) {
		identity_get(c->session, ch->table);
		return compile_identity(c, ch->table, column->type);
	}
	if (!column->default_text)
		return "NULL";
	struct scope *before = c->scope;

	c->scope = NULL;
	const char *sql = compile_convert(c, compile_stored(c, column->default_text, NULL, false), column->type, true).sql;

	c->scope = before;
	return sql;
}

struct column **change_targets(struct change *ch, const struct column_ref *names, size_t *count)
{
	struct compiler *c = &ch->c;
	struct column **list = arena_alloc(c->arena, (ch->table->column_count + 1) * sizeof(*list));

	*count = 0;
	if (!names) {
		for (size_t i = 0; i < ch->table->column_count; i++) {
			struct column *column = &ch->table->columns[i];

			if (!column->computed && !column->row_version && !column->identity && !column->hidden)
				list[(*count)++] = column;
		}
		return list;
	}
	for (const struct column_ref *r = names; r; r = r->next) {
		struct column *column = table_column(ch->table, r->name);

		if (!column)
			compile_error(c, 207, r->name);
		for (size_t i = 0; i < *count; i++)
			if (list[i] == column) {
				session_raise_text(c->session, 264, 16, 1,
					"The column name '%s' is specified more than once in the SET clause or"
					" column list of an INSERT.",
					column->name);
				compile_fail(c);
			}
		if (column->computed)
			compile_error(c, 271, column->name);
		if (column->row_version)
			compile_error(c, 273);
		if (*count >= ch->table->column_count)
			compile_error(c, 213);
		list[(*count)++] = column;
	}
	return list;
}

void change_check_identity(struct change *ch, struct column **list, size_t count)
{
	struct session *session = ch->c.session;
	bool on = session->identity_insert_object == ch->table->id &&
		session->identity_insert_database == ch->table->database->id;

	for (size_t i = 0; i < count; i++)
		ch->identity_given |= list[i]->identity;
	if (ch->identity_given && !on)
		compile_error(&ch->c, 544, ch->table->name);
	for (size_t i = 0; on && !ch->identity_given && i < ch->table->column_count; i++)
		if (ch->table->columns[i].identity)
			compile_error(&ch->c, 545, ch->table->name);
}

const char *change_cell(struct change *ch, const struct column *column, const struct node *node)
{
	if (node->kind == N_DEFAULT)
		return change_default(ch, column);
	return compile_convert(&ch->c, compile_expression(&ch->c, node), column->type, true).sql;
}

/* Columns that the statement leaves out and that have a value all the same. */
void change_left_out(struct change *ch, struct column **list, size_t count, struct text *names, struct text *values)
{
	for (size_t i = 0; i < ch->table->column_count; i++) {
		struct column *column = &ch->table->columns[i];
		bool listed = column->computed;

		for (size_t k = 0; k < count; k++)
			listed |= list[k] == column;
		if (listed || (!column->default_text && !column->identity && !column->row_version))
			continue;
		text_format(names, "%sc%d", names->size ? "," : "", column->id);
		text_format(values, ",%s", change_default(ch, column));
	}
}

static const char *insert_target(struct change *ch)
{
	if (ch->inserted && has_trigger(ch->c.session, ch->table, 0, true))
		return compile_format(&ch->c, "temp.%s", ch->inserted);
	return compile_format(&ch->c, "d%d.t%d", ch->table->database->id, ch->table->id);
}

void change_compile_insert(struct change *ch)
{
	struct compiler *c = &ch->c;
	struct statement *s = ch->s;
	struct text names = { .arena = c->arena }, extra = { .arena = c->arena }, sql = { .arena = c->arena };
	size_t count;
	struct column **list = change_targets(ch, s->columns, &count);

	if (s->flag)
		count = 0;
	else if (s->with)
		s->query->with = s->with;
	change_check_identity(ch, list, count);
	for (size_t i = 0; i < count; i++)
		text_format(&names, "%sc%d", i ? "," : "", list[i]->id);
	change_left_out(ch, list, count, &names, &extra);
	if (!names.size)
		text_format(&names, "c%d", ch->table->columns[0].id), text_add(&extra, ",NULL");
	text_format(&sql, "INSERT INTO %s(%s) ", insert_target(ch), text_done(&names));
	if (s->flag) {
		text_format(&sql, "VALUES(%s)", text_done(&extra) + (extra.size > 0));
	} else if (s->query->op == SET_VALUES) {
		if (s->query->row_count > 1000)
			compile_error(c, 10738);
		if (s->query->column_count != count)
			compile_error(c, !s->columns ? 213 : s->query->column_count > count ? 110 : 109);
		for (size_t row = 0; row < s->query->row_count; row++) {
			text_add(&sql, row ? ",(" : "VALUES(");
			for (size_t i = 0; i < count; i++)
				text_format(&sql, "%s%s", i ? "," : "", change_cell(ch, list[i], s->query->rows[row][i]));
			text_format(&sql, "%s)", text_done(&extra));
		}
	} else {
		struct compiled q = compile_select(c, s->query);

		if (q.count != count)
			compile_error(c, !s->columns ? 213 : q.count > count ? 121 : 120);
		text_add(&sql, "SELECT ");
		for (size_t i = 0; i < count; i++) {
			struct expr e = { .sql = compile_format(c, "q.k%zu", i + 1), .type = q.results[i].type };

			text_format(&sql, "%s%s", i ? "," : "", compile_convert(c, e, list[i]->type, true).sql);
		}
		text_format(&sql, "%s FROM (%s) q WHERE 1", text_done(&extra), q.sql);
	}
	ch->sql = text_done(&sql);
}
