/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE and ALTER DATABASE, and the engine's own settings. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool says(const char *text, const char *what, bool *on)
{
	const char *at = strcasestr(text, what);

	if (!at)
		return false;
	at += strlen(what);
	at += strspn(at, " =\t\n");
	*on = !strncasecmp(at, "ON", 2);
	return true;
}

static void state_option(struct database *d, const char *text)
{
	static const struct {
		const char *word;
		int state;
	} states[] = { { "EMERGENCY", 5 }, { "OFFLINE", 6 }, { "ONLINE", 0 } };

	for (size_t i = 0; i < 3; i++)
		if (strcasestr(text, states[i].word))
			d->state = states[i].state;
	if (strcasestr(text, "SINGLE_USER"))
		d->user_access = 1;
	else if (strcasestr(text, "RESTRICTED_USER"))
		d->user_access = 2;
	else if (strcasestr(text, "MULTI_USER"))
		d->user_access = 0;
	if (strcasestr(text, "READ_ONLY"))
		d->read_only = true;
	else if (strcasestr(text, "READ_WRITE"))
		d->read_only = false;
	if (strcasestr(text, "RECOVERY"))
		d->recovery = strcasestr(text, "SIMPLE") ? 3 : strcasestr(text, "BULK_LOGGED") ? 2 : 1;
	if (strcasestr(text, "DELAYED_DURABILITY") && strcasestr(text, "FORCED"))
		snprintf(d->marks + strlen(d->marks), sizeof(d->marks) - strlen(d->marks), " durability_forced");
	const char *level = strcasestr(text, "COMPATIBILITY_LEVEL");

	if (level)
		d->compatibility = atoi(level + strcspn(level, "0123456789"));
}

static int create_database(struct session *session, struct statement *s)
{
	uint16_t collation = s->type.name.object ? collation_find(s->type.name.object, session->engine->version) : 0;

	if (s->type.name.object && !collation)
		return session_raise(session, 448, s->type.name.object);
	if (!session->sysadmin && !security_server(session, "CREATE ANY DATABASE") &&
		!security_server(session, "dbcreator"))
		return session_raise(session, 262, "CREATE DATABASE", "master");
	if (database_create(session, s->text, collation))
		return -5;
	if (session->sysadmin)
		return 0;
	struct database *d = database_find(session->engine, s->text); /* who makes a database owns it */

	if (database_attach(session, d) ||
		query_run(session, "UPDATE d%d.m_principals SET login=%Q WHERE principal_id=1", d->id, session->login))
		return -5;
	return 0;
}

int run_database(struct session *session, struct statement *s)
{
	bool on;

	if (session->trancount)
		return session_raise(session, 226, s->kind == S_CREATE_DATABASE ? "CREATE DATABASE" : "ALTER DATABASE");
	transaction_end_statement(session, true);
	if (s->kind == S_CREATE_DATABASE)
		return create_database(session, s);
	struct database *d = s->text ? database_find(session->engine, s->text) : session->database;

	if (!d || (!session->sysadmin && !security_member(session, d, "db_owner")))
		return session_raise(session, 5011, s->text ? s->text : "");
	pthread_mutex_lock(&session->engine->mutex);
	bool taken = s->other.object && database_find(session->engine, s->other.object);

	if (s->other.object && !taken)
		snprintf(d->name, sizeof(d->name), "%s", s->other.object);
	if (says(s->extra, "ALLOW_SNAPSHOT_ISOLATION", &on))
		d->snapshot_state = on;
	if (says(s->extra, "READ_COMMITTED_SNAPSHOT", &on))
		d->read_committed_snapshot = on;
	if (says(s->extra, "TRUSTWORTHY", &on))
		d->trustworthy = on;
	state_option(d, s->extra);
	if (s->type.name.object && collation_find(s->type.name.object, session->engine->version))
		d->collation = collation_find(s->type.name.object, session->engine->version);
	database_save(session->engine, d);
	pthread_mutex_unlock(&session->engine->mutex);
	return taken ? session_raise(session, 1801, s->other.object) : 0;
}

static int set_silence(struct engine *engine, const char *value)
{
	static const char *const kinds[] = { "delete", "commit", "rollback", "check", "insert", "select", "bulk" };
	const char *colon = strchr(value, ':');

	for (int i = 0; colon && i < SILENCE_COUNT; i++) {
		if (strlen(kinds[i]) != (size_t)(colon - value) || strncmp(kinds[i], value, strlen(kinds[i])))
			continue;
		engine->silence[i] = atof(colon + 1);
		return 0;
	}
	return -EINVAL;
}

/* fail=1205@statement-3, fail=823@select:2, fail=0 forgets all */
static int set_fault(struct engine *engine, const char *value)
{
	const char *at = strchr(value, '@');
	struct setting_fault *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	if (!at) {
		free(f);
		while (engine->faults) {
			f = engine->faults->next;
			free(engine->faults);
			engine->faults = f;
		}
		return atoi(value) ? -EINVAL : 0;
	}
	f->number = atoi(value);
	f->countdown = 1;
	if (!strncmp(at + 1, "statement-", 10)) {
		f->countdown = atoi(at + 11);
	} else {
		const char *colon = strchr(at, ':');

		snprintf(f->kind, sizeof(f->kind), "%.*s", colon ? (int)(colon - at - 1) : 31, at + 1);
		f->countdown = colon ? atoi(colon + 1) : 1;
	}
	f->next = engine->faults;
	engine->faults = f;
	return 0;
}

static int compare_names(void *arg, int a_size, const void *a, int b_size, const void *b)
{
	int order = memcmp(a, b, (size_t)(a_size < b_size ? a_size : b_size));

	(void)arg;
	return order ? order : a_size - b_size;
}

/* Another connection to the file: it sees and changes what is committed. NULL: it cannot be opened. */
static sqlite3 *open_file(const struct database *d)
{
	sqlite3 *db;

	if (sqlite3_open(d->path, &db)) {
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_create_collation(db, "N", SQLITE_UTF8, NULL, compare_names);
	sqlite3_busy_timeout(db, 2000);
	return db;
}

/* An enabled DDL trigger for ALTER TABLE, as the catalogue shows it; it never fires. */
static int mark_trigger(struct database *d)
{
	sqlite3 *db = open_file(d);
	int code = !db ? -EIO
				   : engine_run(db,
						 "INSERT INTO m_objects(object_id,name,schema_id,parent_id,type,created,modified,x1) VALUES("
						 "(SELECT max(object_id)+1 FROM m_objects),'ddl_trigger',0,0,'TR',0,0,8)");

	sqlite3_close(db);
	return code ? -EIO : 0;
}

static int mark_database(struct engine *engine, struct database *d, const char *mark)
{
	if (!strcmp(mark, "ddl_trigger"))
		return mark_trigger(d);
	if (!strcmp(mark, "suspect"))
		d->state = 4;
	else
		snprintf(d->marks + strlen(d->marks), sizeof(d->marks) - strlen(d->marks), " %s", mark);
	database_save(engine, d);
	return 0;
}

/* Before what is there: " damaged=N" is the last one. */
static int mark_table(const struct database *d, const char *table, const char *mark)
{
	sqlite3 *db = open_file(d);
	int code = db
		? engine_run(db, "UPDATE m_objects SET flags=' %q'||flags WHERE type='U' AND name LIKE %Q", mark, table)
		: -EIO;

	sqlite3_close(db);
	return code ? -EIO : 0;
}

/* Parts of "database.schema.object:value", in `name`. object NULL: of a database. */
struct marked {
	char name[600];
	const char *object, *value;
	struct database *database;
};

static int find_marked(struct engine *engine, const char *value, struct marked *marked)
{
	const char *colon = strrchr(value, ':');

	*marked = (struct marked){ .value = colon ? colon + 1 : NULL };
	if (!colon || (size_t)(colon - value) >= sizeof(marked->name))
		return -EINVAL;
	snprintf(marked->name, sizeof(marked->name), "%.*s", (int)(colon - value), value);
	char *schema = strchr(marked->name, '.'), *object = schema ? strchr(schema + 1, '.') : NULL;

	if (schema)
		*schema = '\0';
	marked->object = object ? object + 1 : NULL;
	marked->database = database_find(engine, marked->name);
	return marked->database ? 0 : -ENOENT;
}

/* mark=mgc:published, mark=mgc.dbo.tblChat:temporal */
static int set_mark(struct engine *engine, const char *value)
{
	struct marked marked;
	int error = find_marked(engine, value, &marked);

	if (error)
		return error;
	return marked.object ? mark_table(marked.database, marked.object, marked.value)
						 : mark_database(engine, marked.database, marked.value);
}

static int object_id(sqlite3 *db, const char *table)
{
	sqlite3_stmt *s = NULL;
	int id = 0;

	if (!sqlite3_prepare_v2(db, "SELECT object_id FROM m_objects WHERE type='U' AND name LIKE ?", -1, &s, NULL)) {
		sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
		if (sqlite3_step(s) == SQLITE_ROW)
			id = sqlite3_column_int(s, 0);
	}
	sqlite3_finalize(s);
	return id;
}

/* damage=mgc.dbo.tblChat:3: the page of its third row cannot be read. */
static int set_damage(struct engine *engine, const char *value)
{
	struct marked marked;
	int error = find_marked(engine, value, &marked);
	sqlite3 *db = error || !marked.object ? NULL : open_file(marked.database);
	int id = db ? object_id(db, marked.object) : 0, row = db ? atoi(marked.value) : 0;

	if (id && row > 0)
		error = engine_run(db,
			"UPDATE m_objects SET flags=flags||' damaged='||(SELECT rowid FROM t%d ORDER BY rowid LIMIT 1 OFFSET %d)"
			" WHERE object_id=%d AND instr(flags,' damaged=')=0",
			id, row - 1, id);
	else
		error = -ENOENT;
	sqlite3_close(db);
	return error;
}

int engine_set(struct engine *engine, const char *setting)
{
	const char *equals = strchr(setting, '=');
	size_t size = equals ? (size_t)(equals - setting) : 0;
	int error = 0;

	if (!equals)
		return -EINVAL;
	const char *value = equals + 1;

	pthread_mutex_lock(&engine->mutex);
	if (size == 9 && !strncmp(setting, "log_limit", size))
		engine->log_limit = atoll(value);
	else if (size == 10 && !strncmp(setting, "file_limit", size))
		engine->file_limit = atoll(value);
	else if (size == 11 && !strncmp(setting, "volume_free", size))
		engine->volume_free = atoll(value);
	else if (size == 7 && !strncmp(setting, "silence", size))
		error = set_silence(engine, value);
	else if (size == 14 && !strncmp(setting, "rollback_delay", size))
		engine->rollback_delay = atof(value);
	else if (size == 8 && !strncmp(setting, "language", size))
		snprintf(engine->language, sizeof(engine->language), "%s", value);
	else if (size == 4 && !strncmp(setting, "fail", size))
		error = set_fault(engine, value);
	else if (size == 7 && !strncmp(setting, "corrupt", size))
		engine->corrupt_row = atoll(value);
	else if (size == 4 && !strncmp(setting, "hide", size))
		snprintf(engine->hidden, sizeof(engine->hidden), "%s", value);
	else if (size == 4 && !strncmp(setting, "mark", size))
		error = set_mark(engine, value);
	else if (size == 6 && !strncmp(setting, "damage", size))
		error = set_damage(engine, value);
	else
		error = -EINVAL;
	pthread_mutex_unlock(&engine->mutex);
	return error;
}

uint64_t engine_faults_struck(struct engine *engine)
{
	pthread_mutex_lock(&engine->mutex);
	uint64_t struck = engine->faults_struck;

	pthread_mutex_unlock(&engine->mutex);
	return struck;
}
