/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, constraints and indexes into the catalogue. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_parse.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int define_object(struct session *session, struct database *database, int schema, const char *name, const char *type,
	int parent, const char *definition)
{
	int64_t now = datetime_now();

	if (catalogue_object(session, database, schema, name)) {
		session_raise(session, 2714, name);
		return 0;
	}
	int id = catalogue_new_id(session, database);

	if (query_run(session,
			"INSERT INTO d%d.m_objects(object_id,name,schema_id,parent_id,type,created,modified,definition,"
			"ansi_nulls,quoted) VALUES(%d,%Q,%d,%d,%Q,%lld,%lld,%Q,%d,%d)",
			database->id, id, name, schema, parent, type, now, now, definition, session->ansi_nulls,
			session->quoted_identifier))
		return 0;
	return id;
}

/* PK__table__0123456789ABCDEF, as the server names what nobody named. */
static const char *system_name(
	struct session *session, const char *prefix, const struct table *table, const char *column, int salt)
{
	uint32_t hash = 2166136261u;

	for (const char *c = arena_format(session->arena, "%s%s%s%d%lld", prefix, table->name, column ? column : "", salt,
			 (long long)query_int(session, 0, "SELECT max(object_id) FROM d%d.m_objects", table->database->id));
		 *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	if (column)
		return arena_format(session->arena, "%s__%.9s__%.9s__%08X", prefix, table->name, column, hash);
	return arena_format(session->arena, "%s__%.9s__%08X%08X", prefix, table->name, hash, hash * 2654435761u);
}

static int column_type(
	struct session *session, struct table *table, struct column_def *d, struct sql_type *type, int *user_type)
{
	struct compiler c;

	if (!d->computed)
		return catalogue_type(session, &d->type, d->collation, type, user_type);
	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	struct source source = { .alias = table->name, .sql_alias = "s0" };
	size_t count = table->column_count;

	source.columns = arena_alloc(session->arena, (count + 1) * sizeof(*source.columns));
	for (size_t i = 0; i < count; i++)
		source.columns[source.count++] = (struct source_column){ .name = table->columns[i].name,
			.type = table->columns[i].type,
			.nullable = table->columns[i].nullable,
			.sql = "NULL" };
	struct expr e = compile_stored(&c, print_node(session->arena, d->computed), &source, false);

	*type = e.type;
	*user_type = kind_info(e.type.kind)->user_id;
	return 0;
}

static bool named_null_allowed(const struct column_def *d, struct sql_type type)
{
	if (d->identity || type.kind == K_TIMESTAMP || d->generated)
		return false;
	for (struct constraint_def *k = d->constraints; k; k = k->next)
		if (k->kind == D_PRIMARY)
			return false;
	return d->nullable != 0;
}

static bool in_primary_key(const struct constraint_def *constraints, const char *name)
{
	for (const struct constraint_def *d = constraints; d; d = d->next)
		for (const struct column_ref *r = d->kind == D_PRIMARY ? d->columns : NULL; r; r = r->next)
			if (name_equal(r->name, name))
				return true;
	return false;
}

static int define_column(struct session *session, struct table *table, struct column_def *d, int id, bool key)
{
	struct sql_type type;
	int user_type;

	if (table_column(table, d->name))
		return session_raise(session, 2705, d->name, table->name);
	if (column_type(session, table, d, &type, &user_type))
		return -5;
	bool nullable = named_null_allowed(d, type) && !key;

	if (key && d->nullable == 1)
		return session_raise(session, 8111, table->name);
	if (d->identity &&
		(d->nullable == 1 || (!type_is_integer(type) && type.kind != K_DECIMAL && type.kind != K_NUMERIC) ||
			type.kind == K_BIT))
		return session_raise(session, 2749, d->name);
	const char *computed = d->computed ? arena_format(session->arena, "(%s)", print_node(session->arena, d->computed))
									   : NULL;

	if (query_run(session,
			"INSERT INTO d%d.m_columns(object_id,column_id,name,kind,user_type,length,precision,scale,collation,"
			"nullable,identity,seed,increment,identity_nfr,computed,persisted,row_guid,sparse,hidden,generated,column_set,filestream,"
			"encrypted,mask,ansi_padded) VALUES(%d,%d,%Q,%d,%d,%d,%d,%d,%Q,%d,%d,%lld,%lld,%d,%Q,%d,%d,%d,%d,%d,%d,%d,%d,%Q,%d)",
			table->database->id, table->id, id, d->name, type.kind, user_type, type.length, type.precision, type.scale,
			type_is_character(type) ? collation_get(type.collation)->name : NULL, nullable, d->identity, d->seed,
			d->increment, d->identity_not_for_replication, computed, d->persisted, d->row_guid, d->sparse, d->hidden,
			d->generated, d->column_set, d->filestream, d->encrypted, d->mask, session->ansi_padding))
		return -5;
	struct column *grown = arena_alloc(session->arena, (table->column_count + 1) * sizeof(*grown));

	if (table->column_count)
		memcpy(grown, table->columns, table->column_count * sizeof(*grown));
	grown[table->column_count++] = (struct column){ .id = id,
		.name = d->name,
		.type = type,
		.nullable = nullable,
		.computed = d->computed,
		.identity = d->identity,
		.seed = d->seed,
		.increment = d->increment };
	table->columns = grown;
	return 0;
}

static int define_key(struct session *session, struct table *table, struct constraint_def *d, const char *for_column)
{
	bool primary = d->kind == D_PRIMARY;
	const char *name = d->name ? d->name : system_name(session, primary ? "PK" : "UQ", table, NULL, 1);
	struct column_ref single = { .name = for_column };

	if (primary && table_primary(table))
		return session_raise(session, 1779, table->name);
	int id = define_object(session, table->database, table->schema_id, name, primary ? "PK" : "UQ", table->id, NULL);

	if (!id)
		return -5;
	if (!d->columns)
		d->columns = memcpy(arena_alloc(session->arena, sizeof(single)), &single, sizeof(single));
	struct constraint_def index = *d;

	index.name = name;
	index.unique = true;
	if (query_run(session, "UPDATE d%d.m_objects SET system_named=%d WHERE object_id=%d", table->database->id, !d->name,
			id) ||
		define_index(session, table, &index))
		return -5;
	int64_t index_id = query_int(session, 0, "SELECT index_id FROM d%d.m_indexes WHERE object_id=%d AND name=%Q",
		table->database->id, table->id, name);

	return query_run(session, "UPDATE d%d.m_objects SET x1=%lld WHERE object_id=%d", table->database->id, index_id, id);
}

static int index_columns(struct session *session, struct table *table, int id, const struct constraint_def *d)
{
	int position = 1, ordinal = 1;

	for (int included = 0; included < 2; included++) {
		for (struct column_ref *r = included ? d->include : d->columns; r; r = r->next) {
			struct column *c = table_column(table, r->name);

			if (!c)
				return session_raise(session, 1911, r->name);
			if (d->kind == D_PRIMARY && c->nullable)
				return session_raise(session, 8111, table->name);
			if (query_run(session, "INSERT INTO d%d.m_index_columns VALUES(%d,%d,%d,%d,%d,%d,%d)", table->database->id,
					table->id, id, position++, c->id, included || d->columnstore ? 0 : ordinal++, r->descending,
					included || d->columnstore))
				return -5;
		}
	}
	return 0;
}

int define_index(struct session *session, struct table *table, struct constraint_def *d)
{
	int database = table->database->id;
	bool has_clustered = query_int(
		session, 0, "SELECT 1 FROM d%d.m_indexes WHERE object_id=%d AND index_id=1", database, table->id);
	bool clustered = d->clustered == 1 || (d->clustered < 0 && d->kind == D_PRIMARY && !has_clustered);
	const char *filter = d->expression ? arena_format(session->arena, "(%s)", print_node(session->arena, d->expression))
									   : NULL;

	if (query_int(
			session, 0, "SELECT 1 FROM d%d.m_indexes WHERE object_id=%d AND name=%Q", database, table->id, d->name))
		return session_raise(session, 1913, d->name, table->name);
	if (clustered && has_clustered)
		return session_raise(session, 1902, table->name,
			query_text(session,
				"SELECT name FROM d%d.m_indexes WHERE object_id=%d"
				" AND index_id=1",
				database, table->id));
	int id = clustered ? 1
					   : (int)query_int(session, 1,
							 "SELECT max(index_id) FROM d%d.m_indexes WHERE object_id=%d AND"
							 " index_id>0",
							 database, table->id) +
			1;

	if (id < 2 && !clustered)
		id = 2;
	if (clustered &&
		query_run(session, "DELETE FROM d%d.m_indexes WHERE object_id=%d AND index_id=0", database, table->id))
		return -5;
	if (query_run(session,
			"INSERT INTO d%d.m_indexes(object_id,index_id,name,type,is_unique,primary_key,unique_constraint,"
			"filter,fill_factor,padded,ignore_dup,compression) VALUES(%d,%d,%Q,%d,%d,%d,%d,%Q,%d,%d,%d,%d)",
			database, table->id, id, d->name,
			d->columnstore  ? (clustered ? 5 : 6)
				: clustered ? 1
							: 2,
			d->unique, d->kind == D_PRIMARY, d->kind == D_UNIQUE, filter, d->fill_factor, d->padded,
			d->ignore_duplicates, d->compression))
		return -5;
	return index_columns(session, table, id, d);
}

static int define_check(
	struct session *session, struct table *table, struct constraint_def *d, const char *column, bool trusted)
{
	const char *name = d->name ? d->name : system_name(session, "CK", table, column, 2);
	const char *text = arena_format(session->arena, "(%s)", print_node(session->arena, d->expression));
	struct column *c = column ? table_column(table, column) : NULL;
	int id = define_object(session, table->database, table->schema_id, name, "C", table->id, text);

	return !id ? -5
			   : query_run(session,
					 "UPDATE d%d.m_objects SET system_named=%d,nfr=%d,not_trusted=%d,x1=%d WHERE"
					 " object_id=%d",
					 table->database->id, !d->name, d->not_for_replication, !trusted || d->not_for_replication,
					 c ? c->id : 0, id);
}

static int define_default(struct session *session, struct table *table, struct constraint_def *d, const char *column)
{
	struct column *c = table_column(table, column ? column : d->columns ? d->columns->name : "");
	const char *name = d->name ? d->name : system_name(session, "DF", table, column ? column : "x", 3);

	if (!c)
		return session_raise(session, 1911, d->columns ? d->columns->name : column);
	if (query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE parent_id=%d AND type='D' AND x1=%d",
			table->database->id, table->id, c->id))
		return session_raise_text(session, 1781, 16, 1, "Column already has a DEFAULT bound to it.");
	const char *text = arena_format(session->arena, "(%s)", print_node(session->arena, d->expression));
	int id = define_object(session, table->database, table->schema_id, name, "D", table->id, text);

	return !id ? -5
			   : query_run(session, "UPDATE d%d.m_objects SET system_named=%d,x1=%d WHERE object_id=%d",
					 table->database->id, !d->name, c->id, id);
}

/* The unique index of the parent that has just these columns. */
static const struct index *referenced_key(const struct table *parent, const struct column_ref *columns)
{
	for (size_t i = 0; i < parent->index_count; i++) {
		const struct index *index = &parent->indexes[i];
		size_t matched = 0, wanted = 0;

		for (const struct column_ref *r = columns; r; r = r->next, wanted++) {
			const struct column *c = table_column(parent, r->name);

			for (size_t k = 0; c && k < index->key_count; k++)
				matched += index->keys[k] == c->id;
		}
		if (index->unique && !index->filter && matched == wanted && wanted == index->key_count)
			return index;
	}
	return NULL;
}

static struct column_ref *primary_columns(struct session *session, const struct table *parent)
{
	const struct index *primary = table_primary(parent);
	struct column_ref *first = NULL, **last = &first;

	for (size_t i = 0; primary && i < primary->key_count; i++) {
		*last = arena_alloc(session->arena, sizeof(**last));
		(*last)->name = table_column_by_id(parent, primary->keys[i])->name;
		last = &(*last)->next;
	}
	return first;
}

static int foreign_columns(struct session *session, struct table *table, struct table *parent, int id, const char *name,
	const struct constraint_def *d)
{
	const struct column_ref *r = d->reference_columns;
	int position = 1;

	for (const struct column_ref *k = d->columns; k; k = k->next, r = r->next) {
		struct column *child = table_column(table, k->name), *key = r ? table_column(parent, r->name) : NULL;

		if (!child)
			return session_raise(session, 1769, name, k->name, table->name);
		if (!key)
			return session_raise(session, 1770, name, r ? r->name : "?", parent->name);
		if (child->type.kind != key->type.kind ||
			(type_is_character(key->type) && child->type.collation != key->type.collation))
			return session_raise(session, 1778, arena_format(session->arena, "%s.%s", parent->name, key->name),
				arena_format(session->arena, "%s.%s", table->name, child->name), name);
		if (query_run(session, "INSERT INTO d%d.m_fk_columns VALUES(%d,%d,%d,%d)", table->database->id, id, position++,
				child->id, key->id))
			return -5;
	}
	return 0;
}

static int define_foreign(
	struct session *session, struct table *table, struct constraint_def *d, const char *column, bool trusted)
{
	const char *name = d->name ? d->name : system_name(session, "FK", table, column ? column : d->columns->name, 4);
	struct name reference = d->reference;

	reference.database = table->temporary ? "tempdb" : table->database->name;
	struct table *parent = name_equal(reference.object, table->name) &&
			catalogue_schema(session, table->database, reference.schema) == table->schema_id
		? catalogue_by_id(session, table->database, table->id)
		: catalogue_find(session, &reference);

	if (!parent || strcmp(parent->type, "U"))
		return session_raise(session, 1767, name, d->reference.object);
	if (!d->columns) {
		d->columns = arena_alloc(session->arena, sizeof(*d->columns));
		d->columns->name = column;
	}
	if (!d->reference_columns)
		d->reference_columns = primary_columns(session, parent);
	const struct index *key = referenced_key(parent, d->reference_columns);

	if (!key)
		return session_raise(session, 1776, parent->name, name);
	int id = define_object(session, table->database, table->schema_id, name, "F", table->id, NULL);

	if (!id ||
		query_run(session,
			"UPDATE d%d.m_objects SET system_named=%d,nfr=%d,not_trusted=%d,x1=%d,x2=%d,x3=%d,x4=%d WHERE"
			" object_id=%d",
			table->database->id, !d->name, d->not_for_replication, !trusted || d->not_for_replication, parent->id,
			key->id, d->on_delete, d->on_update, id) ||
		foreign_columns(session, table, parent, id, name, d))
		return -5;
	return parent->id == table->id ? 0 : transaction_lock_schema(session, parent);
}

static int define_constraint(
	struct session *session, struct table *table, struct constraint_def *d, const char *column, bool trusted)
{
	switch (d->kind) {
	case D_PRIMARY:
	case D_UNIQUE:
		return define_key(session, table, d, column);
	case D_INDEX:
		return define_index(session, table, d);
	case D_CHECK:
		return define_check(session, table, d, column, trusted);
	case D_DEFAULT:
		return define_default(session, table, d, column);
	case D_FOREIGN:
		return define_foreign(session, table, d, column, trusted);
	}
	return 0;
}

/* Keys first: a foreign key to the same table needs them. */
static bool late(const struct constraint_def *d)
{
	return d->kind == D_FOREIGN;
}

int define_constraints(struct session *session, struct table *table, struct constraint_def *constraints,
	const struct column_def *columns, bool trusted)
{
	for (int pass = 0; pass < 2; pass++) {
		for (const struct column_def *c = columns; c; c = c->next)
			for (struct constraint_def *d = c->constraints; d; d = d->next)
				if (late(d) == pass && define_constraint(session, table, d, c->name, trusted))
					return -5;
		for (struct constraint_def *d = constraints; d; d = d->next)
			if (late(d) == pass && define_constraint(session, table, d, NULL, trusted))
				return -5;
	}
	return 0;
}

int define_columns(struct session *session, struct table *table, struct column_def *columns, int first_id)
{
	int identities = 0;

	for (size_t i = 0; i < table->column_count; i++)
		identities += table->columns[i].identity;
	for (struct column_def *d = columns; d; d = d->next) {
		identities += d->identity;
		if (identities > 1)
			return session_raise(session, 2744, table->name);
		if (define_column(session, table, d, first_id++, false))
			return -5;
	}
	return 0;
}

static void key_columns_not_null(struct statement *s)
{
	for (struct column_def *d = s->column_defs; d; d = d->next)
		if (in_primary_key(s->constraints, d->name) && d->nullable < 0)
			d->nullable = 0;
}

static const char *flags_of(struct session *session, const struct statement *s)
{
	struct text flags = { .arena = session->arena };
	const char *options = s->extra ? s->extra : "";

	if (strcasestr(options, "SYSTEM_VERSIONING"))
		text_add(&flags, " temporal");
	if (strcasestr(options, "MEMORY_OPTIMIZED"))
		text_add(&flags, " memory_optimized");
	if (strcasestr(options, "LEDGER"))
		text_add(&flags, " ledger");
	if ((s->text && !strcasecmp(s->text, "FileTable")) || strcasestr(options, "AS FILETABLE"))
		text_add(&flags, " filetable");
	if (strcasestr(options, "AS NODE"))
		text_add(&flags, " node");
	if (strcasestr(options, "AS EDGE"))
		text_add(&flags, " edge");
	if (s->flag2)
		text_add(&flags, " period");
	if (strcasestr(options, "DATA_COMPRESSION"))
		text_add(&flags, strcasestr(options, "PAGE") ? " page" : strcasestr(options, "ROW") ? " row" : "");
	return text_done(&flags);
}

/* The tables that new foreign keys refer to watch their own deletes and updates from now on. */
static int watch_parents(struct session *session, const struct table *table)
{
	sqlite3_stmt *s = query(session, "SELECT DISTINCT x1 FROM d%d.m_objects WHERE parent_id=%d AND type='F' AND x1<>%d",
		table->database->id, table->id, table->id);
	int parents[64], count = 0;

	while (query_next(session, &s))
		if (count < 64)
			parents[count++] = sqlite3_column_int(s, 0);
	for (int i = 0; i < count; i++)
		if (catalogue_physical_triggers(session, table->database, parents[i]))
			return -5;
	return session->failed ? -5 : 0;
}

int run_create_table(struct session *session, struct statement *s)
{
	struct database *database = s->name.object[0] == '@' ? database_by_id(session->engine, DATABASE_TEMP)
														 : catalogue_database(session, &s->name);

	if (!database || database_attach(session, database) || transaction_write(session, database))
		return -5;
	int schema = catalogue_schema(session, database, s->name.schema);

	if (!schema)
		return session_raise(session, 2760, s->name.schema);
	int id = define_object(session, database, schema, s->name.object, "U", 0, NULL);

	if (!id)
		return -5;
	struct table table = { .database = database,
		.id = id,
		.schema_id = schema,
		.name = s->name.object,
		.type = "U",
		.schema = s->name.schema ? s->name.schema : "dbo",
		.temporary = database->id == DATABASE_TEMP };

	key_columns_not_null(s);
	const char *flags = flags_of(session, s);

	if (query_run(session, "UPDATE d%d.m_objects SET flags=%Q WHERE object_id=%d", database->id, flags, id) ||
		query_run(session,
			"INSERT INTO d%d.m_indexes(object_id,index_id,name,type,is_unique,primary_key,unique_constraint,"
			"compression) VALUES(%d,0,NULL,0,0,0,0,%d)",
			database->id, id,
			strstr(flags, "page")      ? 2
				: strstr(flags, "row") ? 1
									   : 0) ||
		define_columns(session, &table, s->column_defs, 1) ||
		define_constraints(session, &table, s->constraints, s->column_defs, true))
		return -5;
	struct table *made = catalogue_by_id(session, database, id);

	return !made || catalogue_rebuild(session, made, NULL) ? -5 : watch_parents(session, made);
}

int run_create_index(struct session *session, struct statement *s)
{
	struct table *table = catalogue_table(session, &s->name);

	if (!table || transaction_write(session, table->database) || transaction_lock_schema(session, table))
		return -5;
	ddl_note(session, table);
	if (define_index(session, table, s->constraints))
		return -5;
	if (strcmp(table->type, "U"))
		return 0;
	struct table *after = catalogue_by_id(session, table->database, table->id);

	if (!after || !catalogue_rebuild(session, after, table))
		return after ? 0 : -5;
	if (session->error.number == 50000 || session->error.number == 1205) { /* SQLite's word for a duplicate */
		session->failed = false;
		session_raise(session, 1505, table_label(session, table), s->constraints->name);
	}
	return -5;
}
