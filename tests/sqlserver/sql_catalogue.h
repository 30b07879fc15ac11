/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database knows of itself: meta tables (m_...) in its file, read anew for each statement, so that metadata is
 * as transactional as the rows. A table's rows are in "t<object id>", its columns there are "c<column id>".
 */
#ifndef TESTS_SQLSERVER_SQL_CATALOGUE_H
#define TESTS_SQLSERVER_SQL_CATALOGUE_H

#include "tests/sqlserver/sql_engine.h"

struct column {
	int id;
	const char *name;
	struct sql_type type;
	int user_type;
	bool nullable, identity, computed, persisted, row_guid, sparse, hidden, row_version;
	int64_t seed, increment;
	const char *computed_text, *default_text, *mask;
	int default_id, generated;
};

struct index {
	int id, type; /* 0 heap, 1 clustered, 2 nonclustered */
	const char *name;
	bool unique, primary, unique_constraint, disabled;
	const char *filter;
	int *keys; /* column ids */
	bool *descending;
	size_t key_count;
};

struct table {
	struct database *database;
	int id, schema_id;
	const char *name, *schema, *type; /* "U ", "V ", ... without the blank */
	const char *definition, *flags;
	struct column *columns;
	size_t column_count;
	struct index *indexes;
	size_t index_count;
	int trigger_count; /* enabled T-SQL triggers */
	bool temporary;
};

/* The meta tables of a new database on schema d<id>, dbo and the fixed principals in them. */
int catalogue_create(sqlite3 *db, int database, const char *owner);

/* Resolves a name in the session's context; NULL without an error if there is no such object. type "" for any. */
struct table *catalogue_find(struct session *session, const struct name *name);
/* Only table or view, raised as 208 when missing. */
struct table *catalogue_table(struct session *session, const struct name *name);
struct table *catalogue_by_id(struct session *session, struct database *database, int object_id);
struct column *table_column(const struct table *table, const char *name);
struct column *table_column_by_id(const struct table *table, int id);
struct index *table_primary(const struct table *table);
/* The database a name means, attached; raises 911 and its like. */
struct database *catalogue_database(struct session *session, const struct name *name);
/* schema_id, or 0; "" and NULL are dbo. */
int catalogue_schema(struct session *session, struct database *database, const char *schema);
/* Object id by schema and name; 0 if there is none. */
int catalogue_object(struct session *session, struct database *database, int schema_id, const char *name);
/* A number for a new object. */
int catalogue_new_id(struct session *session, struct database *database);
/* Makes (again) the SQLite table, indexes and triggers of a table from its metadata, keeping rows. */
int catalogue_rebuild(struct session *session, struct table *table, const struct table *before);
int catalogue_physical_triggers(struct session *session, struct database *database, int object_id);
/* The type that a name in a declaration means; collation as said or the database's. Raises. */
int catalogue_type(struct session *session, const struct type_name *name, const char *collation, struct sql_type *type,
	int *user_type);
/* "dbo.t", for messages. */
const char *table_label(struct session *session, const struct table *table);
const char *quote_name(struct session *session, const char *name);

/* Identity values: shared by all sessions, never rolled back. */
struct identity *identity_get(struct session *session, const struct table *table);
int64_t identity_next(struct session *session, int database, int object);
/* TRUNCATE: as never used. Called before the transaction's end; identity_end is its end, with the mutex held. */
void identity_emptied(struct session *session, struct identity *identity);
void identity_end(struct session *session, bool commit);
void identity_note(struct session *session, const struct table *table, int64_t value);
void identity_save(struct engine *engine);

#endif
