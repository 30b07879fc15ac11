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

/* An enabled DDL trigger for ALTER TABLE, as the catalogue shows it; it never fires. */
static int mark_trigger(struct database *d)
{
	sqlite3 *db;
	int code = sqlite3_open(d->path, &db);

	sqlite3_create_collation(db, "N", SQLITE_UTF8, NULL, compare_names);
	sqlite3_busy_timeout(db, 2000);
	if (!code)
		code = engine_run(db,
			"INSERT INTO m_objects(object_id,name,schema_id,parent_id,type,created,modified,x1) VALUES("
			"(SELECT max(object_id)+1 FROM m_objects),'ddl_trigger',0,0,'TR',0,0,8)");
	sqlite3_close(db);
	return code ? -EIO : 0;
}

/* mark=mgc:published, mark=mgc.dbo.tblChat:temporal */
static int set_mark(struct engine *engine, const char *value)
{
	char name[600];
	const char *colon = strrchr(value, ':');

	if (!colon || (size_t)(colon - value) >= sizeof(name))
		return -EINVAL;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - value), value);
	char *schema = strchr(name, '.'), *object = schema ? strchr(schema + 1, '.') : NULL;

	if (schema)
		*schema++ = '\0';
	struct database *d = database_find(engine, name);

	if (!d)
		return -ENOENT;
	if (!object && !strcmp(colon + 1, "ddl_trigger"))
		return mark_trigger(d);
	if (!object) {
		snprintf(d->marks + strlen(d->marks), sizeof(d->marks) - strlen(d->marks), " %s", colon + 1);
		database_save(engine, d);
		return 0;
	}
	*object++ = '\0';
	sqlite3 *db;
	int code = sqlite3_open(d->path, &db);

	sqlite3_create_collation(db, "N", SQLITE_UTF8, NULL, NULL);
	sqlite3_busy_timeout(db, 2000);
	if (!code)
		code = engine_run(
			db, "UPDATE m_objects SET flags=flags||' %q' WHERE type='U' AND name LIKE %Q", colon + 1, object);
	sqlite3_close(db);
	return code ? -EIO : 0;
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
