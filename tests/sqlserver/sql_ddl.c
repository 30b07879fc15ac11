/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE, ALTER and DROP of everything that is not a table. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct database *writable(struct session *session, const struct name *name)
{
	struct database *d = catalogue_database(session, name);

	if (!d || transaction_write(session, d))
		return NULL;
	if (!security_allows(session, d, 0, "CREATE TABLE")) {
		session_raise(session, 262, "CREATE", d->name);
		return NULL;
	}
	return d;
}

static int create_schema(struct session *session, struct statement *s)
{
	struct database *d = writable(session, NULL);

	if (!d)
		return -5;
	if (catalogue_schema(session, d, s->text))
		return session_raise(session, 2714, s->text);
	return query_run(session,
		"INSERT INTO d%d.m_schemas(schema_id,name,principal_id) VALUES((SELECT max(4,max(schema_id))+1 FROM"
		" d%d.m_schemas WHERE schema_id<16384),%Q,1)",
		d->id, d->id, s->text);
}

static int64_t option(const struct statement *s, const char *name, int64_t otherwise, bool *said)
{
	for (const struct argument *a = s->arguments; a; a = a->next) {
		if (strcasecmp(a->name, name))
			continue;
		*said = true;
		if (!a->value)
			continue;
		return a->value->kind == N_NEGATE ? -strtoll(a->value->kids[0]->text, NULL, 10)
										  : strtoll(a->value->text, NULL, 10);
	}
	return otherwise;
}

static int alter_sequence(struct session *session, struct statement *s, struct database *d, int id)
{
	bool restart = false, other = false;
	int64_t start = query_int(session, 1, "SELECT x1 FROM d%d.m_objects WHERE object_id=%d", d->id, id);
	int64_t at = option(s, "RESTART", start, &restart);
	int64_t increment = option(
		s, "INCREMENT", query_int(session, 1, "SELECT x2 FROM d%d.m_objects WHERE object_id=%d", d->id, id), &other);

	if (restart &&
		query_run(
			session, "UPDATE d%d.m_objects SET x5=%lld,x1=%lld,flags='unused' WHERE object_id=%d", d->id, at, at, id))
		return -5;
	return query_run(session, "UPDATE d%d.m_objects SET x2=%lld WHERE object_id=%d", d->id, increment, id);
}

static int sequence(struct session *session, struct statement *s)
{
	struct database *d = writable(session, &s->name);
	struct sql_type type;
	int user_type;
	bool said = false;

	if (!d || catalogue_type(session, &s->type, NULL, &type, &user_type))
		return -5;
	int schema = catalogue_schema(session, d, s->name.schema);

	if (s->alter == A_SET) {
		int id = catalogue_object(session, d, schema, s->name.object);

		return id ? alter_sequence(session, s, d, id) : session_raise(session, 208, s->name.object);
	}
	int64_t low = type.kind == K_TINYINT ? 0
		: type.kind == K_SMALLINT        ? -32768
		: type.kind == K_INT             ? INT32_MIN
										 : INT64_MIN;
	int64_t high = type.kind == K_TINYINT ? 255
		: type.kind == K_SMALLINT         ? 32767
		: type.kind == K_INT              ? INT32_MAX
										  : INT64_MAX;
	int64_t increment = option(s, "INCREMENT", 1, &said), minimum = option(s, "MINVALUE", low, &said),
			maximum = option(s, "MAXVALUE", high, &said);
	int64_t start = option(s, "START", increment > 0 ? minimum : maximum, &said);
	bool cycle = false;

	option(s, "CYCLE", 0, &cycle);
	int id = define_object(session, d, schema, s->name.object, "SO", 0, NULL);

	return !id ? -5
			   : query_run(session,
					 "UPDATE d%d.m_objects SET x1=%lld,x2=%lld,x3=%lld,x4=%lld,x5=%lld,x6=%d,instead=%d,"
					 "flags='unused' WHERE object_id=%d",
					 d->id, start, increment, minimum, maximum, start, type.kind, cycle, id);
}

static int create_type(struct session *session, struct statement *s)
{
	struct database *d = writable(session, &s->name);
	struct sql_type type;
	int user_type;

	if (!d)
		return -5;
	if (s->flag)
		return session_raise_text(session, 50000, 16, 1, "The stand-in does not know table types.");
	if (catalogue_type(session, &s->type, NULL, &type, &user_type))
		return -5;
	return query_run(session,
		"INSERT INTO d%d.m_types(user_type_id,schema_id,name,kind,length,precision,scale,nullable)"
		" VALUES((SELECT max(256,coalesce(max(user_type_id),0))+1 FROM d%d.m_types),%d,%Q,%d,%d,%d,%d,%d)",
		d->id, d->id, catalogue_schema(session, d, s->name.schema), s->name.object, type.kind, type.length,
		type.precision, type.scale, !s->flag2);
}

static int add_parameters(struct session *session, struct statement *s, struct database *d, int id)
{
	int number = 1, user_type;
	struct sql_type type;

	query_run(session, "DELETE FROM d%d.m_parameters WHERE object_id=%d", d->id, id);
	if (s->type.name.object) {
		if (catalogue_type(session, &s->type, NULL, &type, &user_type) ||
			query_run(session,
				"INSERT INTO d%d.m_parameters VALUES"
				"(%d,0,'',%d,%d,%d,%d,%d,1,0)",
				d->id, id, type.kind, user_type, type.length, type.precision, type.scale))
			return -5;
	}
	for (struct parameter_def *p = s->parameters; p; p = p->next)
		if (catalogue_type(session, &p->type, NULL, &type, &user_type) ||
			query_run(session,
				"INSERT INTO d%d.m_parameters VALUES"
				"(%d,%d,%Q,%d,%d,%d,%d,%d,%d,%d)",
				d->id, id, number++, p->name, type.kind, user_type, type.length, type.precision, type.scale, p->output,
				p->value != NULL))
			return -5;
	return 0;
}

/* A view's columns go into the catalogue as its query has them now. */
static int view_columns(struct session *session, struct statement *s, struct database *d, int id)
{
	struct compiler c;
	struct compiled q;

	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	q = compile_select(&c, s->query);
	query_run(session, "DELETE FROM d%d.m_columns WHERE object_id=%d", d->id, id);
	for (size_t i = 0; i < q.count; i++) {
		const char *name = i < s->word_count ? s->words[i] : q.results[i].name;
		struct sql_type t = q.results[i].type;

		if (!*name)
			return session_raise_text(session, 4511, 16, 1,
				"Create View or Function failed because no column name was specified for"
				" column %zu.",
				i + 1);
		if (query_run(session,
				"INSERT INTO d%d.m_columns(object_id,column_id,name,kind,user_type,length,precision,scale,"
				"collation,nullable) VALUES(%d,%d,%Q,%d,%d,%d,%d,%d,%Q,%d)",
				d->id, id, (int)i + 1, name, t.kind, kind_info(t.kind)->user_id, t.length, t.precision, t.scale,
				type_is_character(t) ? collation_get(t.collation)->name : NULL, q.results[i].nullable))
			return -5;
	}
	for (struct table_use *u = c.uses; u; u = u->next)
		query_run(session, "INSERT INTO d%d.m_dependencies VALUES(%d,%d,%Q,%Q,NULL)", d->id, id, u->table->id,
			u->table->schema, u->table->name);
	return session->failed ? -5 : 0;
}

static const char *module_type(const struct statement *s)
{
	return !strcmp(s->text, "VIEW")    ? "V"
		: !strcmp(s->text, "TRIGGER")  ? "TR"
		: !strcmp(s->text, "FUNCTION") ? s->extra
									   : "P";
}

static int trigger_parent(struct session *session, struct statement *s, struct database *d)
{
	struct name on = s->other;

	if (s->all)
		return 0;
	if (!on.database)
		on.database = d->name;
	struct table *table = catalogue_find(session, &on);

	if (!table) {
		session_raise_text(
			session, 8197, 16, 4, "The object '%s' does not exist or is invalid for this operation.", on.object);
		return -1;
	}
	return transaction_lock_schema(session, table) ? -1 : table->id;
}

int run_module(struct session *session, struct statement *s)
{
	struct database *d = writable(session, &s->name);

	if (!d)
		return -5;
	int schema = catalogue_schema(session, d, s->name.schema), parent = 0;

	if (!schema)
		return session_raise(session, 2760, s->name.schema);
	int id = catalogue_object(session, d, schema, s->name.object);

	if (!strcmp(s->text, "TRIGGER") && (parent = trigger_parent(session, s, d)) < 0)
		return -5;
	/* ALTER keeps the object and is kept as CREATE, as the server keeps it. */
	const char *text = session->batch_text;

	if (s->alter == A_SET) {
		if (!id)
			return session_raise(session, 208, s->name.object);
		const char *word = strcasestr(text, "ALTER");

		text = arena_format(session->arena, "%.*sCREATE%s", (int)(word - text), text, word + 5);
		if (query_run(session,
				"UPDATE d%d.m_objects SET definition=%Q,modified=%lld,ansi_nulls=%d,quoted=%d WHERE object_id=%d",
				d->id, text, datetime_now(), session->ansi_nulls, session->quoted_identifier, id))
			return -5;
	} else {
		id = define_object(session, d, schema, s->name.object, module_type(s), parent, text);
		if (!id)
			return -5;
	}
	if (query_run(session, "UPDATE d%d.m_objects SET instead=%d,x1=%d,bound=%d,nfr=0,flags=%Q WHERE object_id=%d",
			d->id, s->flag && parent, s->number, s->flag2,
			s->all && s->word_count ? s->words[0]
				: s->on             ? "encrypted"
									: "",
			id))
		return -5;
	query_run(session, "DELETE FROM d%d.m_dependencies WHERE referencing=%d", d->id, id);
	if (s->query && view_columns(session, s, d, id))
		return strcmp(s->text, "VIEW") && session->error.number == 137 ? (session->failed = false, 0) : -5;
	return add_parameters(session, s, d, id);
}

int drop_object(struct session *session, struct database *database, int id)
{
	int d = database->id;
	struct table *table = catalogue_by_id(session, database, id);

	if (!table)
		return -5;
	if (!strcmp(table->type, "U")) {
		sqlite3_stmt *s = query(session, "SELECT object_id FROM d%d.m_objects WHERE parent_id=%d", d, id);

		while (query_next(session, &s))
			drop_object(session, database, sqlite3_column_int(s, 0));
		query_run(session, "DROP TABLE IF EXISTS d%d.t%d", d, id);
	}
	if (!strcmp(table->type, "PK") || !strcmp(table->type, "UQ"))
		query_run(session,
			"DELETE FROM d%d.m_index_columns WHERE object_id=(SELECT parent_id FROM d%d.m_objects WHERE object_id=%d)"
			" AND index_id=(SELECT x1 FROM d%d.m_objects WHERE object_id=%d); ",
			d, d, id, d, id),
			query_run(session,
				"DELETE FROM d%d.m_indexes WHERE object_id=(SELECT parent_id FROM d%d.m_objects WHERE object_id=%d) AND"
				" name=%Q",
				d, d, id, table->name);
	int64_t other =
		!strcmp(table->type, "F") ? query_int(session, 0, "SELECT x1 FROM d%d.m_objects WHERE object_id=%d", d, id) : 0;

	query_run(session, "DELETE FROM d%d.m_objects WHERE object_id=%d", d, id);
	query_run(session, "DELETE FROM d%d.m_columns WHERE object_id=%d", d, id);
	if (!strcmp(table->type, "U")) {
		query_run(session, "DELETE FROM d%d.m_indexes WHERE object_id=%d", d, id);
		query_run(session, "DELETE FROM d%d.m_index_columns WHERE object_id=%d", d, id);
	}
	query_run(session, "DELETE FROM d%d.m_fk_columns WHERE fk_id=%d", d, id);
	query_run(session, "DELETE FROM d%d.m_permissions WHERE class=1 AND major=%d", d, id);
	query_run(session, "DELETE FROM d%d.m_predicates WHERE policy=%d", d, id);
	query_run(session, "DELETE FROM d%d.m_parameters WHERE object_id=%d", d, id);
	return other && !session->failed ? catalogue_physical_triggers(session, database, (int)other)
		: session->failed            ? -5
									 : 0;
}

static int drop_index(struct session *session, struct statement *s)
{
	struct table *table = catalogue_table(session, &s->other);

	if (!table || transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return -5;
	ddl_note(session, table);
	int64_t id = query_int(session, 0,
		"SELECT index_id FROM d%d.m_indexes WHERE object_id=%d AND name=%Q AND primary_key=0 AND"
		" unique_constraint=0",
		table->database->id, table->id, s->name.object);

	if (!id)
		return session_raise(
			session, 3701, "index", arena_format(session->arena, "%s.%s", table->name, s->name.object));
	query_run(
		session, "DELETE FROM d%d.m_indexes WHERE object_id=%d AND index_id=%lld", table->database->id, table->id, id);
	query_run(session, "DELETE FROM d%d.m_index_columns WHERE object_id=%d AND index_id=%lld", table->database->id,
		table->id, id);
	if (id == 1)
		query_run(session,
			"INSERT INTO d%d.m_indexes(object_id,index_id,type,is_unique,primary_key,unique_constraint) VALUES"
			"(%d,0,0,0,0,0)",
			table->database->id, table->id);
	query_run(session, "DROP INDEX IF EXISTS d%d.i%d_%lld", table->database->id, table->id, id);
	return query_run(session, "DROP INDEX IF EXISTS d%d.n%d_%lld", table->database->id, table->id, id);
}

static int drop_one(struct session *session, struct statement *s)
{
	static const char *const words[][2] = { { "TABLE", "U" }, { "VIEW", "V" }, { "PROCEDURE", "P" },
		{ "FUNCTION", "FN" }, { "TRIGGER", "TR" }, { "SEQUENCE", "SO" }, { "SECURITY", "SP" } };
	struct database *d = writable(session, &s->name);
	struct table *table = d ? catalogue_find(session, &s->name) : NULL;
	const char *type = NULL;

	if (!d || session->failed)
		return -5;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i][0], s->text))
			type = words[i][1];
	if (!table || !type || (strcmp(table->type, type) && !(!strcmp(type, "FN") && !strcmp(table->type, "IF"))))
		return session_raise(session, 3701,
			arena_format(session->arena, "%s", strcasecmp(s->text, "TABLE") ? s->text : "table"), s->name.object);
	if (!security_allows(session, d, table->id, "ALTER"))
		return session_raise(session, 3701, s->text, s->name.object);
	if (query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE type='F' AND x1=%d AND parent_id<>%d", d->id,
			table->id, table->id))
		return session_raise(session, 3726, s->name.object);
	if (!strcmp(table->type, "U")) {
		if (transaction_lock_schema(session, table))
			return -5;
		ddl_note(session, table);
	}
	return drop_object(session, d, table->id);
}

int run_drop(struct session *session, struct statement *s)
{
	for (; s; s = s->body) {
		int error;

		if (!strcmp(s->text, "INDEX"))
			error = drop_index(session, s);
		else if (!strcmp(s->text, "DATABASE") || !strcmp(s->text, "LOGIN") || !strcmp(s->text, "USER") ||
			!strcmp(s->text, "ROLE"))
			error = run_security(session, s);
		else if (!strcmp(s->text, "SCHEMA")) {
			struct database *d = writable(session, NULL);

			error = !d ? -5 : query_run(session, "DELETE FROM d%d.m_schemas WHERE name=%Q", d->id, s->name.object);
		} else if (!strcmp(s->text, "TYPE")) {
			struct database *d = writable(session, NULL);

			error = !d ? -5 : query_run(session, "DELETE FROM d%d.m_types WHERE name=%Q", d->id, s->name.object);
		} else {
			error = drop_one(session, s);
		}
		if (error)
			return error;
	}
	return 0;
}

static int security_policy(struct session *session, struct statement *s)
{
	struct database *d = writable(session, &s->name);

	if (!d)
		return -5;
	if (session->engine->version < 13)
		return session_raise_text(session, 156, 15, 1, "Incorrect syntax near the keyword 'SECURITY'.");
	int schema = catalogue_schema(session, d, s->name.schema);

	if (s->alter == A_SET)
		return query_run(session, "UPDATE d%d.m_objects SET disabled=%d,modified=%lld WHERE type='SP' AND name=%Q",
			d->id, !s->on, datetime_now(), s->name.object);
	int id = define_object(session, d, schema, s->name.object, "SP", 0, NULL);
	struct table *target = s->condition ? catalogue_find(session, &s->other) : NULL;

	if (!id || (s->condition && !target))
		return session->failed ? -5 : session_raise(session, 208, s->other.object);
	if (query_run(session, "UPDATE d%d.m_objects SET disabled=%d WHERE object_id=%d", d->id, !s->on, id))
		return -5;
	return !target ? 0
				   : query_run(session, "INSERT INTO d%d.m_predicates VALUES(%d,%d,%Q)", d->id, id, target->id,
						 print_node(session->arena, s->condition));
}

static int alter_index(struct session *session, struct statement *s)
{
	struct table *table = catalogue_table(session, &s->name);
	bool disable = !strncasecmp(s->extra, "DISABLE", 7), rebuild = !strncasecmp(s->extra, "REBUILD", 7);

	if (!table || transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return -5;
	ddl_note(session, table);
	if (!disable && !rebuild)
		return 0;
	if (query_run(session, "UPDATE d%d.m_indexes SET disabled=%d WHERE object_id=%d AND index_id>0 AND (%d OR name=%Q)",
			table->database->id, disable, table->id, s->all, s->text))
		return -5;
	struct table *after = catalogue_by_id(session, table->database, table->id);

	return !after ? -5 : catalogue_rebuild(session, after, table);
}

int run_ddl(struct session *session, struct statement *s)
{
	if (session->isolation == ISOLATION_SNAPSHOT && session->trancount && s->kind != S_UPDATE_STATISTICS &&
		s->kind != S_CREATE_TABLE)
		return session_raise(session, 3964);
	switch (s->kind) {
	case S_CREATE_TABLE:
		return s->name.object[0] != '#' && !writable(session, &s->name) ? -5 : run_create_table(session, s);
	case S_CREATE_INDEX:
		return run_create_index(session, s);
	case S_ALTER_INDEX:
		return alter_index(session, s);
	case S_ALTER_TABLE:
		return run_alter_table(session, s);
	case S_TRUNCATE:
		return run_truncate(session, s);
	case S_TRIGGER_STATE:
		return run_trigger_state(session, s);
	case S_CREATE_MODULE:
		return run_module(session, s);
	case S_CREATE_SCHEMA:
		return create_schema(session, s);
	case S_CREATE_SEQUENCE:
		return sequence(session, s);
	case S_CREATE_TYPE:
		return create_type(session, s);
	case S_SECURITY_POLICY:
		return security_policy(session, s);
	case S_DROP:
		return run_drop(session, s);
	case S_CREATE_DATABASE:
	case S_ALTER_DATABASE:
		return run_database(session, s);
	case S_UPDATE_STATISTICS:
		return catalogue_table(session, &s->name) ? 0 : -5;
	default:
		return run_security(session, s);
	}
}
