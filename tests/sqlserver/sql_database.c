/* SPDX-License-Identifier: Apache-2.0 */
/* The engine itself, and its databases. */
#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int engine_run(sqlite3 *db, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *sql = sqlite3_vmprintf(format, arguments);

	va_end(arguments);
	int code = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return code;
}

struct database *database_find(struct engine *engine, const char *name)
{
	for (struct database *d = engine->databases; d; d = d->next)
		if (!d->dropped && name_equal(d->name, name))
			return d;
	return NULL;
}

struct database *database_by_id(struct engine *engine, int id)
{
	for (struct database *d = engine->databases; d; d = d->next)
		if (!d->dropped && d->id == id)
			return d;
	return NULL;
}

void database_save(struct engine *engine, struct database *d)
{
	engine_run(engine->master, "INSERT OR REPLACE INTO m_databases VALUES(%d,%Q,%Q,%d,%d,%d,%d,%d,%d,%d,%lld,%Q)",
		d->id, d->name, collation_get(d->collation)->name, d->snapshot_state, d->read_committed_snapshot, d->read_only,
		d->recovery, d->user_access, d->state, d->compatibility, (long long)d->created, d->marks);
}

static struct database *add_database(struct engine *engine, int id, const char *name)
{
	struct database *d = calloc(1, sizeof(*d)), **last = &engine->databases;

	if (!d)
		abort();
	d->id = id;
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->path, sizeof(d->path), "%s/%d.db", engine->directory, id);
	d->collation = collation_find("SQL_Latin1_General_CP1_CI_AS", engine->version);
	d->recovery = id <= 2 ? 3 : 1;
	d->snapshot_state = id == DATABASE_MASTER || id == 4;
	d->compatibility = engine->version * 10;
	d->created = datetime_now();
	while (*last)
		last = &(*last)->next;
	*last = d;
	return d;
}

static int name_collation(void *unused, int size_a, const void *a, int size_b, const void *b)
{
	(void)unused;
	return collation_compare(collation_get(COLLATION_DEFAULT), false, a, (size_t)size_a, b, (size_t)size_b);
}

/* Creates the file of a database, with the meta tables in it. */
static int make_file(struct database *d)
{
	sqlite3 *db;
	int code = sqlite3_open(":memory:", &db);

	if (!code)
		code = sqlite3_create_collation(db, "N", SQLITE_UTF8, NULL, name_collation);
	if (!code)
		code = engine_run(db,
			"ATTACH %Q AS d%d; PRAGMA d%d.page_size=8192; PRAGMA d%d.journal_mode=WAL; PRAGMA"
			" d%d.synchronous=OFF; BEGIN",
			d->path, d->id, d->id, d->id, d->id);
	if (!code)
		code = catalogue_create(db, d->id, "sa");
	if (!code)
		code = engine_run(db, "COMMIT");
	sqlite3_close(db);
	return code ? -EIO : 0;
}

static int load_databases(struct engine *engine)
{
	static const char *const system_names[] = { "master", "tempdb", "model", "msdb" };
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(engine->master, "SELECT * FROM m_databases ORDER BY id", -1, &s, NULL))
		return -EIO;
	while (sqlite3_step(s) == SQLITE_ROW) {
		struct database *d = add_database(engine, sqlite3_column_int(s, 0), (const char *)sqlite3_column_text(s, 1));

		d->collation = collation_find((const char *)sqlite3_column_text(s, 2), 16);
		d->snapshot_state = sqlite3_column_int(s, 3);
		d->read_committed_snapshot = sqlite3_column_int(s, 4);
		d->read_only = sqlite3_column_int(s, 5);
		d->recovery = sqlite3_column_int(s, 6);
		d->user_access = sqlite3_column_int(s, 7);
		d->state = sqlite3_column_int(s, 8);
		d->compatibility = sqlite3_column_int(s, 9);
		d->created = sqlite3_column_int64(s, 10);
		snprintf(d->marks, sizeof(d->marks), "%s", (const char *)sqlite3_column_text(s, 11));
	}
	sqlite3_finalize(s);
	for (int id = 1; id <= 4 && !database_by_id(engine, id); id++) {
		struct database *d = add_database(engine, id, system_names[id - 1]);

		if (id != DATABASE_TEMP && make_file(d))
			return -EIO;
		database_save(engine, d);
	}
	return 0;
}

static int open_registry(struct engine *engine)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/engine.db", engine->directory);
	if (sqlite3_open(path, &engine->master))
		return -EIO;
	sqlite3_busy_timeout(engine->master, 5000);
	return engine_run(engine->master,
			   "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
			   "CREATE TABLE IF NOT EXISTS m_databases(id INTEGER PRIMARY KEY,name TEXT,collation TEXT,snapshot INT,rcsi INT,"
			   "read_only INT,recovery INT,user_access INT,state INT,compatibility INT,created INT,marks TEXT);"
			   "CREATE TABLE IF NOT EXISTS m_logins(name TEXT COLLATE NOCASE PRIMARY KEY,password TEXT,administrator INT,"
			   "view_server_state INT DEFAULT 0,windows INT DEFAULT 0,created INT,roles TEXT DEFAULT '');"
			   "CREATE TABLE IF NOT EXISTS m_identities(database INT,object INT,last INT,used INT,PRIMARY KEY(database,object));")
		? -EIO
		: 0;
}

int engine_open(struct engine **out, const char *directory, int version)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	pthread_mutex_init(&engine->mutex, NULL);
	pthread_cond_init(&engine->changed, NULL);
	snprintf(engine->directory, sizeof(engine->directory), "%s", directory);
	engine->version = version;
	engine->next_session = 51;
	engine->started = datetime_now();
	int error = version < 11 || version > 16 ? -EINVAL : mkdir(directory, 0777) && errno != EEXIST ? -errno : 0;

	if (!error)
		error = open_registry(engine);
	if (!error)
		error = load_databases(engine);
	if (error) {
		engine_close(engine);
		return error;
	}
	*out = engine;
	return 0;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	identity_save(engine);
	sqlite3_close(engine->master);
	while (engine->databases) {
		struct database *next = engine->databases->next;

		free(engine->databases);
		engine->databases = next;
	}
	while (engine->identities) {
		struct identity *next = engine->identities->next;

		free(engine->identities);
		engine->identities = next;
	}
	while (engine->ddl_marks) {
		struct ddl_mark *next = engine->ddl_marks->next;

		free(engine->ddl_marks);
		engine->ddl_marks = next;
	}
	while (engine->faults) {
		struct setting_fault *next = engine->faults->next;

		free(engine->faults);
		engine->faults = next;
	}
	pthread_mutex_destroy(&engine->mutex);
	pthread_cond_destroy(&engine->changed);
	free(engine);
}

int database_create(struct session *session, const char *name, uint16_t collation)
{
	struct engine *engine = session->engine;
	int id = 5;

	pthread_mutex_lock(&engine->mutex);
	if (database_find(engine, name)) {
		pthread_mutex_unlock(&engine->mutex);
		return session_raise(session, 1801, name);
	}
	for (struct database *d = engine->databases; d; d = d->next) /* dropped ones too: a number is used once */
		if (d->id >= id)
			id = d->id + 1;
	struct database *d = add_database(engine, id, name);

	if (collation)
		d->collation = collation;
	unlink(d->path);
	int error = make_file(d);

	if (!error)
		database_save(engine, d);
	else
		d->dropped = true;
	pthread_mutex_unlock(&engine->mutex);
	return error ? session_raise_text(session, 50000, 16, 1, "The stand-in cannot write %s.", d->path) : 0;
}

/* Forgets a database on this connection. */
static void detach(struct session *session, int id)
{
	if (!session->attached[id])
		return;
	if (!engine_run(session->db, "DETACH d%d", id))
		session->attached[id] = 0;
}

int database_drop(struct session *session, struct database *database)
{
	struct engine *engine = session->engine;
	char path[1100];

	pthread_mutex_lock(&engine->mutex);
	for (struct session *s = engine->sessions; s; s = s->next) {
		if (s->database != database)
			continue;
		pthread_mutex_unlock(&engine->mutex);
		return session_raise(session, 3702, database->name);
	}
	database->dropped = true;
	engine_run(engine->master, "DELETE FROM m_databases WHERE id=%d; DELETE FROM m_identities WHERE database=%d",
		database->id, database->id);
	pthread_mutex_unlock(&engine->mutex);
	detach(session, database->id);
	unlink(database->path);
	snprintf(path, sizeof(path), "%s-wal", database->path);
	unlink(path);
	snprintf(path, sizeof(path), "%s-shm", database->path);
	unlink(path);
	return 0;
}

/* SQLite attaches ten: let go of others when there are too many. */
static void make_room(struct session *session)
{
	int count = 0;

	for (int id = 1; id < (int)sizeof(session->attached); id++)
		count += session->attached[id];
	for (int id = 3; id < (int)sizeof(session->attached) && count >= 9; id++) {
		if (!session->attached[id] || id == session->database->id || session->sqlite_open)
			continue;
		detach(session, id);
		count -= !session->attached[id];
	}
}

static int attach_temp(struct session *session)
{
	if (engine_run(session->db, "ATTACH ':memory:' AS d2") || catalogue_create(session->db, DATABASE_TEMP, "sa"))
		return session_raise_text(
			session, 50000, 16, 1, "The stand-in cannot make tempdb: %s", sqlite3_errmsg(session->db));
	session->attached[DATABASE_TEMP] = 1;
	return 0;
}

int database_attach(struct session *session, struct database *database)
{
	if (session->attached[database->id])
		return 0;
	if (database->state == 6)
		return session_raise(session, 942, database->name);
	if (database->state == 4)
		return session_raise(session, 926, database->name);
	if (database->id >= (int)sizeof(session->attached))
		return session_raise_text(session, 50000, 16, 1, "The stand-in has room for 1000 databases.");
	if (database->id == DATABASE_TEMP)
		return attach_temp(session);
	make_room(session);
	if (engine_run(session->db, "ATTACH %Q AS d%d; PRAGMA d%d.synchronous=OFF; PRAGMA d%d.cache_size=-8000",
			database->path, database->id, database->id, database->id))
		return session_raise_text(
			session, 50000, 16, 1, "The stand-in cannot attach %s: %s", database->name, sqlite3_errmsg(session->db));
	session->attached[database->id] = 1;
	return 0;
}
