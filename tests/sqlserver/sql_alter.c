/* SPDX-License-Identifier: Apache-2.0 */
/* ALTER TABLE, triggers' states, TRUNCATE. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"

#include <string.h>
#include <strings.h>

static struct table *open_table(struct session *session, const struct name *name, int missing)
{
	struct table *table = catalogue_find(session, name);

	if (!table || strcmp(table->type, "U")) {
		session_raise(session, missing, name->object);
		return NULL;
	}
	if (!security_allows(session, table->database, table->id, "ALTER")) {
		session_raise(session, 1088, name->object);
		return NULL;
	}
	if (transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return NULL;
	ddl_note(session, table);
	query_run(session, "UPDATE d%d.m_objects SET modified=%lld WHERE object_id=%d", table->database->id, datetime_now(),
		table->id);
	return table;
}

static int add(struct session *session, struct statement *s, struct table *table)
{
	struct table *defined = catalogue_by_id(session, table->database, table->id);
	bool rows = query_int(session, 0, "SELECT 1 FROM d%d.t%d LIMIT 1", table->database->id, table->id);
	int next = 1;

	for (size_t i = 0; i < table->column_count; i++)
		next = table->columns[i].id >= next ? table->columns[i].id + 1 : next;
	for (struct column_def *d = s->column_defs; rows && d; d = d->next) {
		bool has_default = d->identity || d->computed ||
			!strcasecmp(d->type.name.object ? d->type.name.object : "", "timestamp") ||
			!strcasecmp(d->type.name.object ? d->type.name.object : "", "rowversion");

		for (struct constraint_def *k = d->constraints; k; k = k->next)
			has_default |= k->kind == D_DEFAULT;
		if (d->nullable == 0 && !has_default)
			return session_raise(session, 4901, d->name, table->name);
	}
	if (define_columns(session, defined, s->column_defs, next) ||
		define_constraints(session, defined, s->constraints, s->column_defs, s->number != 0))
		return -5;
	struct table *after = catalogue_by_id(session, table->database, table->id);

	if (!s->column_defs && s->number == 0) { /* WITH NOCHECK: keys need an index, the rest only its triggers */
		for (struct constraint_def *d = s->constraints; d; d = d->next)
			if (d->kind <= D_UNIQUE)
				return catalogue_rebuild(session, after, table);
		goto triggers;
	}
	if (!after || catalogue_rebuild(session, after, table))
		return -5;
triggers:
	for (struct constraint_def *d = s->constraints; d; d = d->next) {
		struct name reference = d->reference;

		if (d->kind != D_FOREIGN)
			continue;
		reference.database = table->database->name;
		struct table *parent = catalogue_find(session, &reference);

		if (parent && catalogue_physical_triggers(session, table->database, parent->id))
			return -5;
	}
	return catalogue_physical_triggers(session, table->database, table->id);
}

static const char *violated(struct session *session, const struct table *table, int id, const char *type)
{
	int database = table->database->id;

	if (!strcmp(type, "C")) {
		struct compiler c;

		compiler_init(&c, session);
		if (!compile_guard(&c))
			return NULL;
		struct scope scope = { 0 };

		c.scope = &scope;
		struct table *copy = catalogue_by_id(session, table->database, table->id);
		struct source *source = compile_table_source(&c, copy, copy->name, 0);
		const char *definition = query_text(
			session, "SELECT definition FROM d%d.m_objects WHERE object_id=%d", database, id);

		return query_text(session, "SELECT 'CHECK' FROM d%d.t%d %s WHERE NOT (%s) LIMIT 1", database, table->id,
			source->sql_alias, compile_stored(&c, definition, source, true).sql);
	}
	struct text on = { .arena = session->arena }, present = { .arena = session->arena };
	sqlite3_stmt *s = query(
		session, "SELECT column_id,referenced_column_id FROM d%d.m_fk_columns WHERE fk_id=%d", database, id);

	while (query_next(session, &s)) {
		text_format(&on, "%sp.c%d=c.c%d", on.size ? " AND " : "", sqlite3_column_int(s, 1), sqlite3_column_int(s, 0));
		text_format(&present, " AND c.c%d IS NOT NULL", sqlite3_column_int(s, 0));
	}
	return query_text(session,
		"SELECT 'FOREIGN KEY' FROM d%d.t%d c WHERE 1%s AND NOT EXISTS(SELECT 1 FROM d%d.t%lld p WHERE %s)"
		" LIMIT 1",
		database, table->id, text_done(&present), database,
		query_int(session, 0,
			"SELECT x1 FROM d%d.m_objects WHERE"
			" object_id=%d",
			database, id),
		text_done(&on));
}

static int switch_one(
	struct session *session, struct statement *s, struct table *table, int id, const char *name, const char *type)
{
	bool enable = s->alter == A_CHECK, check = enable && s->number == 1;
	int database = table->database->id;

	if (check) {
		session_silence(session, SILENCE_CHECK);
		const char *kind = violated(session, table, id, type);

		if (session->failed)
			return -5;
		if (kind)
			return session_raise(
				session, 547, "ALTER TABLE", kind, name, table->database->name, table_label(session, table), "");
	}
	return query_run(session,
		"UPDATE d%d.m_objects SET disabled=%d,not_trusted=CASE WHEN nfr THEN 1 WHEN %d THEN 0 ELSE 1 END"
		" WHERE object_id=%d",
		database, !enable, check, id);
}

static int switch_constraints(struct session *session, struct statement *s, struct table *table)
{
	int database = table->database->id;
	sqlite3_stmt *q = query(session,
		"SELECT object_id,name,type FROM d%d.m_objects WHERE parent_id=%d AND type IN ('C','F')", database, table->id);
	size_t found = 0;

	while (query_next(session, &q)) {
		const char *name = column_text(session, q, 1), *type = column_text(session, q, 2);
		bool wanted = s->all;

		for (size_t i = 0; i < s->word_count; i++)
			wanted |= name_equal(s->words[i], name);
		found += wanted;
		if (wanted && switch_one(session, s, table, sqlite3_column_int(q, 0), name, type)) {
			sqlite3_finalize(q);
			return -5;
		}
	}
	if (!s->all && found < s->word_count)
		return session_raise(session, 4917, s->words[0]);
	q = query(session, "SELECT DISTINCT x1 FROM d%d.m_objects WHERE parent_id=%d AND type='F'", database, table->id);
	while (query_next(session, &q))
		catalogue_physical_triggers(session, table->database, sqlite3_column_int(q, 0));
	return catalogue_physical_triggers(session, table->database, table->id);
}

static int switch_triggers(struct session *session, struct statement *s, struct table *table, bool enable)
{
	int database = table->database->id;

	for (size_t i = 0; i < s->word_count; i++)
		if (!query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE parent_id=%d AND type='TR' AND name=%Q", database,
				table->id, s->words[i]))
			return session_raise(session, 4920, s->words[i], table->name);
	if (s->all)
		return query_run(session, "UPDATE d%d.m_objects SET disabled=%d WHERE parent_id=%d AND type='TR'", database,
			!enable, table->id);
	for (size_t i = 0; i < s->word_count; i++)
		if (query_run(session, "UPDATE d%d.m_objects SET disabled=%d WHERE parent_id=%d AND type='TR' AND name=%Q",
				database, !enable, table->id, s->words[i]))
			return -5;
	return 0;
}

static int drop_constraints(struct session *session, struct statement *s, struct table *table)
{
	int database = table->database->id;

	for (size_t i = 0; i < s->word_count; i++) {
		int id = (int)query_int(session, 0,
			"SELECT object_id FROM d%d.m_objects WHERE parent_id=%d AND name=%Q AND type IN"
			" ('C','F','D','PK','UQ')",
			database, table->id, s->words[i]);

		if (!id)
			return session_raise(session, 3728, s->words[i]);
		if (drop_object(session, table->database, id))
			return -5;
	}
	struct table *after = catalogue_by_id(session, table->database, table->id);

	return !after ? -5 : catalogue_rebuild(session, after, table);
}

static int drop_columns(struct session *session, struct statement *s, struct table *table)
{
	int database = table->database->id;

	for (size_t i = 0; i < s->word_count; i++) {
		struct column *c = table_column(table, s->words[i]);

		if (!c)
			return session_raise(session, 4924, "DROP COLUMN", s->words[i], table->name);
		if (query_int(session, 0,
				"SELECT 1 FROM d%d.m_index_columns WHERE object_id=%d AND column_id=%d UNION SELECT 1 FROM"
				" d%d.m_fk_columns k JOIN d%d.m_objects o ON o.object_id=k.fk_id WHERE (o.parent_id=%d AND k.column_id=%d) OR (o.x1=%d"
				" AND k.referenced_column_id=%d) UNION SELECT 1 FROM d%d.m_objects WHERE parent_id=%d AND type IN ('D','C') AND x1=%d",
				database, table->id, c->id, database, database, table->id, c->id, table->id, c->id, database, table->id,
				c->id))
			return session_raise(session, 4922, arena_format(session->arena, "DROP COLUMN %s", c->name));
		if (query_run(
				session, "DELETE FROM d%d.m_columns WHERE object_id=%d AND column_id=%d", database, table->id, c->id))
			return -5;
	}
	struct table *after = catalogue_by_id(session, table->database, table->id);

	return !after ? -5 : catalogue_rebuild(session, after, table);
}

static int alter_column(struct session *session, struct statement *s, struct table *table)
{
	struct column_def *d = s->column_defs;
	struct column *c = table_column(table, d->name);
	struct sql_type type;
	int user_type;

	if (!c)
		return session_raise(session, 4924, "ALTER COLUMN", d->name, table->name);
	if (catalogue_type(session, &d->type, d->collation, &type, &user_type))
		return -5;
	if (query_run(session,
			"UPDATE d%d.m_columns SET kind=%d,user_type=%d,length=%d,precision=%d,scale=%d,collation=%Q,"
			"nullable=%d WHERE object_id=%d AND column_id=%d",
			table->database->id, type.kind, user_type, type.length, type.precision, type.scale,
			type_is_character(type) ? collation_get(type.collation)->name : NULL, d->nullable != 0, table->id, c->id))
		return -5;
	struct table *after = catalogue_by_id(session, table->database, table->id);

	return !after ? -5 : catalogue_rebuild(session, after, table);
}

static int set_options(struct session *session, struct statement *s, struct table *table)
{
	const char *flag = strcasestr(s->extra, "SYSTEM_VERSIONING") ? " temporal"
		: strcasestr(s->extra, "LOCK_ESCALATION") ? (strcasestr(s->extra, "DISABLE") ? " escalation_off" : "")
												  : "";
	const char *off = strcasestr(s->extra, "= OFF") ? "" : flag;

	return *flag ? query_run(session, "UPDATE d%d.m_objects SET flags=replace(flags,%Q,'')||%Q WHERE object_id=%d",
					   table->database->id, flag, off, table->id)
				 : 0;
}

static int change_tracking(struct session *session, struct statement *s, struct table *table)
{
	return query_run(session, "UPDATE d%d.m_objects SET flags=replace(flags,' tracked','')||%Q WHERE object_id=%d",
		table->database->id, s->alter == A_TRIGGER_ENABLE ? " tracked" : "", table->id);
}

int run_alter_table(struct session *session, struct statement *s)
{
	struct table *table = open_table(session, &s->name, 4902);

	if (!table)
		return -5;
	switch (s->alter) {
	case A_ADD:
		return add(session, s, table);
	case A_DROP_CONSTRAINT:
		return drop_constraints(session, s, table);
	case A_DROP_COLUMN:
		return drop_columns(session, s, table);
	case A_ALTER_COLUMN:
		return alter_column(session, s, table);
	case A_CHECK:
	case A_NOCHECK:
		return switch_constraints(session, s, table);
	case A_TRIGGER_ENABLE:
	case A_TRIGGER_DISABLE:
		if (s->text)
			return change_tracking(session, s, table);
		return switch_triggers(session, s, table, s->alter == A_TRIGGER_ENABLE);
	case A_SET:
		return set_options(session, s, table);
	case A_REBUILD:
		return query_run(session, "UPDATE d%d.m_indexes SET compression=%d WHERE object_id=%d AND index_id<2",
			table->database->id,
			strcasestr(s->extra, "PAGE")      ? 2
				: strcasestr(s->extra, "ROW") ? 1
											  : 0,
			table->id);
	case A_NOTHING:
		break;
	}
	return 0;
}

int run_trigger_state(struct session *session, struct statement *s)
{
	if (s->flag) { /* of the database */
		struct database *d = catalogue_database(session, NULL);

		if (!d || transaction_write(session, d))
			return -5;
		for (size_t i = 0; i < s->word_count; i++)
			query_run(session, "UPDATE d%d.m_objects SET disabled=%d WHERE type='TR' AND parent_id=0 AND name=%Q",
				d->id, !s->on, s->words[i]);
		return s->all
			? query_run(session, "UPDATE d%d.m_objects SET disabled=%d WHERE type='TR' AND parent_id=0", d->id, !s->on)
			: 0;
	}
	struct table *table = open_table(session, &s->name, 1088);

	return !table ? -5 : switch_triggers(session, s, table, s->on);
}

static int forget_damage(struct session *session, const struct table *table)
{
	if (!strstr(table->flags, " damaged="))
		return 0;
	return query_run(session,
		"UPDATE d%d.m_objects SET flags=substr(flags,1,instr(flags,' damaged=')-1) WHERE object_id=%d",
		table->database->id, table->id);
}

int run_truncate(struct session *session, struct statement *s)
{
	struct table *table = open_table(session, &s->name, 4701);

	if (!table)
		return -5;
	int database = table->database->id;

	if (query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE type='F' AND x1=%d AND parent_id<>%d", database,
			table->id, table->id) ||
		strstr(table->flags, "temporal") || strstr(table->flags, "tracked_cdc") || strstr(table->flags, "published"))
		return session_raise(session, 4712, table->name);
	/* It deallocates pages and reads none: a damaged one goes with the others. */
	if (query_run(session, "DELETE FROM d%d.t%d", database, table->id) || forget_damage(session, table))
		return -5;
	constraints_forget(session);
	for (size_t i = 0; i < table->column_count; i++) {
		if (!table->columns[i].identity)
			continue;
		struct identity *identity = identity_get(session, table);

		identity_emptied(session, identity);
	}
	return 0;
}
