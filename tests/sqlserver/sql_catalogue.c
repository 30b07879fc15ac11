/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char meta_schema[] =
	"CREATE TABLE d%1$d.m_schemas(schema_id INTEGER PRIMARY KEY, name TEXT COLLATE N UNIQUE, principal_id INT);"
	"CREATE TABLE d%1$d.m_objects(object_id INTEGER PRIMARY KEY, name TEXT COLLATE N, schema_id INT, parent_id INT DEFAULT 0,"
	" type TEXT, created INT, modified INT, definition TEXT, ansi_nulls INT DEFAULT 1, quoted INT DEFAULT 1,"
	" disabled INT DEFAULT 0, not_trusted INT DEFAULT 0, nfr INT DEFAULT 0, system_named INT DEFAULT 0,"
	" instead INT DEFAULT 0, flags TEXT DEFAULT '', bound INT DEFAULT 0, x1 INT, x2 INT, x3 INT, x4 INT, x5 INT, x6 INT,"
	" shipped INT DEFAULT 0);"
	"CREATE UNIQUE INDEX d%1$d.m_objects_name ON m_objects(schema_id, name);"
	"CREATE INDEX d%1$d.m_objects_parent ON m_objects(parent_id);"
	"CREATE TABLE d%1$d.m_columns(object_id INT, column_id INT, name TEXT COLLATE N, kind INT, user_type INT, length INT,"
	" precision INT, scale INT, collation TEXT, nullable INT, identity INT DEFAULT 0, seed INT, increment INT,"
	" identity_nfr INT DEFAULT 0, computed TEXT, persisted INT DEFAULT 0, row_guid INT DEFAULT 0, sparse INT DEFAULT 0,"
	" hidden INT DEFAULT 0, generated INT DEFAULT 0, column_set INT DEFAULT 0, filestream INT DEFAULT 0,"
	" encrypted INT DEFAULT 0, mask TEXT, ansi_padded INT DEFAULT 1, PRIMARY KEY(object_id, column_id)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_indexes(object_id INT, index_id INT, name TEXT COLLATE N, type INT, is_unique INT, primary_key INT,"
	" unique_constraint INT, disabled INT DEFAULT 0, filter TEXT, fill_factor INT DEFAULT 0, padded INT DEFAULT 0,"
	" ignore_dup INT DEFAULT 0, compression INT DEFAULT 0, PRIMARY KEY(object_id, index_id)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_index_columns(object_id INT, index_id INT, position INT, column_id INT, key_ordinal INT,"
	" descending INT, included INT, PRIMARY KEY(object_id, index_id, position)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_fk_columns(fk_id INT, position INT, column_id INT, referenced_column_id INT,"
	" PRIMARY KEY(fk_id, position)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_parameters(object_id INT, parameter_id INT, name TEXT, kind INT, user_type INT, length INT,"
	" precision INT, scale INT, output INT, has_default INT, PRIMARY KEY(object_id, parameter_id)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_types(user_type_id INTEGER PRIMARY KEY, schema_id INT, name TEXT COLLATE N, kind INT, length INT,"
	" precision INT, scale INT, nullable INT, collation TEXT, table_id INT);"
	"CREATE TABLE d%1$d.m_principals(principal_id INTEGER PRIMARY KEY, name TEXT COLLATE N UNIQUE, type TEXT, login TEXT"
	" COLLATE N, fixed INT DEFAULT 0, created INT);"
	"CREATE TABLE d%1$d.m_members(role_id INT, member_id INT, PRIMARY KEY(role_id, member_id)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_permissions(grantee INT, class INT, major INT, permission TEXT COLLATE NOCASE, state TEXT,"
	" PRIMARY KEY(grantee, class, major, permission)) WITHOUT ROWID;"
	"CREATE TABLE d%1$d.m_properties(class INT, major INT, minor INT, name TEXT, value TEXT);"
	"CREATE TABLE d%1$d.m_dependencies(referencing INT, referenced INT, schema TEXT, entity TEXT, database TEXT);"
	"CREATE TABLE d%1$d.m_predicates(policy INT, target INT, predicate TEXT);"
	"CREATE TABLE d%1$d.m_rowversion(value INT);"
	"INSERT INTO d%1$d.m_rowversion VALUES(2000);"
	"INSERT INTO d%1$d.m_schemas VALUES(1,'dbo',1),(2,'guest',2),(3,'INFORMATION_SCHEMA',3),(4,'sys',4);"
	"INSERT INTO d%1$d.m_principals VALUES(0,'public','R',NULL,0,0),(1,'dbo','S','%2$s',0,0),(2,'guest','S',NULL,0,0),"
	"(3,'INFORMATION_SCHEMA','S',NULL,0,0),(4,'sys','S',NULL,0,0),(16384,'db_owner','R',NULL,1,0),"
	"(16385,'db_accessadmin','R',NULL,1,0),(16386,'db_securityadmin','R',NULL,1,0),(16387,'db_ddladmin','R',NULL,1,0),"
	"(16389,'db_backupoperator','R',NULL,1,0),(16390,'db_datareader','R',NULL,1,0),(16391,'db_datawriter','R',NULL,1,0),"
	"(16392,'db_denydatareader','R',NULL,1,0),(16393,'db_denydatawriter','R',NULL,1,0);"
	"INSERT INTO d%1$d.m_members VALUES(16384,1);";

int catalogue_create(sqlite3 *db, int database, const char *owner)
{
	char sql[sizeof(meta_schema) + 4096];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sql, sizeof(sql), meta_schema, database, strchr(owner, '\'') ? "sa" : owner);
#pragma GCC diagnostic pop
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

const char *quote_name(struct session *session, const char *name)
{
	struct text out = { .arena = session->arena };

	text_add(&out, "[");
	for (; *name; name++)
		text_add_n(&out, *name == ']' ? "]]" : name, *name == ']' ? 2 : 1);
	text_add(&out, "]");
	return text_done(&out);
}

const char *table_label(struct session *session, const struct table *table)
{
	return arena_format(session->arena, "%s.%s", table->schema, table->name);
}

struct database *catalogue_database(struct session *session, const struct name *name)
{
	struct database *database = session->frame && session->frame->database ? session->frame->database
																		   : session->database;

	if (name && name->server && *name->server) {
		session_raise_text(session, 7202, 11, 2, "Could not find server '%s' in sys.servers.", name->server);
		return NULL;
	}
	if (name && name->database && *name->database) {
		database = database_find(session->engine, name->database);
		if (!database) {
			session_raise(session, 208,
				arena_format(
					session->arena, "%s.%s.%s", name->database, name->schema ? name->schema : "", name->object));
			return NULL;
		}
	}
	if (name && name->object && name->object[0] == '#')
		database = database_by_id(session->engine, DATABASE_TEMP);
	return database_attach(session, database) ? NULL : database;
}

int catalogue_schema(struct session *session, struct database *database, const char *schema)
{
	if (!schema || !*schema)
		return 1;
	return (int)query_int(session, 0, "SELECT schema_id FROM d%d.m_schemas WHERE name=%Q", database->id, schema);
}

int catalogue_object(struct session *session, struct database *database, int schema_id, const char *name)
{
	return (int)query_int(session, 0, "SELECT object_id FROM d%d.m_objects WHERE schema_id=%d AND name=%Q",
		database->id, schema_id, name);
}

int catalogue_new_id(struct session *session, struct database *database)
{
	int64_t id = query_int(session, 0, "SELECT max(object_id) FROM d%d.m_objects", database->id);

	id = id < 245575913 ? 245575913 : id + 16000057;
	while (
		id > 2147483647 || query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE object_id=%lld", database->id, id))
		id = id > 2147483647 ? id - 2147483646 + 1000 : id + 1;
	return (int)id;
}

static struct sql_type stored_type(sqlite3_stmt *s, int at, const char *collation, int version)
{
	struct sql_type type = { .kind = (uint8_t)sqlite3_column_int(s, at),
		.length = (uint16_t)sqlite3_column_int(s, at + 1),
		.precision = (uint8_t)sqlite3_column_int(s, at + 2),
		.scale = (uint8_t)sqlite3_column_int(s, at + 3) };

	if (collation)
		type.collation = collation_find(collation, version);
	return type;
}

static void load_columns(struct session *session, struct table *table)
{
	size_t count = (size_t)query_int(
		session, 0, "SELECT count(*) FROM d%d.m_columns WHERE object_id=%d", table->database->id, table->id);
	sqlite3_stmt *s = query(session,
		"SELECT c.column_id,c.name,c.kind,c.length,c.precision,c.scale,c.collation,c.user_type,"
		"c.nullable,c.identity,c.seed,c.increment,c.computed,c.persisted,c.row_guid,c.sparse,c.hidden,c.generated,c.mask,"
		"o.definition,o.object_id FROM d%d.m_columns c LEFT JOIN d%d.m_objects o ON o.parent_id=c.object_id AND o.type='D'"
		" AND o.x1=c.column_id WHERE c.object_id=%d ORDER BY c.column_id",
		table->database->id, table->database->id, table->id);

	table->columns = arena_alloc(session->arena, (count + 1) * sizeof(*table->columns));
	while (query_next(session, &s)) {
		if (table->column_count == count)
			continue;
		struct column *c = &table->columns[table->column_count++];

		c->id = sqlite3_column_int(s, 0);
		c->name = column_text(session, s, 1);
		c->type = stored_type(s, 2, (const char *)sqlite3_column_text(s, 6), session->engine->version);
		c->user_type = sqlite3_column_int(s, 7);
		c->nullable = sqlite3_column_int(s, 8);
		c->identity = sqlite3_column_int(s, 9);
		c->seed = sqlite3_column_int64(s, 10);
		c->increment = sqlite3_column_int64(s, 11);
		c->computed_text = column_text(session, s, 12);
		c->computed = c->computed_text;
		c->persisted = sqlite3_column_int(s, 13);
		c->row_guid = sqlite3_column_int(s, 14);
		c->sparse = sqlite3_column_int(s, 15);
		c->hidden = sqlite3_column_int(s, 16);
		c->generated = sqlite3_column_int(s, 17);
		c->mask = column_text(session, s, 18);
		c->default_text = column_text(session, s, 19);
		c->default_id = sqlite3_column_int(s, 20);
		c->row_version = c->type.kind == K_TIMESTAMP;
	}
}

static void load_keys(struct session *session, struct table *table, struct index *index)
{
	sqlite3_stmt *s = query(session,
		"SELECT column_id,descending FROM d%d.m_index_columns WHERE object_id=%d AND index_id=%d"
		" AND included=0 ORDER BY key_ordinal",
		table->database->id, table->id, index->id);

	index->keys = arena_alloc(session->arena, 32 * sizeof(*index->keys));
	index->descending = arena_alloc(session->arena, 32 * sizeof(*index->descending));
	while (query_next(session, &s)) {
		if (index->key_count == 32)
			continue;
		index->keys[index->key_count] = sqlite3_column_int(s, 0);
		index->descending[index->key_count++] = sqlite3_column_int(s, 1);
	}
}

static void load_indexes(struct session *session, struct table *table)
{
	sqlite3_stmt *s = query(session,
		"SELECT index_id,type,name,is_unique,primary_key,unique_constraint,disabled,filter"
		" FROM d%d.m_indexes WHERE object_id=%d AND index_id>0 ORDER BY index_id",
		table->database->id, table->id);
	size_t room = 0;

	while (query_next(session, &s)) {
		if (table->index_count == room) {
			struct index *grown = arena_alloc(session->arena, (room = room ? room * 2 : 8) * sizeof(*grown));

			if (table->index_count)
				memcpy(grown, table->indexes, table->index_count * sizeof(*grown));
			table->indexes = grown;
		}
		struct index *i = &table->indexes[table->index_count++];

		i->id = sqlite3_column_int(s, 0);
		i->type = sqlite3_column_int(s, 1);
		i->name = column_text(session, s, 2);
		i->unique = sqlite3_column_int(s, 3);
		i->primary = sqlite3_column_int(s, 4);
		i->unique_constraint = sqlite3_column_int(s, 5);
		i->disabled = sqlite3_column_int(s, 6);
		i->filter = column_text(session, s, 7);
	}
	for (size_t i = 0; i < table->index_count; i++)
		load_keys(session, table, &table->indexes[i]);
}

struct table *catalogue_by_id(struct session *session, struct database *database, int object_id)
{
	sqlite3_stmt *s = query(session,
		"SELECT o.object_id,o.schema_id,o.name,s.name,o.type,o.definition,o.flags,"
		"(SELECT count(*) FROM d%d.m_objects g WHERE g.parent_id=o.object_id AND g.type='TR' AND g.disabled=0)"
		" FROM d%d.m_objects o JOIN d%d.m_schemas s USING(schema_id) WHERE object_id=%d",
		database->id, database->id, database->id, object_id);
	struct table *table = NULL;

	if (!query_next(session, &s))
		return NULL;
	table = arena_alloc(session->arena, sizeof(*table));
	table->database = database;
	table->id = sqlite3_column_int(s, 0);
	table->schema_id = sqlite3_column_int(s, 1);
	table->name = column_text(session, s, 2);
	table->schema = column_text(session, s, 3);
	table->type = column_text(session, s, 4);
	table->definition = column_text(session, s, 5);
	table->flags = column_text(session, s, 6);
	table->trigger_count = sqlite3_column_int(s, 7);
	table->temporary = database->id == DATABASE_TEMP;
	sqlite3_finalize(s);
	load_columns(session, table);
	load_indexes(session, table);
	return session->failed ? NULL : table;
}

struct table *catalogue_find(struct session *session, const struct name *name)
{
	struct database *database = catalogue_database(session, name);

	if (!database)
		return NULL;
	const char *object = name->object;
	int schema = catalogue_schema(session, database, name->object[0] == '#' ? NULL : name->schema);
	int id = schema ? catalogue_object(session, database, schema, object) : 0;

	return id ? catalogue_by_id(session, database, id) : NULL;
}

struct table *catalogue_table(struct session *session, const struct name *name)
{
	struct table *table = catalogue_find(session, name);

	if (table && (!strcmp(table->type, "U") || !strcmp(table->type, "V") || !strcmp(table->type, "IF")))
		return table;
	if (!session->failed)
		session_raise(session, 208,
			name->schema && *name->schema
				? arena_format(session->arena, "%s%s%s.%s", name->database ? name->database : "",
					  name->database ? "." : "", name->schema, name->object)
				: name->object);
	return NULL;
}

struct column *table_column(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (name_equal(table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}

struct column *table_column_by_id(const struct table *table, int id)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (table->columns[i].id == id)
			return &table->columns[i];
	return NULL;
}

struct index *table_primary(const struct table *table)
{
	for (size_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].primary)
			return &table->indexes[i];
	return NULL;
}

static int user_type(struct session *session, const struct type_name *name, struct sql_type *type, int *id)
{
	struct database *database = catalogue_database(session, &name->name);

	if (!database)
		return -5;
	sqlite3_stmt *s = query(session,
		"SELECT user_type_id,kind,length,precision,scale FROM d%d.m_types WHERE name=%Q AND"
		" schema_id=%d AND table_id IS NULL",
		database->id, name->name.object, catalogue_schema(session, database, name->name.schema));

	if (!query_next(session, &s))
		return session_raise(session, 2715, 1, name->name.object);
	*id = sqlite3_column_int(s, 0);
	*type = stored_type(s, 1, NULL, 0);
	sqlite3_finalize(s);
	return 0;
}

int catalogue_type(
	struct session *session, const struct type_name *name, const char *collation, struct sql_type *type, int *id)
{
	enum sql_kind kind = !name->name.schema || !strcasecmp(name->name.schema, "sys") ? kind_find(name->name.object)
																					 : K_NONE;
	struct database *database = catalogue_database(session, NULL);

	if (!database)
		return -5;
	if (!kind) {
		if (user_type(session, name, type, id))
			return -5;
	} else {
		*type = type_make(kind, name->length, name->scale, 0);
		*id = kind_info(type->kind)->user_id;
		if ((type->kind == K_DECIMAL || type->kind == K_NUMERIC) &&
			(type->precision > 38 || type->scale > type->precision || !type->precision))
			return session_raise_text(session, 2750, 16, 1,
				"Column or parameter #1: Specified column precision %d is greater"
				" than the maximum precision of 38.",
				type->precision);
		if ((kind == K_TIME || kind == K_DATETIME2 || kind == K_DATETIMEOFFSET) && type->scale > 7)
			return session_raise_text(session, 1002, 16, 1, "Line 1: Specified scale %d is invalid.", type->scale);
		if (type_is_unicode(*type) && name->length > 4000 && name->length != (int)LENGTH_MAX)
			return session_raise_text(session, 2717, 16, 1,
				"The size (%d) given to the column exceeds the maximum allowed"
				" (4000).",
				name->length);
	}
	if (type_is_character(*type)) {
		type->collation = collation ? collation_find(collation, session->engine->version) : database->collation;
		if (!type->collation)
			return session_raise(session, 448, collation);
	}
	return 0;
}
