/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that ask about the server, its objects, the session and its rights. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_parse.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FUNCTION(name) static void name(sqlite3_context *context, int count, sqlite3_value **v)
#define SESSION function_session(context)

static void give_text(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static const char *arena_upper(struct session *session, const char *text)
{
	char *copy = arena_string(session->arena, text);

	for (char *c = copy; *c; c++)
		*c = (char)char_upper((unsigned char)*c);
	return copy;
}

static struct database *here(struct session *session)
{
	return session->frame->database ? session->frame->database : session->database;
}

FUNCTION(db_id)
{
	struct database *d = count ? database_find(SESSION->engine, text_argument(v[0])) : SESSION->database;

	if (d)
		sqlite3_result_int(context, d->id);
}

FUNCTION(db_name)
{
	struct database *d = count ? database_by_id(SESSION->engine, sqlite3_value_int(v[0])) : SESSION->database;

	if (d)
		give_text(context, d->name);
}

static bool all_visible(struct session *session, struct database *d)
{
	return security_allows(session, d, 0, "VIEW DEFINITION") || security_allows(session, d, 0, "ALTER");
}

static bool one_visible(struct session *session, struct database *d, int id)
{
	return security_allows(session, d, id, "SELECT") || security_allows(session, d, id, "VIEW DEFINITION") ||
		security_allows(session, d, id, "INSERT") || security_allows(session, d, id, "EXECUTE");
}

static bool visible(struct session *session, struct database *d, int id)
{
	return !security_denies(session, d, id, "VIEW DEFINITION") &&
		(all_visible(session, d) || one_visible(session, d, id));
}

FUNCTION(object_id)
{
	struct session *session = SESSION;
	struct name name;

	if (any_null(count, v) ||
		!parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
		return;
	if (name.database && *name.database && !database_find(session->engine, name.database))
		return;
	if (name.schema && !strcasecmp(name.schema, "sys")) {
		if (system_view_id(name.object))
			sqlite3_result_int(context, system_view_id(name.object));
		return;
	}
	struct table *table = catalogue_find(session, &name);

	if (table && visible(session, table->database, table->id) &&
		(count < 2 || !strcasecmp(table->type, text_argument(v[1])) ||
			(!strcasecmp(text_argument(v[1]), "U") && !strcmp(table->type, "U"))))
		sqlite3_result_int(context, table->id);
}

static struct database *database_argument(struct session *session, int count, sqlite3_value **v, int at)
{
	struct database *d = count > at ? database_by_id(session->engine, sqlite3_value_int(v[at])) : here(session);

	return d && !database_attach(session, d) ? d : NULL;
}

FUNCTION(object_name)
{
	struct session *session = SESSION;
	struct database *d = database_argument(session, count, v, 1);

	if (d && visible(session, d, sqlite3_value_int(v[0])))
		give_text(context,
			query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d->id, sqlite3_value_int(v[0])));
}

FUNCTION(object_schema_name)
{
	struct session *session = SESSION;
	struct database *d = database_argument(session, count, v, 1);

	if (d)
		give_text(context,
			query_text(session,
				"SELECT s.name FROM d%d.m_objects JOIN d%d.m_schemas s USING(schema_id) WHERE"
				" object_id=%d",
				d->id, d->id, sqlite3_value_int(v[0])));
}

FUNCTION(schema_id)
{
	struct session *session = SESSION;
	int id = catalogue_schema(session, here(session), count ? text_argument(v[0]) : "dbo");

	if (id)
		sqlite3_result_int(context, id);
}

FUNCTION(schema_name)
{
	struct session *session = SESSION;

	give_text(context,
		count ? query_text(session, "SELECT name FROM d%d.m_schemas WHERE schema_id=%d", here(session)->id,
					sqlite3_value_int(v[0]))
			  : "dbo");
}

FUNCTION(type_id)
{
	enum sql_kind kind = kind_find(text_argument(v[0]));
	struct session *session = SESSION;

	(void)count;
	if (kind)
		sqlite3_result_int(context, kind_info(kind)->user_id);
	else {
		int64_t id = query_int(
			session, 0, "SELECT user_type_id FROM d%d.m_types WHERE name=%Q", here(session)->id, text_argument(v[0]));

		if (id)
			sqlite3_result_int64(context, id);
	}
}

FUNCTION(type_name)
{
	struct session *session = SESSION;
	int id = sqlite3_value_int(v[0]);

	(void)count;
	for (unsigned kind = 1; kind < K_COUNT; kind++) {
		if (kind_info(kind)->user_id != id)
			continue;
		give_text(context, kind_info(kind)->name);
		return;
	}
	give_text(
		context, query_text(session, "SELECT name FROM d%d.m_types WHERE user_type_id=%d", here(session)->id, id));
}

FUNCTION(col_name)
{
	struct session *session = SESSION;

	(void)count;
	give_text(context,
		query_text(session, "SELECT name FROM d%d.m_columns WHERE object_id=%d AND column_id=%d", here(session)->id,
			sqlite3_value_int(v[0]), sqlite3_value_int(v[1])));
}

FUNCTION(col_length)
{
	struct session *session = SESSION;
	struct name name;

	if (any_null(count, v) ||
		!parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
		return;
	struct table *table = catalogue_find(session, &name);
	struct column *column = table ? table_column(table, text_argument(v[1])) : NULL;

	if (column)
		sqlite3_result_int(context, column->type.length == LENGTH_MAX ? -1 : column->type.length);
}

FUNCTION(object_definition)
{
	struct session *session = SESSION;
	struct database *d = here(session);

	(void)count;
	if (security_allows(session, d, sqlite3_value_int(v[0]), "VIEW DEFINITION") ||
		security_allows(session, d, 0, "ALTER"))
		give_text(context,
			query_text(
				session, "SELECT definition FROM d%d.m_objects WHERE object_id=%d", d->id, sqlite3_value_int(v[0])));
}

/* -1: no such securable, or none of its permissions; else whether it is held. A name is parsed: raw odd ones are none. */
static int database_permission(struct session *session, sqlite3_value *securable, const char *permission)
{
	struct database *d = here(session);
	struct name name = { 0 };

	if (sqlite3_value_type(securable) != SQLITE_NULL) {
		if (!parse_object_name(session->arena, arena_string(session->arena, text_argument(securable)), &name) ||
			name.schema)
			return -1;
		d = database_find(session->engine, name.object);
	}
	return !d || database_attach(session, d) ? -1 : security_allows(session, d, 0, permission);
}

static int schema_permission(struct session *session, const struct name *name, const char *permission)
{
	struct database *d = here(session);
	int id = name->schema ? 0 : catalogue_schema(session, d, name->object);

	return id ? security_allows_schema(session, d, id, permission) : -1;
}

static int object_permission(struct session *session, const struct name *name, const char *permission)
{
	struct table *table;

	/* Of an object only since 2022. */
	if (!strcmp(permission, "UNMASK") && session->engine->version < 16)
		return -1;
	if (name->schema && !strcasecmp(name->schema, "sys")) {
		struct database *d = catalogue_database(session, name);

		return d && security_allows(session, d, system_view_id(name->object), permission);
	}
	table = catalogue_find(session, name);
	return table ? security_allows(session, table->database, table->id, permission) : -1;
}

FUNCTION(has_perms_by_name)
{
	struct session *session = SESSION;
	const char *class = text_argument(v[1]), *permission = arena_upper(session, text_argument(v[2]));
	bool named = sqlite3_value_type(v[0]) != SQLITE_NULL;
	struct name name;
	int has = -1;

	(void)count;
	if (sqlite3_value_type(v[1]) == SQLITE_NULL)
		has = named ? -1 : security_server(session, permission);
	else if (!strcasecmp(class, "DATABASE"))
		has = database_permission(session, v[0], permission);
	else if (named && parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
		has = !strcasecmp(class, "SCHEMA") ? schema_permission(session, &name, permission)
										   : object_permission(session, &name, permission);
	if (has >= 0)
		sqlite3_result_int(context, has);
}

FUNCTION(has_dbaccess)
{
	struct database *d = database_find(SESSION->engine, text_argument(v[0]));

	(void)count;
	if (d)
		sqlite3_result_int(context, SESSION->sysadmin || database_permitted(SESSION, d));
}

FUNCTION(is_member)
{
	(void)count;
	sqlite3_result_int(context, security_member(SESSION, here(SESSION), text_argument(v[0])));
}

FUNCTION(is_srvrolemember)
{
	const char *role = text_argument(v[0]);

	(void)count;
	sqlite3_result_int(context,
		!strcasecmp(role, "sysadmin") ? SESSION->sysadmin
									  : !strcasecmp(role, "public") || security_server(SESSION, role));
}

FUNCTION(login_name)
{
	(void)count, (void)v;
	give_text(context, SESSION->login);
}

FUNCTION(user_name)
{
	struct session *session = SESSION;
	int id = count ? sqlite3_value_int(v[0]) : security_principal(session, here(session));

	give_text(
		context, query_text(session, "SELECT name FROM d%d.m_principals WHERE principal_id=%d", here(session)->id, id));
}

FUNCTION(user_id)
{
	struct session *session = SESSION;
	int64_t id = count ? query_int(session, -1, "SELECT principal_id FROM d%d.m_principals WHERE name=%Q",
							 here(session)->id, text_argument(v[0]))
					   : security_principal(session, here(session));

	if (id >= 0)
		sqlite3_result_int64(context, id);
}

FUNCTION(sid)
{
	const char *name = count ? text_argument(v[0]) : SESSION->login;
	unsigned char out[16] = { 1 };

	for (size_t i = 0; name[i]; i++)
		out[i % 15 + 1] = (unsigned char)(out[i % 15 + 1] * 31 + name[i]);
	sqlite3_result_blob(context, out, !strcasecmp(name, "sa") ? 1 : 16, SQLITE_TRANSIENT);
}

FUNCTION(host_name)
{
	(void)count, (void)v;
	give_text(context, SESSION->host);
}

FUNCTION(app_name)
{
	(void)count, (void)v;
	give_text(context, SESSION->program);
}

/* row_visible(database, predicate, first argument): asks the inline function of a security policy. */
FUNCTION(row_visible)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));
	struct node *node;
	struct parse_error error;
	struct arena arena = { 0 }, *outer = session->arena;
	struct statement *s = NULL;
	bool any = false;

	(void)count;
	session->arena = &arena;
	if (!parse_expression(&arena, arena_string(&arena, text_argument(v[1])), &node, &error)) {
		struct name name = { .database = d->name, .schema = node->name.object, .object = node->text };
		struct table *module = catalogue_find(session, &name);
		struct frame frame = { .database = d, .caller = session->frame, .depth = session->frame->depth + 1 };
		struct frame *before = session->frame;

		if (module)
			s = run_parse(session, &arena, module->definition, strlen(module->definition));
		session->frame = &frame;
		struct sql_type type;
		int user_type;

		if (s && s->query &&
			(!s->parameters || !catalogue_type(session, &s->parameters->type, NULL, &type, &user_type))) {
			struct node exists = { .kind = N_EXISTS, .query = s->query };

			if (s->parameters)
				variable_set(variable_add(session, s->parameters->name, type), value_of_argument(v[2]));
			evaluate_condition(session, &exists, &any);
		}
		variables_free(frame.variables);
		session->frame = before;
	}
	session->arena = outer;
	arena_free(&arena);
	if (session->failed)
		function_fail(context);
	else
		sqlite3_result_int(context, any);
}

/* page_read(row, damaged row): whoever reads the page of that row finds that its checksum is wrong. */
FUNCTION(page_read)
{
	(void)count;
	if (sqlite3_value_int64(v[0]) != sqlite3_value_int64(v[1])) {
		sqlite3_result_int(context, 1);
		return;
	}
	session_raise(SESSION, 824);
	function_fail(context);
}

/* Whether all is visible is looked up once a statement, where nothing is hidden: the database is a constant there. */
static bool all_visible_kept(sqlite3_context *context, struct database *d)
{
	static char yes, no;
	char *kept = sqlite3_get_auxdata(context, 0);

	if (!kept) {
		kept = all_visible(SESSION, d) && !security_hides_any(SESSION, d) ? &yes : &no;
		sqlite3_set_auxdata(context, 0, kept, NULL);
	}
	return kept == &yes;
}

/* visible(database, object): may the session see this object's metadata? */
FUNCTION(is_visible)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));

	(void)count;
	if (*session->engine->hidden && d && !session->sysadmin) {
		const char *name = query_text(
			session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d->id, sqlite3_value_int(v[1]));

		if (name && name_equal(name, session->engine->hidden)) {
			sqlite3_result_int(context, 0);
			return;
		}
	}
	sqlite3_result_int(context, d && (all_visible_kept(context, d) || visible(session, d, sqlite3_value_int(v[1]))));
}

FUNCTION(may_define)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));
	int id = sqlite3_value_int(v[1]);

	(void)count;
	sqlite3_result_int(
		context, d && (security_allows(session, d, id, "VIEW DEFINITION") || security_allows(session, d, 0, "ALTER")));
}

FUNCTION(null_function)
{
	(void)context, (void)count, (void)v;
}

int execute_register(struct session *session);

int functions_register_meta(struct session *session)
{
	static const struct function_entry entries[] = { { "f_db_id", -1, db_id, 1 }, { "f_db_name", -1, db_name, 1 },
		{ "f_object_id", -1, object_id, 1 }, { "f_object_name", -1, object_name, 1 },
		{ "f_object_schema_name", -1, object_schema_name, 1 }, { "f_schema_id", -1, schema_id, 1 },
		{ "f_schema_name", -1, schema_name, 1 }, { "f_type_id", 1, type_id, 1 }, { "f_type_name", 1, type_name, 1 },
		{ "f_col_name", 2, col_name, 1 }, { "f_col_length", 2, col_length, 1 },
		{ "f_object_definition", 1, object_definition, 1 }, { "f_has_perms_by_name", -1, has_perms_by_name, 1 },
		{ "f_has_dbaccess", 1, has_dbaccess, 1 }, { "f_is_member", 1, is_member, 1 },
		{ "f_is_rolemember", -1, is_member, 1 }, { "f_is_srvrolemember", -1, is_srvrolemember, 1 },
		{ "f_original_login", 0, login_name, 1 }, { "f_suser_sname", -1, login_name, 1 },
		{ "f_suser_name", -1, login_name, 1 }, { "f_system_user", 0, login_name, 1 },
		{ "f_user_name", -1, user_name, 1 }, { "f_current_user", 0, user_name, 1 },
		{ "f_session_user", 0, user_name, 1 }, { "f_user", 0, user_name, 1 }, { "f_user_id", -1, user_id, 1 },
		{ "f_database_principal_id", -1, user_id, 1 }, { "f_suser_sid", -1, sid, 1 },
		{ "f_host_name", 0, host_name, 1 }, { "f_app_name", 0, app_name, 1 }, { "row_visible", 3, row_visible, 1 },
		{ "page_read", 2, page_read, 1 }, { "visible", 2, is_visible, 1 }, { "may_define", 2, may_define, 1 },
		{ "f_context_info", 0, null_function, 1 }, { "f_stats_date", 2, null_function, 1 } };

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries)) ||
			functions_register_properties(session) || functions_register_session(session) || execute_register(session)
		? -5
		: 0;
}
