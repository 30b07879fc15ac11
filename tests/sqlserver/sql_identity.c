/* SPDX-License-Identifier: Apache-2.0 */
/* Identity values live in the engine, outside every transaction: a rollback does not give them back. */
#include "tests/sqlserver/sql_catalogue.h"

#include <stdlib.h>
#include <string.h>

static struct identity *find(struct engine *engine, int database, int object)
{
	for (struct identity *i = engine->identities; i; i = i->next)
		if (i->database == database && i->object == object)
			return i;
	return NULL;
}

static struct identity *load(struct engine *engine, int database, int object)
{
	sqlite3_stmt *s = NULL;
	struct identity *identity = calloc(1, sizeof(*identity));

	if (!identity)
		abort();
	identity->database = database;
	identity->object = object;
	if (!sqlite3_prepare_v2(engine->master, "SELECT last,used FROM m_identities WHERE database=? AND object=?", -1, &s,
			NULL)) {
		sqlite3_bind_int(s, 1, database);
		sqlite3_bind_int(s, 2, object);
		if (sqlite3_step(s) == SQLITE_ROW) {
			identity->last = sqlite3_column_int64(s, 0);
			identity->used = sqlite3_column_int(s, 1);
		}
	}
	sqlite3_finalize(s);
	identity->next = engine->identities;
	engine->identities = identity;
	return identity;
}

struct identity *identity_get(struct session *session, const struct table *table)
{
	struct engine *engine = session->engine;
	/* tempdb is the session's own: its tables must not meet another session's of the same number */
	int database = table->temporary ? -session->id : table->database->id;

	pthread_mutex_lock(&engine->mutex);
	struct identity *identity = find(engine, database, table->id);

	if (!identity)
		identity = load(engine, database, table->id);
	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[i].identity) {
			identity->seed = table->columns[i].seed;
			identity->increment = table->columns[i].increment;
		}
	}
	pthread_mutex_unlock(&engine->mutex);
	return identity;
}

int64_t identity_next(struct session *session, int database, int object)
{
	struct engine *engine = session->engine;

	pthread_mutex_lock(&engine->mutex);
	struct identity *identity = find(engine, database == DATABASE_TEMP ? -session->id : database, object);
	int64_t value = 0;

	if (identity) {
		value = identity->used ? identity->last + identity->increment : identity->last ? identity->last : identity->seed;
		identity->last = value;
		identity->used = true;
		identity->dirty = true;
	}
	pthread_mutex_unlock(&engine->mutex);
	session->last_identity = value;
	session->has_last_identity = true;
	session->frame->scope_identity = value;
	session->frame->has_identity = true;
	return value;
}

void identity_note(struct session *session, const struct table *table, int64_t value)
{
	struct identity *identity = identity_get(session, table);

	pthread_mutex_lock(&session->engine->mutex);
	if (!identity->used || (identity->increment >= 0 ? value > identity->last : value < identity->last)) {
		identity->last = value;
		identity->used = true;
		identity->dirty = true;
	}
	pthread_mutex_unlock(&session->engine->mutex);
}

/* Called with the mutex held. */
void identity_save(struct engine *engine)
{
	for (struct identity *i = engine->identities; i; i = i->next) {
		if (!i->dirty || i->database < 0)
			continue;
		engine_run(engine->master, "INSERT OR REPLACE INTO m_identities VALUES(%d,%d,%lld,%d)", i->database, i->object,
			(long long)i->last, i->used);
		i->dirty = false;
	}
}
