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

static bool visible(struct session *session, struct database *d, int id)
{
	return security_allows(session, d, 0, "VIEW DEFINITION") || security_allows(session, d, 0, "ALTER") ||
		security_allows(session, d, id, "SELECT") || security_allows(session, d, id, "VIEW DEFINITION") ||
		security_allows(session, d, id, "INSERT") || security_allows(session, d, id, "EXECUTE");
}

FUNCTION(object_id)
{
	struct session *session = SESSION;
	struct name name;

	if (any_null(count, v) || !parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
		return;
	if (name.database && *name.database && !database_find(session->engine, name.database))
		return;
	if (name.schema && !strcasecmp(name.schema, "sys")) {
		if (system_view_id(name.object))
			sqlite3_result_int(context, system_view_id(name.object));
		return;
	}
	struct table *table = catalogue_find(session, &name);

	if (table && visible(session, table->database, table->id) && (count < 2 || !strcasecmp(table->type, text_argument(v[1])) ||
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
		give_text(context, query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d->id,
			sqlite3_value_int(v[0])));
}

FUNCTION(object_schema_name)
{
	struct session *session = SESSION;
	struct database *d = database_argument(session, count, v, 1);

	if (d)
		give_text(context, query_text(session, "SELECT s.name FROM d%d.m_objects JOIN d%d.m_schemas s USING(schema_id) WHERE"
			" object_id=%d", d->id, d->id, sqlite3_value_int(v[0])));
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

	give_text(context, count ? query_text(session, "SELECT name FROM d%d.m_schemas WHERE schema_id=%d", here(session)->id,
		sqlite3_value_int(v[0])) : "dbo");
}

FUNCTION(type_id)
{
	enum sql_kind kind = kind_find(text_argument(v[0]));
	struct session *session = SESSION;

	(void)count;
	if (kind)
		sqlite3_result_int(context, kind_info(kind)->user_id);
	else {
		int64_t id = query_int(session, 0, "SELECT user_type_id FROM d%d.m_types WHERE name=%Q", here(session)->id,
			text_argument(v[0]));

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
	give_text(context, query_text(session, "SELECT name FROM d%d.m_types WHERE user_type_id=%d", here(session)->id, id));
}

FUNCTION(col_name)
{
	struct session *session = SESSION;

	(void)count;
	give_text(context, query_text(session, "SELECT name FROM d%d.m_columns WHERE object_id=%d AND column_id=%d",
		here(session)->id, sqlite3_value_int(v[0]), sqlite3_value_int(v[1])));
}

FUNCTION(col_length)
{
	struct session *session = SESSION;
	struct name name;

	if (any_null(count, v) || !parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
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
	if (security_allows(session, d, sqlite3_value_int(v[0]), "VIEW DEFINITION") || security_allows(session, d, 0, "ALTER"))
		give_text(context, query_text(session, "SELECT definition FROM d%d.m_objects WHERE object_id=%d", d->id,
			sqlite3_value_int(v[0])));
}

FUNCTION(objectproperty)
{
	static const struct {
		const char *property, *types;
	} kinds[] = { { "IsUserTable", "U" }, { "IsTable", "U" }, { "IsView", "V" }, { "IsProcedure", "P" }, { "IsTrigger", "TR" },
		{ "IsPrimaryKey", "PK" }, { "IsForeignKey", "F" }, { "IsCheckCnst", "C" }, { "IsDefaultCnst", "D" },
		{ "IsScalarFunction", "FN" }, { "IsUniqueCnst", "UQ" } };
	struct session *session = SESSION;
	struct database *d = here(session);
	int id = sqlite3_value_int(v[0]);
	const char *property = text_argument(v[1]);
	const char *type = query_text(session, "SELECT type FROM d%d.m_objects WHERE object_id=%d", d->id, id);

	if (any_null(count, v) || !type)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcasecmp(kinds[i].property, property))
			sqlite3_result_int(context, !strcmp(type, kinds[i].types));
	if (!strcasecmp(property, "TableHasIdentity"))
		sqlite3_result_int64(context, query_int(session, 0, "SELECT max(identity) FROM d%d.m_columns WHERE object_id=%d", d->id,
			id));
	else if (!strcasecmp(property, "TableHasPrimaryKey") || !strcasecmp(property, "TableHasClustIndex"))
		sqlite3_result_int64(context, query_int(session, 0, "SELECT 1 FROM d%d.m_indexes WHERE object_id=%d AND (%s)", d->id, id,
			strcasecmp(property, "TableHasClustIndex") ? "primary_key" : "index_id=1"));
	else if (!strcasecmp(property, "CnstIsNotTrusted") || !strcasecmp(property, "CnstIsDisabled") ||
			!strcasecmp(property, "ExecIsTriggerDisabled"))
		sqlite3_result_int64(context, query_int(session, 0, "SELECT %s FROM d%d.m_objects WHERE object_id=%d",
			strcasecmp(property, "CnstIsNotTrusted") ? "disabled" : "not_trusted", d->id, id));
	else if (!strcasecmp(property, "SchemaId"))
		sqlite3_result_int64(context, query_int(session, 0, "SELECT schema_id FROM d%d.m_objects WHERE object_id=%d", d->id, id));
	else if (!strcasecmp(property, "IsMSShipped") || !strcasecmp(property, "TableTextInRowLimit"))
		sqlite3_result_int(context, 0);
}

FUNCTION(columnproperty)
{
	static const char *const names[][2] = { { "IsIdentity", "identity" }, { "AllowsNull", "nullable" },
		{ "IsComputed", "computed IS NOT NULL" }, { "ColumnId", "column_id" }, { "Precision", "precision" },
		{ "Scale", "scale" }, { "IsSparse", "sparse" }, { "IsRowGuidCol", "row_guid" }, { "UsesAnsiTrim", "ansi_padded" },
		{ "IsHidden", "hidden" }, { "GeneratedAlwaysType", "generated" }, { "CharMaxLen",
		"CASE WHEN length=65535 THEN -1 ELSE length END" } };
	struct session *session = SESSION;

	if (any_null(count, v))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(names[i][0], text_argument(v[2])))
			sqlite3_result_int64(context, query_int(session, 0, "SELECT %s FROM d%d.m_columns WHERE object_id=%d AND name=%Q",
				names[i][1], here(session)->id, sqlite3_value_int(v[0]), text_argument(v[1])));
}

FUNCTION(indexproperty)
{
	static const char *const names[][2] = { { "IsUnique", "is_unique" }, { "IsClustered", "index_id=1" },
		{ "IndexID", "index_id" }, { "IsDisabled", "disabled" }, { "IndexFillFactor", "fill_factor" },
		{ "IsPadIndex", "padded" } };
	struct session *session = SESSION;

	if (any_null(count, v))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcasecmp(names[i][0], text_argument(v[2])))
			sqlite3_result_int64(context, query_int(session, 0, "SELECT %s FROM d%d.m_indexes WHERE object_id=%d AND name=%Q",
				names[i][1], here(session)->id, sqlite3_value_int(v[0]), text_argument(v[1])));
}

FUNCTION(databasepropertyex)
{
	static const char *const states[] = { "ONLINE", "RESTORING", "RECOVERING", "RECOVERY_PENDING", "SUSPECT", "EMERGENCY",
		"OFFLINE" };
	static const char *const recoveries[] = { "", "FULL", "BULK_LOGGED", "SIMPLE" };
	static const char *const access[] = { "MULTI_USER", "SINGLE_USER", "RESTRICTED_USER" };
	struct database *d = database_find(SESSION->engine, text_argument(v[0]));
	const char *p = text_argument(v[1]);

	if (any_null(count, v) || !d)
		return;
	give_text(context, !strcasecmp(p, "Collation") ? collation_get(d->collation)->name : !strcasecmp(p, "Status") ?
		states[d->state] : !strcasecmp(p, "Recovery") ? recoveries[d->recovery] : !strcasecmp(p, "UserAccess") ?
		access[d->user_access] : !strcasecmp(p, "Updateability") ? (d->read_only ? "READ_ONLY" : "READ_WRITE") :
		!strcasecmp(p, "Version") ? "904" : !strcasecmp(p, "IsInStandBy") ? "0" : NULL);
}

FUNCTION(serverproperty)
{
	static const char *const versions[] = { "11.0.7001.0", "12.0.6024.0", "13.0.5026.0", "14.0.1000.169", "15.0.2000.5",
		"16.0.1000.6" };
	struct session *session = SESSION;
	const char *p = text_argument(v[0]);
	char major[8];

	snprintf(major, sizeof(major), "%d", session->engine->version);
	const struct {
		const char *name, *value;
	} values[] = {
		{ "ProductVersion", versions[session->engine->version - 11] }, { "ProductLevel", "RTM" },
		{ "ProductMajorVersion", major }, { "Edition", "Express Edition (64-bit)" }, { "EngineEdition", "4" },
		{ "ServerName", "STANDIN" }, { "MachineName", "STANDIN" }, { "InstanceName", NULL }, { "IsClustered", "0" },
		{ "Collation", "SQL_Latin1_General_CP1_CI_AS" }, { "IsHadrEnabled", "0" }, { "IsFullTextInstalled", "0" },
		{ "IsIntegratedSecurityOnly", "0" }, { "IsXTPSupported", session->engine->version >= 13 ? "1" : "0" },
		{ "IsSingleUser", "0" }, { "LCID", "1033" }, { "ProcessID", "1" }, { "ComputerNamePhysicalNetBIOS", "STANDIN" },
		{ "EditionID", "-1592396055" }, { "ProductBuild", "1000" },
	};

	(void)count;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (!strcasecmp(values[i].name, p))
			give_text(context, values[i].value);
}

FUNCTION(collationproperty)
{
	uint16_t number = collation_find(text_argument(v[0]), SESSION->engine->version);
	const char *p = text_argument(v[1]);
	uint8_t wire[5];

	(void)count;
	if (!number)
		return;
	const struct collation *c = collation_get(number);

	collation_wire(number, wire);
	if (!strcasecmp(p, "CodePage"))
		sqlite3_result_int(context, (int)c->page);
	else if (!strcasecmp(p, "LCID"))
		sqlite3_result_int(context, (int)c->lcid);
	else if (!strcasecmp(p, "Version"))
		sqlite3_result_int(context, c->version);
	else if (!strcasecmp(p, "ComparisonStyle"))
		sqlite3_result_int(context, c->binary ? 0 : c->ignore_case | c->ignore_kana << 16 | c->ignore_width << 17);
}

FUNCTION(has_perms_by_name)
{
	struct session *session = SESSION;
	const char *class = text_argument(v[1]), *permission = text_argument(v[2]);
	bool has;

	(void)count;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL || !strcasecmp(class, "DATABASE")) {
		bool server = sqlite3_value_type(v[1]) == SQLITE_NULL;
		struct database *d = server ? NULL : sqlite3_value_type(v[0]) == SQLITE_NULL ? here(session) :
			database_find(session->engine, text_argument(v[0]));

		if (server)
			has = security_server(session, permission);
		else if (!d || database_attach(session, d))
			return;
		else
			has = security_allows(session, d, 0, arena_upper(session, permission));
	} else {
		struct name name;

		if (!parse_object_name(session->arena, arena_string(session->arena, text_argument(v[0])), &name))
			return;
		if (name.schema && !strcasecmp(name.schema, "sys")) {
			struct database *d = catalogue_database(session, &name);

			has = d && security_allows(session, d, system_view_id(name.object), arena_upper(session, permission));
		} else {
			struct table *table = catalogue_find(session, &name);

			if (!table)
				return;
			has = security_allows(session, table->database, table->id, arena_upper(session, permission));
		}
	}
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
	sqlite3_result_int(context, !strcasecmp(role, "sysadmin") ? SESSION->sysadmin : !strcasecmp(role, "public") ||
		security_server(SESSION, role));
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

	give_text(context, query_text(session, "SELECT name FROM d%d.m_principals WHERE principal_id=%d", here(session)->id, id));
}

FUNCTION(user_id)
{
	struct session *session = SESSION;
	int64_t id = count ? query_int(session, -1, "SELECT principal_id FROM d%d.m_principals WHERE name=%Q", here(session)->id,
		text_argument(v[0])) : security_principal(session, here(session));

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

FUNCTION(scope_identity)
{
	(void)count, (void)v;
	if (SESSION->frame->has_identity)
		sqlite3_result_int64(context, SESSION->frame->scope_identity);
}

static struct table *named_table(struct session *session, sqlite3_value *value)
{
	struct name name;

	return parse_object_name(session->arena, arena_string(session->arena, text_argument(value)), &name) ?
		catalogue_find(session, &name) : NULL;
}

FUNCTION(ident_current)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++) {
		if (!table->columns[i].identity)
			continue;
		struct identity *identity = identity_get(SESSION, table);

		sqlite3_result_int64(context, identity->used || identity->last ? identity->last : table->columns[i].seed);
	}
}

FUNCTION(ident_seed)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++)
		if (table->columns[i].identity)
			sqlite3_result_int64(context, table->columns[i].seed);
}

FUNCTION(ident_incr)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++)
		if (table->columns[i].identity)
			sqlite3_result_int64(context, table->columns[i].increment);
}

FUNCTION(last_value)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));
	struct table *table = d ? catalogue_by_id(session, d, sqlite3_value_int(v[1])) : NULL;

	(void)count;
	if (!table)
		return;
	struct identity *identity = identity_get(session, table);

	if (identity->used)
		sqlite3_result_int64(context, identity->last);
}

FUNCTION(xact_state)
{
	(void)count, (void)v;
	sqlite3_result_int(context, SESSION->doomed ? -1 : SESSION->trancount > 0);
}

FUNCTION(applock_mode)
{
	struct session *session = SESSION;

	if (!any_null(count, v))
		give_text(context, lock_held(session, session->database->id, text_argument(v[1]),
			!strcasecmp(text_argument(v[2]), "Session") ? HOLD_SESSION : HOLD_TRANSACTION));
}

/* APPLOCK_TEST(principal, resource, mode, owner): could it be had at once? */
FUNCTION(applock_test)
{
	struct session *session = SESSION;
	const char *mode = text_argument(v[2]);
	struct lock wanted = { .kind = LOCK_APPLICATION, .database = session->database->id, .owner = session,
		.mode = !strcasecmp(mode, "Exclusive") ? MODE_X : !strcasecmp(mode, "Update") ? MODE_U : !strcasecmp(mode, "Shared") ?
		MODE_S : MODE_IS, .duration = HOLD_STATEMENT };

	if (any_null(count, v))
		return;
	snprintf(wanted.name, sizeof(wanted.name), "%s", text_argument(v[1]));
	bool free = !lock_try(session, &wanted, 0);

	if (free)
		lock_release_name(session, wanted.database, wanted.name, HOLD_STATEMENT);
	sqlite3_result_int(context, free);
}

FUNCTION(error_number)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->number);
}

FUNCTION(error_message)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		give_text(context, SESSION->frame->caught->text);
}

FUNCTION(error_severity)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->severity);
}

FUNCTION(error_state)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->state);
}

FUNCTION(error_line)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->line);
}

FUNCTION(error_procedure)
{
	(void)count, (void)v;
	if (SESSION->frame->caught && *SESSION->frame->caught->procedure)
		give_text(context, SESSION->frame->caught->procedure);
}

FUNCTION(row_count)
{
	(void)count, (void)v;
	sqlite3_result_int64(context, SESSION->rowcount);
}

FUNCTION(active_rowversion)
{
	char bytes[8];
	uint64_t version = __atomic_load_n(&SESSION->engine->row_version, __ATOMIC_RELAXED) + 2001;

	(void)count, (void)v;
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(version >> (56 - 8 * i));
	sqlite3_result_blob(context, bytes, 8, SQLITE_TRANSIENT);
}

/* next_value(database, sequence) */
FUNCTION(next_value)
{
	struct session *session = SESSION;
	int d = sqlite3_value_int(v[0]), id = sqlite3_value_int(v[1]);
	bool unused = query_int(session, 0, "SELECT flags='unused' FROM d%d.m_objects WHERE object_id=%d", d, id);
	int64_t value = query_int(session, 0, "SELECT x5+CASE WHEN %d THEN 0 ELSE x2 END FROM d%d.m_objects WHERE object_id=%d",
		unused, d, id);

	(void)count;
	if (query_int(session, 0, "SELECT %lld<x3 OR %lld>x4 FROM d%d.m_objects WHERE object_id=%d", value, value, d, id)) {
		session_raise(session, 11728, query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d, id));
		function_fail(context);
		return;
	}
	query_run(session, "UPDATE d%d.m_objects SET x5=%lld,flags='' WHERE object_id=%d", d, value, id);
	sqlite3_result_int64(context, value);
}

/* write_chunk(old, chunk, offset, length, type): the .WRITE of UPDATE, in UTF-16 units or bytes */
FUNCTION(write_chunk)
{
	struct sql_type type = type_unpack(sqlite3_value_int64(v[4]));
	struct value old = value_of_argument(v[0]), chunk = value_of_argument(v[1]);
	struct bytes out = { 0 };
	bool text = old.storage == STORE_TEXT;

	(void)count;
	if (old.storage == STORE_NULL) {
		session_raise_text(SESSION, 4924, 16, 1, "Cannot call mutator WRITE on a NULL value.");
		function_fail(context);
		return;
	}
	size_t units = text ? wtf8_units(old.data, old.size) : old.size;
	size_t offset = sqlite3_value_type(v[2]) == SQLITE_NULL ? units : (size_t)sqlite3_value_int64(v[2]);
	size_t cut = sqlite3_value_type(v[3]) == SQLITE_NULL ? units : (size_t)sqlite3_value_int64(v[3]);

	if (offset > units) {
		session_raise_text(SESSION, 7135, 16, 1, "Deletion offset in WRITE is out of range.");
		function_fail(context);
		return;
	}
	cut = cut > units - offset ? units - offset : cut;
	size_t from = text ? wtf8_offset(old.data, old.size, offset) : offset;
	size_t to = text ? wtf8_offset(old.data, old.size, offset + cut) : offset + cut;

	bytes_add(&out, old.data, from);
	bytes_add(&out, chunk.data, chunk.size);
	bytes_add(&out, old.data + to, old.size - to);
	value_result(context, text ? value_text(out.data, out.size) : value_blob(out.data, out.size));
	bytes_free(&out);
	(void)type;
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

		if (s && s->query && (!s->parameters || !catalogue_type(session, &s->parameters->type, NULL, &type, &user_type))) {
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

/* visible(database, object): may the session see this object's metadata? */
FUNCTION(is_visible)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));

	(void)count;
	if (*session->engine->hidden && d && !session->sysadmin) {
		const char *name = query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d->id, sqlite3_value_int(v[1]));

		if (name && name_equal(name, session->engine->hidden)) {
			sqlite3_result_int(context, 0);
			return;
		}
	}
	sqlite3_result_int(context, d && visible(session, d, sqlite3_value_int(v[1])));
}

FUNCTION(may_define)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));
	int id = sqlite3_value_int(v[1]);

	(void)count;
	sqlite3_result_int(context, d && (security_allows(session, d, id, "VIEW DEFINITION") ||
		security_allows(session, d, 0, "ALTER")));
}

FUNCTION(null_function)
{
	(void)context, (void)count, (void)v;
}

int execute_register(struct session *session);

int functions_register_meta(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "f_db_id", -1, db_id, 1 }, { "f_db_name", -1, db_name, 1 }, { "f_object_id", -1, object_id, 1 },
		{ "f_object_name", -1, object_name, 1 }, { "f_object_schema_name", -1, object_schema_name, 1 },
		{ "f_schema_id", -1, schema_id, 1 }, { "f_schema_name", -1, schema_name, 1 }, { "f_type_id", 1, type_id, 1 },
		{ "f_type_name", 1, type_name, 1 }, { "f_col_name", 2, col_name, 1 }, { "f_col_length", 2, col_length, 1 },
		{ "f_object_definition", 1, object_definition, 1 }, { "f_objectproperty", 2, objectproperty, 1 },
		{ "f_objectpropertyex", 2, objectproperty, 1 }, { "f_columnproperty", 3, columnproperty, 1 },
		{ "f_indexproperty", 3, indexproperty, 1 }, { "f_databasepropertyex", 2, databasepropertyex, 1 },
		{ "f_serverproperty", 1, serverproperty, 1 }, { "f_collationproperty", 2, collationproperty, 1 },
		{ "f_has_perms_by_name", -1, has_perms_by_name, 1 }, { "f_has_dbaccess", 1, has_dbaccess, 1 },
		{ "f_is_member", 1, is_member, 1 }, { "f_is_rolemember", -1, is_member, 1 },
		{ "f_is_srvrolemember", -1, is_srvrolemember, 1 }, { "f_original_login", 0, login_name, 1 },
		{ "f_suser_sname", -1, login_name, 1 }, { "f_suser_name", -1, login_name, 1 }, { "f_system_user", 0, login_name, 1 },
		{ "f_user_name", -1, user_name, 1 }, { "f_current_user", 0, user_name, 1 }, { "f_session_user", 0, user_name, 1 },
		{ "f_user", 0, user_name, 1 }, { "f_user_id", -1, user_id, 1 }, { "f_database_principal_id", -1, user_id, 1 },
		{ "f_suser_sid", -1, sid, 1 }, { "f_host_name", 0, host_name, 1 }, { "f_app_name", 0, app_name, 1 },
		{ "f_scope_identity", 0, scope_identity, 1 }, { "f_ident_current", 1, ident_current, 1 },
		{ "f_ident_seed", 1, ident_seed, 1 }, { "f_ident_incr", 1, ident_incr, 1 }, { "last_value_of", 2, last_value, 1 },
		{ "f_xact_state", 0, xact_state, 1 }, { "f_applock_mode", 3, applock_mode, 1 },
		{ "f_applock_test", 4, applock_test, 1 }, { "f_error_number", 0, error_number, 1 },
		{ "f_error_message", 0, error_message, 1 }, { "f_error_severity", 0, error_severity, 1 },
		{ "f_error_state", 0, error_state, 1 }, { "f_error_line", 0, error_line, 1 },
		{ "f_error_procedure", 0, error_procedure, 1 }, { "f_rowcount_big", 0, row_count, 1 },
		{ "f_min_active_rowversion", 0, active_rowversion, 1 }, { "next_value", 2, next_value, 1 },
		{ "write_chunk", 5, write_chunk, 0 }, { "row_visible", 3, row_visible, 1 }, { "visible", 2, is_visible, 1 },
		{ "may_define", 2, may_define, 1 }, { "f_context_info", 0, null_function, 1 }, { "f_stats_date", 2, null_function, 1 },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries)) || execute_register(session) ? -5 : 0;
}
