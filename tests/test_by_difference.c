/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stories of backup, restore and undo against the stand-in server, through coffret-worker, for tables of different
 * keys: what was lost comes back, what differs is all that is written, and the statements that were sent prove it. In
 * place of server.c, which reads files, stands a login to the stand-in.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/job/server.h"
#include "agent/snapshot/stored.h"
#include "agent/sql/worker_private.h"
#include "storage/memory.h"
#include "tests/support/sample.h"
#include "tests/support/standin.h"
#include "tests/support/table_rows.h"

#define ROWS 600
#define SCRIPT_MAX (2u << 20)

static struct world {
	struct standin standin;
	struct volume *volume;
	struct repository *repository;
	struct rowgroup_params params;
	struct config config;
	struct job_context context;
	struct job_report report;
	const char *database;
	/* Once, before this phase of a restore is journalled. */
	enum job_phase at;
	void (*then)(struct world *world);
} world;

/* ---- in place of server.c ---- */

int server_connect(struct worker **worker, const struct server_config *server, const char *database, bool restore,
	const struct worker_watcher *watcher, struct sql_error *error)
{
	char password[] = "Secret-1";
	struct worker_login login = { .host = "localhost",
		.port = world.standin.port,
		.authorities = world.standin.authorities,
		.login = "sa",
		.password = password,
		.database = database,
		.restore = restore,
		.connect_seconds = 20,
		.login_seconds = 60,
		.stall_seconds = 120,
		.catalogue_seconds = 300,
		.lock_timeout_ms = 20000 };
	const struct worker_place place = { .program = world.standin.worker };

	(void)server;
	return worker_start_at(worker, &login, watcher, &place, error);
}

size_t server_databases(
	const struct server_config *server, const char *asked, bool restore, const char *databases[CONFIG_DATABASES_MAX])
{
	(void)server;
	(void)asked;
	(void)restore;
	databases[0] = world.database;
	return 1;
}

void server_subject(const struct server_config *server, const char *database, char *subject, size_t size)
{
	(void)server;
	snprintf(subject, size, "s/%s", database);
}

/* ---- the engine's part ---- */

static void progress(void *engine, const struct job_progress *told)
{
	(void)engine;
	(void)told;
}

static bool stop(void *engine)
{
	(void)engine;
	return false;
}

static int journal(void *engine, enum job_phase phase, const struct job_outcome *outcome)
{
	struct world *w = engine;
	void (*then)(struct world *) = w->then;

	(void)outcome;
	if (phase == w->at && then) {
		w->then = NULL;
		then(w);
	}
	return 0;
}

static int no_return(void *engine)
{
	(void)engine;
	return 0;
}

static void open_world(const char *version, const char *database, const char *script)
{
	static const struct memory_geometry geometry = { .size = 256u << 20, .segment_size = 4u << 20, .write_unit = 1 };

	memset(&world, 0, sizeof world);
	world.database = database;
	standin_start(&world.standin, (const char *const[]){ "--login", "sa=Secret-1", "--version", version, NULL });
	standin_script(&world.standin, script);
	assert_int_equal(memory_volume_open(&world.volume, &geometry), 0);
	assert_int_equal(sample_open(&world.repository, world.volume), 0);
	/* So small that a few hundred rows are many chunks. */
	world.params = table_rows_small;
	world.params.rare_rows = 16;
	world.params.max_rows = 64;
	world.params.inline_limit = 2000;
	world.params.piece_size = 4000;
	world.config.server_count = 1;
	snprintf(world.config.servers[0].name, sizeof world.config.servers[0].name, "s");
	world.config.retention =
		(struct retention_policy){ .keep_within = 10000, .keep_safety = 10000, .safety_quota = 10000 };
	world.context = (struct job_context){ .config = &world.config,
		.repository = world.repository,
		.rowgroup = &world.params,
		.engine = &world,
		.progress = progress,
		.stop = stop,
		.journal = journal,
		.no_return = no_return };
}

static void close_world(void)
{
	repository_close(world.repository);
	memory_volume_close(world.volume);
	standin_stop(&world.standin);
}

/* ---- jobs ---- */

static const struct job_outcome *run(enum job_kind kind, uint64_t snapshot, bool what_if)
{
	struct job_request request = { .kind = kind, .server = "s", .snapshot = snapshot, .what_if = what_if };

	memset(&world.report, 0, sizeof world.report);
	assert_true(standin_tell(&world.standin, "forget"));
	(kind == JOB_BACKUP        ? backup_run
			: kind == JOB_UNDO ? undo_run
							   : restore_run)(&world.context, &request, &world.report);
	return &world.report.outcomes[0];
}

static const struct job_outcome *expect_done(enum job_kind kind, uint64_t snapshot)
{
	const struct job_outcome *outcome = run(kind, snapshot, false);

	if (outcome->state != JOB_DONE)
		fail_msg("job %d: %s: %s (message %d: %s, while %s)", (int)kind, outcome->sentence, outcome->error.object,
			(int)outcome->error.number, outcome->error.detail, outcome->error.doing);
	return outcome;
}

static uint64_t back_up(void)
{
	return expect_done(JOB_BACKUP, 0)->snapshot;
}

/* Whether the rows of all tables are the same in two snapshots. */
static bool same(uint64_t a, uint64_t b)
{
	struct stored_snapshot one, other;
	bool equal;

	assert_int_equal(stored_open(&one, world.repository, a), 0);
	assert_int_equal(stored_open(&other, world.repository, b), 0);
	equal = one.table_count == other.table_count;
	for (size_t i = 0; equal && i < one.table_count; i++)
		equal = table_digest_equal(&one.tables[i].digest, &other.tables[i].digest);
	stored_close(&one);
	stored_close(&other);
	return equal;
}

/* How many statements that begin like this the server was sent since the job began. */
static size_t said(const char *beginning)
{
	char *journal = standin_statements(&world.standin), *rest = journal;
	size_t count = 0;

	for (const char *line; (line = strsep(&rest, "\n"));) {
		const char *text = strchr(line, ' ');
		text = text ? strchr(text + 1, ' ') : NULL;
		count += text && !strncmp(text + 1, beginning, strlen(beginning));
	}
	free(journal);
	return count;
}

static size_t writes(void)
{
	static const char *const words[] = { "DECLARE @deleted ", "DELETE ", "TRUNCATE ", "INSERT ", "UPDATE ", "ALTER ",
		"DBCC ", "IF XACT_STATE() = 1" };
	size_t count = 0;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		count += said(words[i]);
	return count;
}

/* What a table's change must be: whole, because of something; or by range, and so many rows. */
struct expected {
	const char *why;
	uint64_t deleted, inserted;
};

static void expect_change(const struct job_change *change, const struct expected *expected)
{
	const char *why = expected->why;

	if (!why != !change->why[0] || (why && !strstr(change->why, why)))
		fail_msg("%s: %s", change->table, change->why[0] ? change->why : "by range");
	if (!why && (change->deleted != expected->deleted || change->inserted != expected->inserted))
		fail_msg("%s: %d deleted, %d inserted, not %d and %d", change->table, (int)change->deleted,
			(int)change->inserted, (int)expected->deleted, (int)expected->inserted);
}

/*
 * The whole round: a good database is left alone; a damaged one is told and restored; the restore is undone. expected: of
 * each table that differs, in the order of names.
 */
static void damage_and_restore(const char *damage, size_t tables, const struct expected *expected)
{
	uint64_t good = back_up(), damaged;
	struct job_change changes[JOB_CHANGES_MAX];

	expect_done(JOB_RESTORE, 0);
	assert_int_equal(writes(), 0);
	standin_script(&world.standin, damage);
	damaged = back_up();

	run(JOB_RESTORE, good, true);
	assert_int_equal(writes(), 0);
	assert_int_equal(world.report.change_count, tables);
	memcpy(changes, world.report.changes, sizeof changes);

	expect_done(JOB_RESTORE, good);
	assert_int_equal(world.report.change_count, tables);
	assert_memory_equal(world.report.changes, changes, tables * sizeof changes[0]);
	for (size_t i = 0; i < tables; i++)
		expect_change(&changes[i], &expected[i]);
	assert_true(same(good, back_up()));
	expect_done(JOB_UNDO, 0);
	assert_true(same(damaged, back_up()));
}

/* ---- keys of every kind ---- */

#define DATABASE "CREATE DATABASE keys;\nGO\nALTER DATABASE keys SET ALLOW_SNAPSHOT_ISOLATION ON;\nGO\nUSE keys;\nGO\n"

struct key_case {
	const char *name, *columns, *constraint;
	void (*value)(char *text, size_t size, int i); /* the key's values of row i, in an order that is not the key's */
	const char *why;                               /* whole */
};

static void composite(char *text, size_t size, int i)
{
	snprintf(text, size, "%d, %d", i * 7 % ROWS / 30, i * 7 % 30);
}

static void descending(char *text, size_t size, int i)
{
	snprintf(text, size, "%d", 1000 - i * 7 % ROWS * 5);
}

static void guid(char *text, size_t size, int i)
{
	uint32_t mixed = (uint32_t)i * 2654435761u;

	snprintf(text, size, "'%08X-%04X-4000-8000-%08X%04X'", mixed, i, mixed ^ 0x5bd1e995u, i & 255);
}

static void nullable(char *text, size_t size, int i)
{
	if (i == 300)
		snprintf(text, size, "NULL");
	else
		snprintf(text, size, "%d", i * 11 % 7001 - 3000);
}

static void two_nullable(char *text, size_t size, int i)
{
	char a[16], b[16];

	snprintf(a, sizeof a, i % 20 ? "%d" : "NULL", i % 20);
	snprintf(b, sizeof b, i / 20 % 10 ? "%d" : "NULL", i / 20);
	snprintf(text, size, "%s, %s, %d", a, b, i % 3);
}

static void unicode(char *text, size_t size, int i)
{
	static const char *const words[] = { "\xc3\xa9t\xc3\xa9", "Ete", "zoo", "\xf0\x9f\x99\x82",
		"\xc3\x85ngstr\xc3\xb6m", "co-op", "coop", "\xe4\xb8\xad\xe6\x96\x87", "o''clock",
		"Stra\xc3\x9f"
		"e" };

	snprintf(text, size, "N'%s %d'", words[i % 10], i / 10);
}

static void binary(char *text, size_t size, int i)
{
	snprintf(text, size, "0x%02X%04X", i % 256, i * 3 + 1);
}

static void decimals(char *text, size_t size, int i)
{
	snprintf(text, size, "%d.%05d", i * 7 % ROWS - 300, i % 100000);
}

static void moments(char *text, size_t size, int i)
{
	snprintf(text, size, "'20%02d-%02d-%02dT%02d:%02d:59.%07d'", i % 90, i % 12 + 1, i % 28 + 1, i % 24, i % 60,
		i * 13331 % 10000000);
}

static void characters(char *text, size_t size, int i)
{
	snprintf(text, size, "'%c%d'", 'a' + i * 5 % 26, i);
}

static void moneys(char *text, size_t size, int i)
{
	snprintf(text, size, "%d.%04d, '%d-01-0%dT10:00:00.%d3'", i % 12 - 6, i % 12 * 777, 1900 + i % 100, i % 9 + 1,
		i % 90 + 10);
}

static void floats(char *text, size_t size, int i)
{
	snprintf(text, size, "%d.%de%d, '%02d:%02d:%02d.%d'", i % 10 - 5, i % 10, i % 10 * 3 - 10, i % 24, i % 60, i % 59,
		i % 1000);
}

static const struct key_case keys[] = { { "composite", "room int NOT NULL, no bigint NOT NULL",
											"PRIMARY KEY (room ASC, no DESC)", composite, NULL },
	{ "leading descending", "room int NOT NULL, no bigint NOT NULL", "PRIMARY KEY (room DESC, no ASC)", composite,
		NULL },
	{ "descending", "id int NOT NULL", "PRIMARY KEY (id DESC)", descending, NULL },
	{ "guid", "id uniqueidentifier NOT NULL", "PRIMARY KEY (id)", guid, NULL },
	{ "guid in a heap", "id uniqueidentifier NOT NULL", "PRIMARY KEY NONCLUSTERED (id DESC)", guid, NULL },
	{ "nullable", "id int NULL", "UNIQUE (id)", nullable, NULL },
	{ "nullable, descending", "id int NULL", "UNIQUE CLUSTERED (id DESC)", nullable, NULL },
	{ "nullables", "a int NULL, b int NULL, c int NOT NULL", "UNIQUE CLUSTERED (a DESC, b ASC, c)", two_nullable,
		NULL },
	{ "Unicode", "name nvarchar(40) COLLATE Latin1_General_CI_AS NOT NULL", "PRIMARY KEY (name)", unicode, NULL },
	{ "binary", "id varbinary(8) NOT NULL", "PRIMARY KEY (id DESC)", binary, NULL },
	{ "decimal", "id decimal(20, 5) NOT NULL", "PRIMARY KEY (id DESC)", decimals, NULL },
	{ "datetime2", "at datetime2(7) NOT NULL", "PRIMARY KEY (at)", moments, NULL },
	{ "datetimeoffset", "at datetimeoffset(7) NOT NULL", "PRIMARY KEY (at DESC)", moments, NULL },
	{ "varchar", "name varchar(20) NOT NULL", "PRIMARY KEY (name)", characters, NULL },
	{ "char", "name char(12) NOT NULL", "PRIMARY KEY (name DESC)", characters, NULL },
	{ "money and datetime", "paid money NOT NULL, at datetime NOT NULL", "PRIMARY KEY (paid DESC, at)", moneys, NULL },
	{ "float and time", "f float NOT NULL, t time(3) NOT NULL", "PRIMARY KEY (f, t DESC)", floats, NULL },
	{ "another code page", "name varchar(20) COLLATE Cyrillic_General_CI_AS NOT NULL", "PRIMARY KEY (name)", characters,
		"no literal" },
	{ "sql_variant", "id sql_variant NOT NULL", "PRIMARY KEY (id)", descending, "no literal" },
	{ "no unique key", "id int NOT NULL", NULL, descending, "no unique key" } };

#define KEYS (sizeof keys / sizeof keys[0])

static char script[SCRIPT_MAX];

/* A table of its own for each kind: t00, t01 ... Rows are numbered by n, in another order than the key's. */
static size_t add_table(size_t at, const struct key_case *key, size_t number)
{
	at += (size_t)snprintf(script + at, sizeof script - at,
		"CREATE TABLE dbo.t%02zu (%s, n int NOT NULL, v nvarchar(200) NULL%s%s);\nGO\n", number, key->columns,
		key->constraint ? ", " : "", key->constraint ? key->constraint : "");
	if (!key->constraint)
		at += (size_t)snprintf(
			script + at, sizeof script - at, "CREATE CLUSTERED INDEX ix ON dbo.t%02zu (id);\nGO\n", number);
	for (int i = 0; i < ROWS; i++) {
		char value[200];
		key->value(value, sizeof value, i);
		if (i % 100 == 0)
			at += (size_t)snprintf(script + at, sizeof script - at, "INSERT INTO dbo.t%02zu VALUES ", number);
		at += (size_t)snprintf(script + at, sizeof script - at, "(%s, %d, N'row %d of the table')%s", value, i, i,
			i % 100 == 99 ? ";\nGO\n" : ", ");
		assert_true(at < sizeof script);
	}
	return at;
}

/* Five rows lost and two spoilt. */
static size_t add_damage(char *text, size_t size, size_t number)
{
	return (size_t)snprintf(text, size,
		"DELETE FROM dbo.t%02zu WHERE n BETWEEN 100 AND 103 OR n = 599;\nGO\n"
		"UPDATE dbo.t%02zu SET v = N'spoilt' WHERE n IN (0, 300);\nGO\n",
		number, number);
}

static void make_script(const struct key_case *key)
{
	add_table((size_t)snprintf(script, sizeof script, DATABASE), key, 0);
}

static const char *damage(size_t tables)
{
	static char text[20000];
	size_t at = (size_t)snprintf(text, sizeof text, "USE keys;\nGO\n");

	for (size_t i = 0; i < tables; i++)
		at += add_damage(text + at, sizeof text - at, i);
	return text;
}

static void any_key_is_deleted_and_inserted_by_range(void **state)
{
	struct expected expected[KEYS];
	size_t at = (size_t)snprintf(script, sizeof script, DATABASE);

	(void)state;
	for (size_t i = 0; i < KEYS; i++) {
		at = add_table(at, &keys[i], i);
		expected[i] = (struct expected){ keys[i].why, 2, 7 };
	}
	open_world("16", "keys", script);
	damage_and_restore(damage(KEYS), KEYS, expected);
	close_world();
}

/* ---- keys that refer, cascade and fire ---- */

static const char cycles[] =
	"CREATE DATABASE refs;\nGO\nALTER DATABASE refs SET ALLOW_SNAPSHOT_ISOLATION ON;\nGO\nUSE refs;\nGO\n"
	"CREATE TABLE dbo.a (id int NOT NULL CONSTRAINT PK_a PRIMARY KEY, parent int NULL CONSTRAINT FK_parent REFERENCES dbo.a (id), "
	"b int NULL, v nvarchar(100) NULL);\nGO\n"
	"CREATE TABLE dbo.b (id int NOT NULL CONSTRAINT PK_b PRIMARY KEY, a int NULL CONSTRAINT FK_b_a REFERENCES dbo.a (id) ON DELETE "
	"CASCADE, v nvarchar(100) NULL CONSTRAINT CK_v CHECK (v <> N''));\nGO\n"
	"ALTER TABLE dbo.a ADD CONSTRAINT FK_a_b FOREIGN KEY (b) REFERENCES dbo.b (id);\nGO\n"
	"CREATE TABLE dbo.c (id int NOT NULL CONSTRAINT PK_c PRIMARY KEY, b int NULL CONSTRAINT FK_c_b REFERENCES dbo.b (id) ON DELETE "
	"SET NULL ON UPDATE CASCADE);\nGO\n"
	"CREATE TABLE dbo.log (n int NOT NULL IDENTITY(1, 1) PRIMARY KEY, what nvarchar(50) NOT NULL);\nGO\n"
	"CREATE TABLE dbo.kept (id int NOT NULL PRIMARY KEY);\nGO\nINSERT INTO dbo.kept VALUES (1), (2);\nGO\n"
	"%s"
	"CREATE TRIGGER dbo.tr_a ON dbo.a AFTER INSERT, UPDATE, DELETE AS INSERT INTO dbo.log (what) VALUES (N'a');\nGO\n"
	"CREATE TRIGGER dbo.tr_b ON dbo.b AFTER DELETE AS DELETE FROM dbo.kept;\nGO\n"
	"DISABLE TRIGGER dbo.tr_a ON dbo.a;\nGO\n";

static void make_cycles(void)
{
	static char rows[SCRIPT_MAX / 2];
	size_t at = 0;

	for (int i = 0; i < ROWS; i++)
		at += (size_t)snprintf(rows + at, sizeof rows - at, "%s(%d, %d, NULL, N'a row %d')%s",
			i % 50 ? "" : "INSERT INTO dbo.a VALUES ", i, i - i % 50, i, i % 50 == 49 ? ";\nGO\n" : ", ");
	for (int i = 0; i < ROWS; i++)
		at += (size_t)snprintf(rows + at, sizeof rows - at, "%s(%d, %d, N'b row %d')%s",
			i % 50 ? "" : "INSERT INTO dbo.b VALUES ", i, i * 7 % ROWS, i, i % 50 == 49 ? ";\nGO\n" : ", ");
	for (int i = 0; i < ROWS; i++)
		at += (size_t)snprintf(rows + at, sizeof rows - at, "%s(%d, %d)%s", i % 50 ? "" : "INSERT INTO dbo.c VALUES ",
			i, i, i % 50 == 49 ? ";\nGO\n" : ", ");
	at += (size_t)snprintf(rows + at, sizeof rows - at, "UPDATE dbo.a SET b = id WHERE id %% 10 = 1;\nGO\n");
	snprintf(script, sizeof script, cycles, rows);
}

static void cycles_and_cascades_reach_nothing_that_is_right(void **state)
{
	(void)state;
	make_cycles();
	open_world("15", "refs", script);
	/* The deletion of `b` fires a trigger that empties `kept`, sets nulls in `c`; all that is damage, too. */
	damage_and_restore(
		"USE refs;\nGO\nUPDATE dbo.a SET b = NULL WHERE id BETWEEN 200 AND 215;\nGO\n"
		"DELETE FROM dbo.b WHERE a BETWEEN 201 AND 203 AND id % 10 <> 1;\nGO\nUPDATE dbo.a SET v = N'x' WHERE id = 590;\nGO\n"
		"INSERT INTO dbo.kept VALUES (1), (2);\nGO\n",
		3, (const struct expected[]){ { NULL, 3, 3 }, { NULL, 0, 3 }, { NULL, 3, 3 } });
	close_world();
}

/* ---- large values ---- */

static void values_go_with_their_rows_and_no_others(void **state)
{
	size_t at;

	(void)state;
	at = (size_t)snprintf(script, sizeof script,
		DATABASE "CREATE TABLE dbo.t00 (id int NOT NULL PRIMARY KEY, n int NOT NULL, doc "
				 "varbinary(max) NULL, v nvarchar(200) NULL, text nvarchar(max) NULL);\nGO\n");
	for (int i = 0; i < ROWS; i++)
		at += (size_t)snprintf(script + at, sizeof script - at,
			"INSERT INTO dbo.t00 VALUES (%d, %d, %s, N'row %d', %s);\nGO\n", i, i,
			i % 9 ? "0x00" : "CAST(REPLICATE(CAST('abcdefgh' AS varchar(max)), 1500) AS varbinary(max))", i,
			i % 13 ? "N'short'" : "REPLICATE(CAST(N'0123456789' AS nvarchar(max)), 400)");
	open_world("16", "keys", script);
	damage_and_restore(damage(1), 1, &(struct expected){ NULL, 2, 7 });
	close_world();
}

/* ---- many places ---- */

/* A secondary unique index, and values that change places: rows that go are gone before the first one comes. */
static void values_that_changed_places_change_back(void **state)
{
	size_t at = (size_t)snprintf(script, sizeof script,
		DATABASE "CREATE TABLE dbo.t00 (id int NOT NULL PRIMARY KEY, n int NOT NULL, v nvarchar(200) NULL, "
				 "place int NOT NULL UNIQUE);\nGO\n");

	(void)state;
	for (int i = 0; i < ROWS; i++)
		at += (size_t)snprintf(
			script + at, sizeof script - at, "INSERT INTO dbo.t00 VALUES (%d, %d, N'row %d', %d);\nGO\n", i, i, i, i);
	open_world("16", "keys", script);
	damage_and_restore(
		"USE keys;\nGO\nUPDATE dbo.t00 SET place = 600 + id WHERE id IN (100, 500);\nGO\n"
		"UPDATE dbo.t00 SET place = 100 WHERE id = 500;\nUPDATE dbo.t00 SET place = 500 WHERE id = 100;\nGO\n",
		1, &(struct expected){ NULL, 2, 2 });
	close_world();
}

/* Every sixth row of six hundred: as many ranges as go to the server at once. */
static void many_ranges_go_to_the_server_together(void **state)
{
	(void)state;
	make_script(&keys[0]);
	open_world("16", "keys", script);
	damage_and_restore("USE keys;\nGO\nUPDATE dbo.t00 SET v = N'x' WHERE no % 6 = 0;\nGO\n", 1,
		&(struct expected){ NULL, ROWS / 6, ROWS / 6 });
	expect_done(JOB_UNDO, 0);
	assert_int_equal(said("DECLARE @deleted "), 1);
	close_world();
}

/* ---- what may come in between ---- */

/* The restore's locks are all that keeps others from changing what its plan was made from. */
static void intrude(struct world *w)
{
	standin_script(&w->standin,
		"USE keys;\nGO\nSET LOCK_TIMEOUT 200;\nBEGIN TRY\n"
		"UPDATE dbo.t00 SET v = N'intruder' WHERE n = 101;\nRAISERROR(N'it was let in', 16, 1);\nEND TRY\nBEGIN CATCH\n"
		"IF ERROR_NUMBER() <> 1222 RAISERROR(N'it was not the lock that kept it out', 16, 1);\nEND CATCH\nGO\n");
}

static void nobody_changes_what_the_plan_was_made_from(void **state)
{
	(void)state;
	make_script(&keys[0]);
	open_world("13", "keys", script);
	uint64_t good = back_up();
	standin_script(&world.standin, damage(1));
	world.at = JOB_PHASE_WRITE;
	world.then = intrude;
	expect_done(JOB_RESTORE, good);
	assert_null(world.then);
	assert_true(same(good, back_up()));
	close_world();
}

static void without_a_list_of_the_present_state_tables_are_replaced_whole(void **state)
{
	struct job_request request = { .kind = JOB_RESTORE, .server = "s", .without_safety = true };

	(void)state;
	make_script(&keys[0]);
	open_world("14", "keys", script);
	uint64_t good = back_up();
	standin_script(&world.standin, damage(1));
	memset(&world.report, 0, sizeof world.report);
	assert_int_equal(restore_run(&world.context, &request, &world.report), JOB_DONE);
	assert_int_equal(world.report.change_count, 1);
	assert_non_null(strstr(world.report.changes[0].why, "without a safety snapshot"));
	assert_int_equal(world.report.outcomes[0].safety, 0);
	assert_int_equal(said("TRUNCATE TABLE [dbo].[t00]"), 1);
	assert_true(same(good, back_up()));
	close_world();
}

/* A table that others refer to is never truncated, nor is one under a schema-bound view: its rows are deleted. */
static void truncate_is_not_sent_where_it_could_be_refused(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		make_script(&keys[2]);
		strcat(script,
			kind
				? "CREATE VIEW dbo.w WITH SCHEMABINDING AS SELECT id, n FROM dbo.t00;\nGO\n"
				: "CREATE TABLE dbo.child (id int NULL REFERENCES dbo.t00 (id));\nGO\nALTER TABLE dbo.child NOCHECK CONSTRAINT ALL;\nGO\n");
		open_world("12", "keys", script);
		uint64_t good = back_up();
		standin_script(&world.standin, "USE keys;\nGO\nUPDATE dbo.t00 SET v = N'all';\nGO\n");
		expect_done(JOB_RESTORE, good);
		assert_int_equal(said("TRUNCATE"), 0);
		assert_int_equal(said("DELETE FROM [dbo].[t00] WITH (TABLOCKX); "), 1);
		assert_true(same(good, back_up()));
		close_world();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_key_is_deleted_and_inserted_by_range),
		cmocka_unit_test(cycles_and_cascades_reach_nothing_that_is_right),
		cmocka_unit_test(values_go_with_their_rows_and_no_others),
		cmocka_unit_test(values_that_changed_places_change_back),
		cmocka_unit_test(many_ranges_go_to_the_server_together),
		cmocka_unit_test(nobody_changes_what_the_plan_was_made_from),
		cmocka_unit_test(without_a_list_of_the_present_state_tables_are_replaced_whole),
		cmocka_unit_test(truncate_is_not_sent_where_it_could_be_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
