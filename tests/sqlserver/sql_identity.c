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
	if (!sqlite3_prepare_v2(
			engine->master, "SELECT last,used FROM m_identities WHERE database=? AND object=?", -1, &s, NULL)) {
		sqlite3_bind_int(s, 1, database);
		sqlite3_bind_int(s, 2, object);
		if (sqlite3_step(s) == SQLITE_ROW) {
			identity->last = sqlite3_column_int64(s, 0);
			identity->used = sqlite3_column_int(s, 1) == 1;
			identity->reseeded = sqlite3_column_int(s, 1) == 2;
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
		value = identity->used   ? identity->last + identity->increment
			: identity->reseeded ? identity->last
								 : identity->seed;
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

void identity_emptied(struct session *session, struct identity *identity)
{
	struct identity_before *before = calloc(1, sizeof(*before));

	if (!before)
		abort();
	pthread_mutex_lock(&session->engine->mutex);
	*before =
		(struct identity_before){ identity, identity->last, identity->used, identity->reseeded, session->emptied };
	session->emptied = before;
	identity->used = identity->reseeded = false;
	identity->dirty = true;
	pthread_mutex_unlock(&session->engine->mutex);
}

void identity_end(struct session *session, bool commit)
{
	while (session->emptied) {
		struct identity_before *before = session->emptied;

		if (!commit) {
			before->identity->last = before->last;
			before->identity->used = before->used;
			before->identity->reseeded = before->reseeded;
			before->identity->dirty = true;
		}
		session->emptied = before->next;
		free(before);
	}
}

/* Called with the mutex held. */
void identity_save(struct engine *engine)
{
	for (struct identity *i = engine->identities; i; i = i->next) {
		if (!i->dirty || i->database < 0)
			continue;
		engine_run(engine->master, "INSERT OR REPLACE INTO m_identities VALUES(%d,%d,%lld,%d)", i->database, i->object,
			(long long)i->last,
			i->used           ? 1
				: i->reseeded ? 2
							  : 0);
		i->dirty = false;
	}
}
