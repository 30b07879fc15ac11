/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT, UPDATE, DELETE. */
#include "tests/sqlserver/sql_change.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct source *find_target(struct compiler *c, const struct name *name)
{
	for (struct source *s = c->scope->sources; s; s = s->next)
		if (s->table && name_equal(s->alias, name->object))
			return s;
	for (struct source *s = c->scope->sources; s; s = s->next)
		if (s->table && name_equal(s->table->name, name->object))
			return s;
	return NULL;
}

/* The row source of an UPDATE or DELETE: FROM and WHERE, and which source is the target. */
static struct source *compile_rows(struct change *ch, struct text *from)
{
	struct compiler *c = &ch->c;
	struct statement *s = ch->s;
	struct source *target = NULL;

	c->scope = arena_alloc(c->arena, sizeof(*c->scope));
	struct text with = { .arena = c->arena };

	compile_ctes(c, s->with, &with);
	ch->with = text_done(&with);
	if (s->from_count) {
		text_add(from, " FROM ");
		compile_from(c, s->from, s->from_count, from);
		target = find_target(c, &s->target->name);
	}
	if (!target) {
		const char *join = s->from_count ? ", " : " FROM ";
		struct table_ref *only = s->target;

		text_add(from, join);
		compile_from(c, &only, 1, from);
		target = find_target(c, &s->target->name);
	}
	if (!target || !target->table)
		compile_error(c, 208, s->target->name.object);
	ch->table = target->table;
	if (s->condition)
		text_format(from, " WHERE %s", compile_condition(c, s->condition));
	return target;
}

static const char *write_clause(
	struct change *ch, const struct column *column, const struct select_item *item, const struct source_column *old)
{
	struct compiler *c = &ch->c;
	struct sql_type bigint = type_simple(K_BIGINT);
	struct expr chunk = compile_convert(c, compile_expression(c, item->expression->kids[0]), column->type, true);

	if (column->type.length != LENGTH_MAX) {
		session_raise_text(
			c->session, 8165, 16, 1, "Cannot invoke mutator 'WRITE' on a column that is not of a (max) type.");
		compile_fail(c);
	}
	return compile_format(c, "write_chunk(%s,%s,%s,%s,%lld)", old->sql, chunk.sql,
		compile_convert(c, compile_expression(c, item->expression->kids[1]), bigint, false).sql,
		compile_convert(c, compile_expression(c, item->expression->kids[2]), bigint, false).sql,
		(long long)type_pack(column->type));
}

static const char *new_value(
	struct change *ch, const struct select_item *item, const struct column *column, struct source *target)
{
	struct compiler *c = &ch->c;
	struct source_column *old = NULL;

	for (size_t i = 0; i < target->count; i++)
		if (target->columns[i].column && target->columns[i].column->id == column->id)
			old = &target->columns[i];
	if (item->op == 'W')
		return write_clause(ch, column, item, old);
	if (item->expression->kind == N_DEFAULT)
		return change_default(ch, column);
	struct expr e = compile_expression(c, item->expression);

	if (item->op)
		e = compile_arithmetic(c, item->op, (struct expr){ .sql = old->sql, .type = old->type, .nullable = true }, e);
	return compile_convert(c, e, column->type, true).sql;
}

static void compile_update(struct change *ch)
{
	struct compiler *c = &ch->c;
	struct statement *s = ch->s;
	struct text from = { .arena = c->arena }, set = { .arena = c->arena }, values = { .arena = c->arena };
	struct source *target = compile_rows(ch, &from);
	size_t count = 0;

	for (const struct select_item *item = s->set; item; item = item->next) {
		struct column *column = item->alias ? table_column(ch->table, item->alias) : NULL;

		if (item->variable) {
			session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know variables in SET of UPDATE.");
			compile_fail(c);
		}
		if (!column)
			compile_error(c, 207, item->alias);
		if (column->identity)
			compile_error(c, 8102, column->name);
		if (column->computed || column->row_version)
			compile_error(c, 271, column->name);
		if (column->id < (int)sizeof(ch->updated))
			ch->updated[column->id] = 1;
		text_format(&set, "%sc%d=v.k%zu", count ? "," : "", column->id, count + 1);
		text_format(&values, ",%s AS k%zu", new_value(ch, item, column, target), count + 1);
		count++;
	}
	for (size_t i = 0; i < ch->table->column_count; i++)
		if (ch->table->columns[i].row_version)
			text_format(&set, ",c%d=next_version()", ch->table->columns[i].id);
	if (s->top)
		text_format(
			&from, " LIMIT %s", compile_convert(c, compile_expression(c, s->top), type_simple(K_BIGINT), false).sql);
	ch->sql = compile_format(c, "%sUPDATE d%d.t%d SET %s FROM (SELECT %s.rowid AS r%s%s) AS v WHERE t%d.rowid=v.r",
		ch->with, ch->table->database->id, ch->table->id, text_done(&set), target->sql_alias, text_done(&values),
		text_done(&from), ch->table->id);
}

static void compile_delete(struct change *ch)
{
	struct compiler *c = &ch->c;
	struct statement *s = ch->s;
	struct text from = { .arena = c->arena };
	struct source *target = compile_rows(ch, &from);
	int database = ch->table->database->id;

	if (s->top)
		text_format(
			&from, " LIMIT %s", compile_convert(c, compile_expression(c, s->top), type_simple(K_BIGINT), false).sql);
	if (ch->deleted && has_trigger(c->session, ch->table, 2, true))
		ch->sql = compile_format(c, "INSERT INTO temp.%s SELECT * FROM d%d.t%d WHERE rowid IN (SELECT %s.rowid%s)",
			ch->deleted, database, ch->table->id, target->sql_alias, text_done(&from));
	else if (!s->top && !s->condition && !s->from_count && strncmp(text_done(&from), " FROM (", 7))
		ch->sql = compile_format(c, "DELETE FROM d%d.t%d", database, ch->table->id);
	else
		ch->sql = compile_format(c, "%sDELETE FROM d%d.t%d WHERE rowid IN (SELECT %s.rowid%s)", ch->with, database,
			ch->table->id, target->sql_alias, text_done(&from));
}

static void compile_output(struct change *ch)
{
	struct compiler *c = &ch->c;
	struct text sql = { .arena = c->arena };
	struct scope scope = { 0 };

	if (!ch->s->output)
		return;
	c->scope = &scope;
	struct source *source = compile_table_source(c, ch->table, ch->event == 2 ? "deleted" : "inserted", 0);

	c->uses = c->uses->next;
	source->full.schema = NULL;
	for (size_t i = 0; i < source->count; i++)
		source->columns[i].sql = compile_format(c, "c%d", ch->table->columns[i].id);
	struct select list = { .items = ch->s->output };
	size_t room = 0;

	for (struct select_item *i = list.items; i; i = i->next)
		room += i->expression->kind == N_STAR ? ch->table->column_count : 1;
	ch->outputs = arena_alloc(c->arena, room * sizeof(*ch->outputs));
	text_add(&sql, " RETURNING ");
	for (struct select_item *i = list.items; i; i = i->next) {
		bool star = i->expression->kind == N_STAR;

		for (size_t k = 0; k < (star ? source->count : 1); k++) {
			struct expr e = star ? (struct expr){ .sql = source->columns[k].sql,
				.type = source->columns[k].type,
				.nullable = source->columns[k].nullable,
				.name = source->columns[k].name }
								 : compile_expression(c, i->expression);

			text_format(&sql, "%s%s", ch->output_count ? "," : "", e.sql);
			ch->outputs[ch->output_count++] =
				(struct result){ .name = i->alias ? i->alias : e.name, .type = e.type, .nullable = e.nullable };
		}
	}
	c->scope = NULL;
	ch->sql = compile_format(c, "%s%s", ch->sql, text_done(&sql));
}

/* Temp tables and triggers that catch the rows for T-SQL triggers. */
static int capture(struct change *ch)
{
	struct session *session = ch->c.session;
	struct text old_values = { .arena = session->arena }, new_values = { .arena = session->arena };
	static const char *const events[] = { "INSERT", "UPDATE", "DELETE" };
	static int serial;

	if (!ch->table->trigger_count ||
		(!has_trigger(session, ch->table, ch->event, false) && !has_trigger(session, ch->table, ch->event, true)))
		return 0;
	int number = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);

	ch->inserted = arena_format(session->arena, "ins%d", number);
	ch->deleted = arena_format(session->arena, "del%d", number);
	for (size_t i = 0; i < ch->table->column_count; i++) {
		if (ch->table->columns[i].computed)
			continue;
		text_format(&new_values, "%sNEW.c%d", new_values.size ? "," : "", ch->table->columns[i].id);
		text_format(&old_values, "%sOLD.c%d", old_values.size ? "," : "", ch->table->columns[i].id);
	}
	for (int k = 0; k < 2; k++)
		if (query_run(session, "CREATE TEMP TABLE %s AS SELECT * FROM d%d.t%d WHERE 0", k ? ch->deleted : ch->inserted,
				ch->table->database->id, ch->table->id))
			return -5;
	if (has_trigger(session, ch->table, ch->event, true))
		return 0;
	return query_run(session, "CREATE TEMP TRIGGER cap%d AFTER %s ON d%d.t%d BEGIN %s%s%s%s%s%s%s%s END", number,
		events[ch->event], ch->table->database->id, ch->table->id, ch->event != 2 ? "INSERT INTO " : "",
		ch->event != 2 ? ch->inserted : "",
		ch->event != 2 ? arena_format(session->arena, " VALUES(%s);", text_done(&new_values)) : "",
		ch->event ? "INSERT INTO " : "", ch->event ? ch->deleted : "",
		ch->event ? arena_format(session->arena, " VALUES(%s);", text_done(&old_values)) : "", "", "");
}

static void release_capture(struct change *ch)
{
	struct session *session = ch->c.session;

	if (!ch->inserted)
		return;
	engine_run(session->db, "DROP TRIGGER IF EXISTS temp.cap%s; DROP TABLE temp.%s; DROP TABLE temp.%s",
		ch->inserted + 3, ch->inserted, ch->deleted);
}

static int collect_into(struct change *ch, sqlite3_stmt *statement)
{
	struct session *session = ch->c.session;
	struct name name = *ch->s->output_into;

	if (name.object[0] == '@')
		name.database = "tempdb";
	struct table *into = catalogue_table(session, &name);
	struct text marks = { .arena = session->arena };
	int code;

	if (!into)
		return -5;
	for (size_t i = 0; i < ch->output_count; i++)
		text_add(&marks, i ? ",?" : "?");
	sqlite3_stmt *insert = query(
		session, "INSERT INTO d%d.t%d VALUES(%s)", into->database->id, into->id, text_done(&marks));

	session->rowcount = 0;
	while (insert && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		for (size_t i = 0; i < ch->output_count; i++)
			value_bind(insert, (int)i + 1, value_of_column(statement, (int)i));
		sqlite3_step(insert);
		sqlite3_reset(insert);
		session->rowcount++;
	}
	sqlite3_finalize(insert);
	return session->failed ? -5 : code == SQLITE_DONE ? 0 : constraint_error(session, ch->table, code, ch->word);
}

static int execute(struct change *ch)
{
	struct session *session = ch->c.session;
	sqlite3_stmt *s = run_prepare(session, &ch->c, ch->sql);
	int error = s ? 0 : -5;

	session->command = ch->word;
	if (!error && ch->s->output && ch->s->output_into) {
		error = collect_into(ch, s);
	} else if (!error && ch->s->output) {
		error = run_rows(session, s, ch->outputs, ch->output_count, false);
	} else if (!error) {
		int code = sqlite3_step(s);

		session->rowcount = sqlite3_changes64(session->db);
		if (code != SQLITE_DONE)
			error = constraint_error(session, ch->table, sqlite3_extended_errcode(session->db), ch->word);
	}
	sqlite3_finalize(s);
	int64_t rows = session->rowcount;

	if (!error)
		error = constraints_verify(session, ch->word);
	constraints_forget(session);
	if (!error)
		error = transaction_log(session, ch->table->database, rows * 250);
	if (!error && ch->inserted)
		error = run_triggers(session, ch->table, ch->event, has_trigger(session, ch->table, ch->event, true),
			ch->inserted, ch->deleted, ch->event == 1 ? ch->updated : NULL);
	session->rowcount = rows;
	return error;
}

static void note_identity(struct change *ch)
{
	struct session *session = ch->c.session;

	for (size_t i = 0; i < ch->table->column_count; i++) {
		struct column *column = &ch->table->columns[i];

		if (!column->identity)
			continue;
		int64_t most = query_int(session, 0, "SELECT %s(c%d) FROM d%d.t%d", column->increment < 0 ? "min" : "max",
			column->id, ch->table->database->id, ch->table->id);

		identity_note(session, ch->table, most);
		session->last_identity = session->frame->scope_identity = most;
		session->has_last_identity = session->frame->has_identity = true;
	}
}

static const enum silence_kind silences[] = { SILENCE_INSERT, SILENCE_INSERT, SILENCE_DELETE };

/* Everything between the first lock and the last check is one savepoint: the statement happens, or does not. */
static int run_change(struct change *ch)
{
	struct session *session = ch->c.session;

	compile_use(&ch->c, ch->table, ch->s->target->hints, true);
	if (run_locks(session, &ch->c) || query_run(session, "SAVEPOINT stmt"))
		return -5;
	session_silence(session, silences[ch->event]);
	int error = execute(ch);

	if (!error && ch->identity_given)
		note_identity(ch);
	if (!session->sqlite_open) /* a trigger rolled everything back */
		return session->failed ? -5 : error;
	if (error)
		engine_run(session->db, "ROLLBACK TO stmt");
	engine_run(session->db, "RELEASE stmt");
	return error;
}

static void resolve_target(struct change *ch)
{
	struct compiler *c = &ch->c;
	struct table_ref *target = ch->s->target;

	if (target->kind == R_VARIABLE)
		target->name.database = "tempdb";
	target->kind = R_TABLE;
	if (ch->event == 0 || !ch->s->from_count) {
		ch->table = catalogue_table(c->session, &target->name);
		if (!ch->table)
			compile_fail(c);
		if (strcmp(ch->table->type, "U")) {
			session_raise_text(c->session, 50000, 16, 1, "The stand-in does not write through views.");
			compile_fail(c);
		}
	}
}

static const char *const permissions[] = { "INSERT", "UPDATE", "DELETE" };

static int compile_change(struct change *ch)
{
	struct compiler *c = &ch->c;

	if (!compile_guard(c))
		return -5;
	resolve_target(ch);
	if (ch->table && transaction_write(c->session, ch->table->database))
		return -5;
	if (ch->table && capture(ch))
		return -5;
	if (ch->event == 0)
		change_compile_insert(ch);
	else if (ch->event == 1)
		compile_update(ch);
	else
		compile_delete(ch);
	compile_permission(c, ch->table, permissions[ch->event]);
	if (!ch->inserted && ch->s->from_count && ch->table->trigger_count) {
		if (transaction_write(c->session, ch->table->database) || capture(ch))
			return -5;
	}
	compile_output(ch);
	return 0;
}

static int insert_execute(struct session *session, struct statement *s)
{
	(void)s;
	return session_raise_text(session, 50000, 16, 1, "The stand-in does not know INSERT ... EXEC.");
}

int run_dml(struct session *session, struct statement *s)
{
	static const uint16_t commands[] = { 0xc3, 0xc5, 0xc4 };
	struct change *ch;

	if (s->body)
		return insert_execute(session, s);
	ch = arena_alloc(session->arena, sizeof(*ch));
	compiler_init(&ch->c, session);
	ch->s = s;
	ch->event = s->kind == S_INSERT ? 0 : s->kind == S_UPDATE ? 1 : 2;
	ch->word = permissions[ch->event];
	int error = compile_change(ch) || run_change(ch) ? -5 : 0;

	release_capture(ch);
	if (!error)
		session_done(session, commands[ch->event], true, false);
	return error;
}
