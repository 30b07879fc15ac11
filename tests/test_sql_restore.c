/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database read, damaged, restored and read again, through coffret-worker and the stand-in server, for databases of
 * different habits. What is compared are digests of every row, and the catalogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sql/catalogue.h"
#include "agent/sql/examine.h"
#include "agent/sql/worker_private.h"
#include "tests/support/standin.h"
#include "tests/support/table_rows.h"

#define TABLES_MAX 64

/* What a keeper keeps of a reading. */
struct snapshot {
	uint8_t *bytes;
	size_t size;
	struct catalogue *catalogue;
	struct chunk_list chunks[TABLES_MAX];
	struct table_digest digests[TABLES_MAX];
	bool seen[TABLES_MAX];
	uint32_t current;
	char notes[2000];
};

struct world {
	struct standin standin;
	struct rowgroup_params params;
	struct worker *worker;
	struct worker_watcher watcher;
	struct sql_error error;
	const char *database;
};

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	struct snapshot *snapshot = arg;

	free(snapshot->bytes);
	catalogue_free(snapshot->catalogue);
	snapshot->bytes = malloc(size);
	memcpy(snapshot->bytes, bytes, size);
	snapshot->size = size;
	assert_int_equal(catalogue_decode(&snapshot->catalogue, bytes, size), 0);
	assert_true(snapshot->catalogue->table_count <= TABLES_MAX);
	return 0;
}

static int take_table(void *arg, uint32_t table)
{
	((struct snapshot *)arg)->current = table;
	return 0;
}

static int take_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	struct snapshot *snapshot = arg;

	return chunk_list_emit(&snapshot->chunks[snapshot->current], kind, bytes, size, rows);
}

static int take_table_end(void *arg, uint32_t table, const struct table_digest *digest)
{
	struct snapshot *snapshot = arg;

	snapshot->digests[table] = *digest;
	snapshot->seen[table] = true;
	return 0;
}

static void take_note(void *arg, const char *sentence)
{
	struct snapshot *snapshot = arg;

	strncat(snapshot->notes, sentence, sizeof snapshot->notes - strlen(snapshot->notes) - 1);
}

static void free_snapshot(struct snapshot *snapshot)
{
	for (size_t i = 0; i < TABLES_MAX; i++)
		chunk_list_free(&snapshot->chunks[i]);
	catalogue_free(snapshot->catalogue);
	free(snapshot->bytes);
	memset(snapshot, 0, sizeof *snapshot);
}

static void watch(struct world *world, struct snapshot *snapshot)
{
	memset(snapshot, 0, sizeof *snapshot);
	world->watcher = (struct worker_watcher){ .arg = snapshot,
		.catalogue = take_catalogue,
		.table = take_table,
		.chunk = take_chunk,
		.table_end = take_table_end,
		.note = take_note };
}

static void expect(struct world *world, int result, const char *doing)
{
	if (result < 0)
		fail_msg("%s: %s: error %d, message %d, %s, while %s", doing, world->error.object, (int)world->error.kind,
			(int)world->error.number, world->error.detail, world->error.doing);
}

static void log_in(struct world *world, bool restore, const char *login, const char *secret)
{
	char password[64];
	struct worker_login options = { .host = "localhost",
		.port = world->standin.port,
		.authorities = world->standin.authorities,
		.login = login,
		.password = password,
		.database = world->database,
		.restore = restore,
		.connect_seconds = 5,
		.login_seconds = 10,
		.stall_seconds = 30,
		.catalogue_seconds = 60,
		.lock_timeout_ms = 5000 };
	const struct worker_place place = { .program = world->standin.worker };

	snprintf(password, sizeof password, "%s", secret);
	world->error = (struct sql_error){ .kind = SQL_OK };
	expect(world, worker_start_at(&world->worker, &options, &world->watcher, &place, &world->error), "logging in");
}

static int read_database(struct world *world, struct snapshot *snapshot, enum consistency consistency)
{
	int result;

	watch(world, snapshot);
	log_in(world, false, "sa", "Secret-1");
	result = worker_read(world->worker, consistency, &world->params, true, NULL, 0, &world->error);
	worker_stop(world->worker);
	return result;
}

static void send_table(struct world *world, const struct chunk_list *list)
{
	size_t values = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct chunk *chunk = &list->chunks[i];
		if (chunk->kind != CHUNK_ROWS)
			continue;
		expect(world,
			worker_replace_chunk(world->worker, CHUNK_ROWS, chunk->rows, chunk->bytes, chunk->size, &world->error),
			"sending rows");
		for (; values < i; values++)
			if (list->chunks[values].kind == CHUNK_VALUE)
				expect(world,
					worker_replace_chunk(world->worker, CHUNK_VALUE, 0, list->chunks[values].bytes,
						list->chunks[values].size, &world->error),
					"sending a value");
	}
}

static int begin(struct world *world, const struct snapshot *wanted)
{
	return worker_begin(world->worker,
		&(struct worker_wanted){ .catalogue = wanted->bytes, .size = wanted->size, .params = &world->params },
		&world->error);
}

/* The steps of a restore up to the commit; returns how many tables differed. */
static size_t restore_up_to_commit(struct world *world, struct snapshot *wanted, struct snapshot *present)
{
	uint32_t changed[TABLES_MAX];
	size_t count = 0;
	uint64_t rows;

	watch(world, present);
	log_in(world, true, "sa", "Secret-1");
	expect(world, begin(world, wanted), "beginning");
	expect(world, worker_read(world->worker, CONSISTENCY_LOCK, &world->params, true, NULL, 0, &world->error),
		"reading the present state");
	for (uint32_t i = 0; i < wanted->catalogue->table_count; i++)
		if (!table_digest_equal(&wanted->digests[i], &present->digests[i]))
			changed[count++] = i;
	expect(world, worker_prepare(world->worker, changed, count, count, &world->error), "preparing");
	for (size_t i = 0; i < count; i++) {
		if (present->digests[changed[i]].rows)
			expect(world, worker_empty(world->worker, changed[i], present->digests[changed[i]].rows, &world->error),
				"emptying");
		expect(world, worker_replace_begin(world->worker, changed[i], &world->error), "replacing");
		send_table(world, &wanted->chunks[changed[i]]);
		expect(world, worker_replace_end(world->worker, &rows, &world->error), "ending a table");
		assert_int_equal(rows, wanted->digests[changed[i]].rows);
	}
	expect(world, worker_put_back(world->worker, &world->error), "putting back");
	return count;
}

static void assert_same(const struct snapshot *a, const struct snapshot *b)
{
	char object[300], difference[300];

	assert_int_equal(a->catalogue->table_count, b->catalogue->table_count);
	for (uint32_t i = 0; i < a->catalogue->table_count; i++)
		if (!table_digest_equal(&a->digests[i], &b->digests[i]))
			fail_msg("[%s].[%s] differs: %d rows, %d rows", a->catalogue->tables[i].schema,
				a->catalogue->tables[i].name, (int)a->digests[i].rows, (int)b->digests[i].rows);
	if (!catalogue_fits(a->catalogue, b->catalogue, object, sizeof object, difference, sizeof difference) ||
		!catalogue_states_equal(a->catalogue, b->catalogue, object, sizeof object, difference, sizeof difference))
		fail_msg("%s: %s", object, difference);
}

static size_t restore(struct world *world, struct snapshot *wanted)
{
	struct snapshot present, after;
	size_t count = restore_up_to_commit(world, wanted, &present);

	watch(world, &after);
	worker_watch(world->worker, &world->watcher);
	expect(world, worker_read(world->worker, CONSISTENCY_LOCK, &world->params, false, NULL, 0, &world->error),
		"reading back");
	assert_same(wanted, &after);
	expect(world, worker_commit(world->worker, &world->error), "committing");
	worker_stop(world->worker);
	free_snapshot(&present);
	free_snapshot(&after);
	return count;
}

static void start(struct world *world, const char *version, const char *database, const char *script)
{
	memset(world, 0, sizeof *world);
	world->params = rowgroup_params_default;
	for (size_t i = 0; i < sizeof world->params.seed; i++)
		world->params.seed[i] = (uint8_t)(i * 7 + 1);
	world->database = database;
	standin_start(&world->standin, (const char *const[]){ "--login", "sa=Secret-1", "--version", version, NULL });
	standin_script(&world->standin, script);
}

/* Reads, damages, restores, reads again, and restores the damage's undo. */
static void damage_and_restore(struct world *world, const char *damage, size_t expected_changes)
{
	struct snapshot before, damaged, after;

	expect(world, read_database(world, &before, CONSISTENCY_SNAPSHOT), "reading");
	assert_int_equal(restore(world, &before), 0);
	standin_script(&world->standin, damage);
	expect(world, read_database(world, &damaged, CONSISTENCY_SNAPSHOT), "reading the damage");
	assert_int_equal(restore(world, &before), expected_changes);
	expect(world, read_database(world, &after, CONSISTENCY_LOCK), "reading again");
	assert_same(&before, &after);
	free_snapshot(&after);
	assert_int_equal(restore(world, &damaged), expected_changes);
	expect(world, read_database(world, &after, CONSISTENCY_LOOSE), "reading the undo");
	assert_same(&damaged, &after);
	free_snapshot(&after);
	free_snapshot(&damaged);
	free_snapshot(&before);
}

#define CREATE(name) \
	"CREATE DATABASE " name ";\nGO\nALTER DATABASE " name " SET ALLOW_SNAPSHOT_ISOLATION ON;\nGO\nUSE " name ";\nGO\n"

static const char all_types[] = CREATE(
	"types") "CREATE TABLE dbo.everything (id int NOT NULL IDENTITY(10, 5) CONSTRAINT PK_everything PRIMARY KEY, b bit, ti tinyint, "
			 "si smallint, bi bigint, r real, f float, d decimal(38, 7), n numeric(9, 2), sm smallmoney, m money, dt date, sdt "
			 "smalldatetime, dtm datetime, t time(7), t0 time(0), dt2 datetime2(7), dt3 datetime2(3), dto datetimeoffset(7), g "
			 "uniqueidentifier, c char(5), vc varchar(20), vcm varchar(max), nc nchar(5), nvc nvarchar(20), nvm nvarchar(max), "
			 "bn binary(4), vb varbinary(20), vbm varbinary(max), tx text, nt ntext, im image, v sql_variant, rv rowversion);\nGO\n"
			 "CREATE TABLE dbo.pages (k varchar(20) COLLATE Cyrillic_General_CI_AS NOT NULL PRIMARY KEY, w varchar(max) COLLATE "
			 "Cyrillic_General_CI_AS);\nGO\n"
			 "INSERT INTO dbo.everything (b, ti, si, bi, r, f, d, n, sm, m, dt, sdt, dtm, t, t0, dt2, dt3, dto, g, c, vc, vcm, nc, nvc, "
			 "nvm, bn, vb, vbm, tx, nt, im, v) VALUES (1, 255, -32768, -9223372036854775808, 1.5, -2.25, "
			 "-1234567890123456789012345678901.1234567, -9999999.99, -214748.3648, 922337203685477.5807, '9999-12-31', "
			 "'2079-06-06T23:59:00', '1753-01-01T23:59:59.997', '23:59:59.9999999', '12:34:56', '0001-01-01T00:00:00.0000001', "
			 "'2020-02-29T12:00:00.123', '2020-01-01T00:00:00.1234567+13:45', '00112233-4455-6677-8899-AABBCCDDEEFF', 'ab', '', "
			 "'x', N'cd', N'', CAST(0x00D861003DD842DE AS nvarchar(max)), 0x01, 0x00FF00, 0x, 'text', N'ntext', 0xFF, "
			 "CAST(42 AS int));\nGO\n"
			 "INSERT INTO dbo.everything (b) VALUES (NULL);\nGO\n"
			 "INSERT INTO dbo.everything (v) VALUES (CAST(-1.50 AS decimal(5, 2)));\nGO\n"
			 "INSERT INTO dbo.everything (v) VALUES (CAST(N'variant' AS nvarchar(20)));\nGO\n"
			 "INSERT INTO dbo.everything (v) VALUES (CAST('2020-01-01T01:02:03.5' AS datetime2(3)));\nGO\n"
			 "INSERT INTO dbo.pages VALUES (CAST(0x666F6F AS varchar(20)), N'\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82');\nGO\n";

static void every_type_comes_back_bit_for_bit(void **state)
{
	struct world world;

	(void)state;
	start(&world, "16", "types", all_types);
	damage_and_restore(&world,
		"USE types;\nGO\nDELETE FROM dbo.everything WHERE id > 10;\nGO\n"
		"UPDATE dbo.everything SET vc = NULL, nvm = N'';\nGO\nUPDATE dbo.pages SET w = 'x';\nGO\n",
		2);
	standin_stop(&world.standin);
}

static const char references[] = CREATE(
	"refs") "CREATE TABLE dbo.room (id int NOT NULL CONSTRAINT PK_room PRIMARY KEY, parent int NULL CONSTRAINT FK_parent REFERENCES "
			"dbo.room (id), size int NOT NULL CONSTRAINT CK_size CHECK (size > 0), other int NULL);\nGO\n"
			"CREATE TABLE dbo.message (room int NOT NULL, no bigint NOT NULL, [te]]xt] nvarchar(max) NULL, CONSTRAINT PK_message "
			"PRIMARY KEY (room ASC, no DESC), CONSTRAINT FK_room FOREIGN KEY (room) REFERENCES dbo.room (id) ON DELETE CASCADE);\nGO\n"
			"ALTER TABLE dbo.room ADD CONSTRAINT CK_off CHECK (other > 0);\nGO\n"
			"ALTER TABLE dbo.room NOCHECK CONSTRAINT CK_off;\nGO\n"
			"ALTER TABLE dbo.room WITH NOCHECK ADD CONSTRAINT CK_untrusted CHECK (other < 1000);\nGO\n"
			"CREATE TABLE dbo.log (what nvarchar(50) NOT NULL);\nGO\n"
			"INSERT INTO dbo.room VALUES (1, NULL, 5, -5), (2, 1, 6, 7), (3, 3, 7, NULL);\nGO\n"
			"INSERT INTO dbo.message VALUES (1, 1, N'a'), (1, 2, N'b'), (2, 1, NULL), (3, 9, N'');\nGO\n"
			"INSERT INTO dbo.log VALUES (N'one'), (N'one'), (N'two');\nGO\n"
			"CREATE TRIGGER dbo.tr_room ON dbo.room AFTER INSERT, UPDATE, DELETE AS INSERT INTO dbo.log VALUES (N'fired');\nGO\n"
			"CREATE TRIGGER dbo.tr_off ON dbo.message AFTER DELETE AS INSERT INTO dbo.log VALUES (N'never');\nGO\n"
			"DISABLE TRIGGER dbo.tr_off ON dbo.message;\nGO\n";

static void keys_checks_and_triggers_stay_as_they_were(void **state)
{
	struct world world;

	(void)state;
	start(&world, "13", "refs", references);
	/* room, message by the cascade, and log by the trigger. */
	damage_and_restore(&world, "USE refs;\nGO\nDELETE FROM dbo.room WHERE id = 1 OR id = 2;\nGO\n", 3);
	standin_stop(&world.standin);
}

static void a_rollback_leaves_everything_as_it_was(void **state)
{
	struct snapshot before, present, damaged, after;
	struct world world;

	(void)state;
	start(&world, "11", "refs", references);
	expect(&world, read_database(&world, &before, CONSISTENCY_SNAPSHOT), "reading");
	standin_script(&world.standin, "USE refs;\nGO\nDELETE FROM dbo.message WHERE room = 1;\nGO\n");
	expect(&world, read_database(&world, &damaged, CONSISTENCY_SNAPSHOT), "reading the damage");
	assert_int_equal(restore_up_to_commit(&world, &before, &present), 1);
	expect(&world, worker_rollback(world.worker, &world.error), "rolling back");
	worker_stop(world.worker);
	expect(&world, read_database(&world, &after, CONSISTENCY_SNAPSHOT), "reading again");
	assert_same(&damaged, &after);
	free_snapshot(&before);
	free_snapshot(&present);
	free_snapshot(&damaged);
	free_snapshot(&after);
	standin_stop(&world.standin);
}

static void a_worker_that_is_gone_leaves_everything_as_it_was(void **state)
{
	struct snapshot before, present, after;
	struct world world;

	(void)state;
	start(&world, "14", "refs", references);
	expect(&world, read_database(&world, &before, CONSISTENCY_SNAPSHOT), "reading");
	standin_script(&world.standin, "USE refs;\nGO\nDELETE FROM dbo.message WHERE room = 1;\nGO\n");
	assert_int_equal(restore_up_to_commit(&world, &before, &present), 1);
	worker_stop(world.worker);
	expect(&world, read_database(&world, &after, CONSISTENCY_LOCK), "reading again");
	assert_same(&present, &after);
	free_snapshot(&before);
	free_snapshot(&present);
	free_snapshot(&after);
	standin_stop(&world.standin);
}

static void isolation_that_is_not_allowed_is_refused_with_its_remedy(void **state)
{
	struct snapshot snapshot;
	struct world world;

	(void)state;
	start(&world, "16", "plain", "CREATE DATABASE plain;\nGO\nUSE plain;\nGO\nCREATE TABLE t (a int NULL);\nGO\n");
	assert_true(read_database(&world, &snapshot, CONSISTENCY_SNAPSHOT) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_CONSISTENCY);
	assert_non_null(strstr(world.error.detail, "ALTER DATABASE [plain] SET ALLOW_SNAPSHOT_ISOLATION ON"));
	free_snapshot(&snapshot);
	expect(&world, read_database(&world, &snapshot, CONSISTENCY_LOCK), "reading under locks");
	free_snapshot(&snapshot);
	standin_stop(&world.standin);
}

static void a_second_restore_waits_or_is_told_who_is_at_work(void **state)
{
	struct snapshot before, present, other;
	struct world first, second;

	(void)state;
	start(&first, "15", "refs", references);
	expect(&first, read_database(&first, &before, CONSISTENCY_SNAPSHOT), "reading");
	restore_up_to_commit(&first, &before, &present);
	second = first;
	watch(&second, &other);
	log_in(&second, true, "sa", "Secret-1");
	assert_true(begin(&second, &before) < 0);
	assert_int_equal(second.error.kind, SQL_ERROR_BUSY);
	assert_non_null(strstr(second.error.detail, "Coffret restore"));
	worker_stop(second.worker);
	worker_stop(first.worker);
	free_snapshot(&other);
	free_snapshot(&before);
	free_snapshot(&present);
	standin_stop(&first.standin);
}

static const char odd_names[] = CREATE(
	"[odd ]]name]") "CREATE SCHEMA [s.1];\nGO\n"
					"CREATE TABLE [s.1].[we]]ird \xf0\x9f\x99\x82] ([key'] uniqueidentifier NOT NULL, [a b] nvarchar(30) COLLATE "
					"Latin1_General_CI_AS NOT NULL, [index] int NULL, CONSTRAINT [PK '] PRIMARY KEY NONCLUSTERED ([key']), CONSTRAINT [U] "
					"UNIQUE CLUSTERED ([a b] DESC, [key']));\nGO\n"
					"CREATE TABLE dbo.heap (a int NULL, b nvarchar(10) NULL);\nGO\n"
					"CREATE TABLE dbo.loose (a int NOT NULL, b int NOT NULL);\nGO\nCREATE CLUSTERED INDEX ix ON dbo.loose (a DESC);\nGO\n"
					"CREATE TABLE dbo.nullable (a int NULL CONSTRAINT UQ_a UNIQUE, b int NULL);\nGO\n"
					"CREATE TABLE dbo.empty (a int NOT NULL PRIMARY KEY);\nGO\n"
					"INSERT INTO [s.1].[we]]ird \xf0\x9f\x99\x82] VALUES ('00112233-4455-6677-8899-AABBCCDDEEFF', N'\xc3\xa9t\xc3\xa9', 1), "
					"('10112233-4455-6677-8899-AABBCCDDEEFF', N'ETE', 2), ('20112233-4455-6677-8899-AABBCCDDEEFF', N'', NULL);\nGO\n"
					"INSERT INTO dbo.heap VALUES (1, N'a'), (1, N'a'), (NULL, NULL);\nGO\n"
					"INSERT INTO dbo.loose VALUES (1, 1), (2, 2), (1, 1), (1, 3);\nGO\n"
					"INSERT INTO dbo.nullable VALUES (NULL, 1), (5, 2), (-5, 3);\nGO\n";

static void any_name_and_any_kind_of_key_will_do(void **state)
{
	struct world world;

	(void)state;
	start(&world, "12", "odd ]name", odd_names);
	damage_and_restore(&world,
		"USE [odd ]]name];\nGO\nDELETE FROM [s.1].[we]]ird \xf0\x9f\x99\x82] WHERE [index] = 1;\nGO\n"
		"DELETE FROM dbo.heap;\nGO\nUPDATE dbo.loose SET b = 9 WHERE b = 3;\nGO\nDELETE FROM dbo.nullable WHERE a IS NULL;\nGO\n"
		"INSERT INTO dbo.empty VALUES (1);\nGO\n",
		5);
	standin_stop(&world.standin);
}

static const char number_tables[] = CREATE(
	"numbers") "CREATE TABLE dbo.used (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, a int NULL);\nGO\n"
			   "CREATE TABLE dbo.unused (id int IDENTITY(100, 10) NOT NULL PRIMARY KEY, a int NULL);\nGO\n"
			   "CREATE TABLE dbo.negative (id int IDENTITY(-1, -3) NOT NULL PRIMARY KEY, a int NULL);\nGO\n"
			   "CREATE TABLE dbo.emptied (id int IDENTITY(1, 1) NOT NULL PRIMARY KEY, a int NULL);\nGO\n"
			   "CREATE SEQUENCE dbo.seq AS int START WITH 5 INCREMENT BY 5;\nGO\n"
			   "INSERT INTO dbo.used (a) VALUES (1), (2), (3);\nGO\nDELETE FROM dbo.used WHERE id = 3;\nGO\n"
			   "INSERT INTO dbo.negative (a) VALUES (1), (2);\nGO\n"
			   "INSERT INTO dbo.emptied (a) VALUES (1), (2);\nGO\nDELETE FROM dbo.emptied;\nGO\n"
			   "CREATE TABLE dbo.taken (n int NOT NULL);\nGO\nINSERT INTO dbo.taken VALUES (NEXT VALUE FOR dbo.seq);\nGO\n";

static void identities_and_sequences_go_on_as_they_would_have(void **state)
{
	struct snapshot before, after;
	struct world world;
	static const char *const tables[] = { "used", "unused", "negative", "emptied" };
	static const char *const next[] = { "4", "100", "-7", "3" };

	(void)state;
	start(&world, "16", "numbers", number_tables);
	expect(&world, read_database(&world, &before, CONSISTENCY_SNAPSHOT), "reading");
	standin_script(&world.standin,
		"USE numbers;\nGO\nINSERT INTO dbo.used (a) VALUES (7), (8);\nGO\n"
		"INSERT INTO dbo.unused (a) VALUES (7), (8);\nGO\nINSERT INTO dbo.negative (a) VALUES (7);\nGO\n"
		"INSERT INTO dbo.emptied (a) VALUES (7), (8);\nGO\nINSERT INTO dbo.taken VALUES (NEXT VALUE FOR dbo.seq);\nGO\n");
	assert_int_equal(restore(&world, &before), 5);
	standin_script(&world.standin,
		"USE numbers;\nGO\nINSERT INTO dbo.used (a) VALUES (0);\nINSERT INTO dbo.unused (a) VALUES "
		"(0);\nINSERT INTO dbo.negative (a) VALUES (0);\nINSERT INTO dbo.emptied (a) VALUES (0);\nINSERT INTO dbo.taken VALUES "
		"(NEXT VALUE FOR dbo.seq);\nGO\n");
	expect(&world, read_database(&world, &after, CONSISTENCY_SNAPSHOT), "reading again");
	for (size_t i = 0; i < 4; i++) {
		int table = catalogue_find_table(after.catalogue, "dbo", tables[i]);
		assert_string_equal(after.catalogue->tables[table].columns[0].identity_last, next[i]);
	}
	assert_string_equal(after.catalogue->sequences[0].current, "10");
	free_snapshot(&before);
	free_snapshot(&after);
	standin_stop(&world.standin);
}

static const char long_values[] = CREATE(
	"longs") "CREATE TABLE dbo.doc (room int NOT NULL, name nvarchar(20) NOT NULL, a varbinary(max) NULL, n int NULL, b nvarchar(max) "
			 "NULL, x xml NULL, CONSTRAINT PK_doc PRIMARY KEY (room DESC, name));\nGO\n"
			 "INSERT INTO dbo.doc VALUES (1, N'small', 0x00, 1, N'x', N'<a>1</a>'), (2, N'none', NULL, 2, NULL, NULL);\nGO\n"
			 "DECLARE @s nvarchar(max) = REPLICATE(CAST(N'0123456789' AS nvarchar(max)), 300000);\n"
			 "INSERT INTO dbo.doc VALUES (1, N'\xc3\xa9norme', CAST(@s AS varbinary(max)), 3, N'', NULL);\n"
			 "INSERT INTO dbo.doc VALUES (1, N'two', CAST(@s AS varbinary(max)), 3, @s, NULL);\n"
			 "INSERT INTO dbo.doc VALUES (1, N'z', 0x01, 3, @s, NULL);\nGO\n";

static void long_values_travel_in_pieces_both_ways(void **state)
{
	struct world world;

	(void)state;
	start(&world, "16", "longs", long_values);
	damage_and_restore(&world, "USE longs;\nGO\nDELETE FROM dbo.doc WHERE room = 1;\nGO\n", 1);
	standin_stop(&world.standin);
}

/* 3 MB to be read in pieces, and then more rows than the network has room for: the query is ended while it runs. */
static const char long_stream[] = CREATE(
	"stream") "CREATE TABLE dbo.feed (id int NOT NULL PRIMARY KEY, a varbinary(max) NULL, b varbinary(max) NULL, c varbinary(max) "
			  "NULL);\nGO\n"
			  "DECLARE @s varchar(max) = REPLICATE(CAST('0123456789' AS varchar(max)), 300000);\n"
			  "INSERT INTO dbo.feed VALUES (1, CAST(@s AS varbinary(max)), NULL, NULL), (2, CAST(LEFT(@s, 1000000) AS "
			  "varbinary(max)), NULL, NULL), (3, CAST(LEFT(@s, 1000001) AS varbinary(max)), NULL, NULL);\n"
			  "INSERT INTO dbo.feed SELECT id + 2, a, NULL, NULL FROM dbo.feed WHERE id > 1;\n"
			  "INSERT INTO dbo.feed SELECT id + 4, a, NULL, NULL FROM dbo.feed WHERE id > 1;\n"
			  "INSERT INTO dbo.feed SELECT id + 8, a, NULL, NULL FROM dbo.feed WHERE id > 1;\n"
			  "INSERT INTO dbo.feed SELECT id + 16, a, NULL, NULL FROM dbo.feed WHERE id > 1;\nGO\n";

static void ending_a_query_for_a_long_value_ends_no_transaction(void **state)
{
	struct world world;
	char *said;

	(void)state;
	start(&world, "16", "stream", long_stream);
	damage_and_restore(&world, "USE stream;\nGO\nDELETE FROM dbo.feed WHERE id = 1;\nGO\n", 1);
	said = standin_statements(&world.standin);
	assert_non_null(strstr(said, "attention while a statement runs"));
	free(said);
	standin_stop(&world.standin);
}

/* ---- rights ---- */

static const char rights[] = CREATE(
	"rights") "CREATE TABLE dbo.seen (a int NOT NULL PRIMARY KEY);\nGO\nCREATE TABLE dbo.hidden (a int NOT NULL PRIMARY KEY);\nGO\n"
			  "CREATE LOGIN reader WITH PASSWORD = 'Secret-2', CHECK_POLICY = OFF;\nGO\nCREATE USER reader FOR LOGIN reader;\nGO\n"
			  "ALTER ROLE db_datareader ADD MEMBER reader;\nGO\n";

static int read_as_reader(struct world *world, struct snapshot *snapshot)
{
	int result;

	watch(world, snapshot);
	log_in(world, false, "reader", "Secret-2");
	result = worker_read(world->worker, CONSISTENCY_SNAPSHOT, &world->params, true, NULL, 0, &world->error);
	worker_stop(world->worker);
	return result;
}

static void a_login_that_sees_too_little_makes_no_backup(void **state)
{
	struct snapshot snapshot;
	struct world world;

	(void)state;
	start(&world, "16", "rights", rights);
	standin_script(
		&world.standin, "USE rights;\nGO\nCREATE TABLE dbo.own (a int);\nGO\nINSERT INTO dbo.own VALUES (1);\nGO\n");
	assert_true(standin_tell(&world.standin, "set mark=rights.dbo.own:shipped"));
	assert_true(read_as_reader(&world, &snapshot) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_RIGHTS);
	assert_non_null(strstr(world.error.detail, "VIEW DEFINITION"));
	free_snapshot(&snapshot);
	standin_script(&world.standin,
		"USE rights;\nGO\nGRANT VIEW DEFINITION TO reader;\nGO\nGRANT VIEW DATABASE STATE TO reader;\nGO\n");
	expect(&world, read_as_reader(&world, &snapshot), "reading with all rights");
	assert_int_equal(snapshot.catalogue->table_count, 2);
	assert_non_null(strstr(snapshot.notes, "[dbo].[own] is marked as SQL Server's own"));
	free_snapshot(&snapshot);
	standin_script(&world.standin, "USE rights;\nGO\nDENY SELECT ON dbo.hidden TO reader;\nGO\n");
	assert_true(read_as_reader(&world, &snapshot) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_RIGHTS);
	assert_string_equal(world.error.object, "[dbo].[hidden]");
	free_snapshot(&snapshot);
	standin_stop(&world.standin);
}

/* A policy in a schema of its own filters a table of another, in a database whose name must be quoted. */
#define ODD "[it's [odd]].db]"
#define USE_ODD "USE " ODD ";\nGO\n"
static const char guarded[] =
	"CREATE DATABASE " ODD ";\nGO\nALTER DATABASE " ODD " SET ALLOW_SNAPSHOT_ISOLATION ON;\nGO\n" USE_ODD
	"CREATE TABLE dbo.seen (k int NOT NULL PRIMARY KEY);\nGO\nINSERT INTO dbo.seen VALUES (1), (2), (3);\nGO\n"
	"CREATE SCHEMA guard;\nGO\n"
	"CREATE FUNCTION guard.f(@k int) RETURNS TABLE WITH SCHEMABINDING AS RETURN SELECT 1 AS ok WHERE @k > 1;\nGO\n"
	"CREATE SECURITY POLICY guard.p ADD FILTER PREDICATE guard.f(k) ON dbo.seen WITH (STATE = OFF);\nGO\n"
	"CREATE LOGIN reader WITH PASSWORD = 'Secret-2', CHECK_POLICY = OFF;\nGO\nCREATE USER reader FOR LOGIN reader;\nGO\n"
	"CREATE ROLE watched;\nGO\nALTER ROLE watched ADD MEMBER reader;\nGO\n"
	"ALTER ROLE db_datareader ADD MEMBER reader;\nGO\nGRANT VIEW DEFINITION TO reader;\nGO\n";

static void refuse_as_reader(struct world *world, const char *script, const char *words)
{
	struct snapshot snapshot;

	standin_script(&world->standin, script);
	assert_true(read_as_reader(world, &snapshot) < 0);
	assert_int_equal(world->error.kind, SQL_ERROR_RIGHTS);
	if (!strstr(world->error.detail, words))
		fail_msg("%s: %s", script, world->error.detail);
	free_snapshot(&snapshot);
}

static void rows_that_a_policy_hides_are_missed_even_where_the_policy_is_hidden(void **state)
{
	struct snapshot snapshot;
	struct world world;

	(void)state;
	start(&world, "13", "it's [odd].db", guarded);
	expect(&world, read_as_reader(&world, &snapshot), "reading under a policy that is off");
	assert_int_equal(snapshot.digests[0].rows, 3);
	free_snapshot(&snapshot);
	refuse_as_reader(
		&world, USE_ODD "ALTER SECURITY POLICY guard.p WITH (STATE = ON);\nGO\n", "policy filters its rows");
	refuse_as_reader(
		&world, USE_ODD "DENY VIEW DEFINITION ON SCHEMA::guard TO watched;\nGO\n", "hidden security policy");
	refuse_as_reader(&world,
		USE_ODD
		"REVOKE VIEW DEFINITION ON SCHEMA::guard FROM watched;\nGO\nDENY CONTROL ON OBJECT::guard.p TO watched;\nGO\n",
		"hidden security policy");
	standin_stop(&world.standin);
}

/* While the first table is read, and waits for us to take its rows. */
static int guard_the_next(void *arg, uint32_t table)
{
	struct world *world = arg;

	if (table == 0)
		standin_script(&world->standin, USE_ODD "ALTER SECURITY POLICY guard.p WITH (STATE = ON);\nGO\n");
	return 0;
}

static void a_policy_that_comes_while_tables_are_read_makes_no_backup(void **state)
{
	struct world world;

	(void)state;
	start(&world, "13", "it's [odd].db", guarded);
	standin_script(&world.standin,
		USE_ODD "CREATE TABLE dbo.first (k int NOT NULL PRIMARY KEY, a varchar(max) NULL);\nGO\n"
				"INSERT INTO dbo.first VALUES (1, REPLICATE(CAST('0123456789' AS varchar(max)), 400000)), (2, "
				"REPLICATE(CAST('9876543210' AS varchar(max)), 400000));\nGO\n");
	world.watcher = (struct worker_watcher){ .arg = &world, .table = guard_the_next };
	log_in(&world, false, "reader", "Secret-2");
	assert_true(worker_read(world.worker, CONSISTENCY_LOOSE, &world.params, true, NULL, 0, &world.error) < 0);
	if (world.error.kind != SQL_ERROR_RETRY)
		fail_msg("error %d: %s", (int)world.error.kind, world.error.detail);
	worker_stop(world.worker);
	standin_stop(&world.standin);
}

struct findings {
	enum finding_result results[64];
	char remedies[64][800];
};

static void take_finding(void *arg, uint8_t step, enum finding_result result, const char *detail, const char *remedy)
{
	struct findings *findings = arg;

	assert_true(step < 64);
	assert_true(*detail);
	findings->results[step] = result;
	snprintf(findings->remedies[step], sizeof findings->remedies[step], "%s", remedy);
}

static void a_check_names_each_right_that_is_missing_and_its_remedy(void **state)
{
	struct findings findings = { 0 };
	struct snapshot unused;
	struct world world;

	(void)state;
	start(&world, "16", "rights", rights);
	watch(&world, &unused);
	world.watcher = (struct worker_watcher){ .arg = &findings, .finding = take_finding };
	log_in(&world, false, "reader", "Secret-2");
	expect(&world, worker_examine(world.worker, &world.error), "examining");
	worker_stop(world.worker);
	assert_int_equal(findings.results[EXAMINE_ISOLATION], FINDING_OK);
	assert_int_equal(findings.results[EXAMINE_READ], FINDING_OK);
	assert_int_equal(findings.results[EXAMINE_DEFINITIONS], FINDING_FAILED);
	assert_string_equal(findings.remedies[EXAMINE_DEFINITIONS], "GRANT VIEW DEFINITION TO [reader]");
	assert_int_equal(findings.results[EXAMINE_SESSIONS], FINDING_UNKNOWN);
	standin_stop(&world.standin);
}

static void what_is_said_breaks_no_rule_of_the_wire(void **state)
{
	struct snapshot before;
	struct world world;

	(void)state;
	start(&world, "16", "refs", references);
	expect(&world, read_database(&world, &before, CONSISTENCY_SNAPSHOT), "reading");
	standin_script(&world.standin, "USE refs;\nGO\nDELETE FROM dbo.message;\nGO\n");
	assert_int_equal(restore(&world, &before), 1);

	char *violations = standin_violations(&world.standin);

	assert_string_equal(violations, "");
	free(violations);
	free_snapshot(&before);
	standin_stop(&world.standin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back_bit_for_bit),
		cmocka_unit_test(keys_checks_and_triggers_stay_as_they_were),
		cmocka_unit_test(a_rollback_leaves_everything_as_it_was),
		cmocka_unit_test(a_worker_that_is_gone_leaves_everything_as_it_was),
		cmocka_unit_test(isolation_that_is_not_allowed_is_refused_with_its_remedy),
		cmocka_unit_test(a_second_restore_waits_or_is_told_who_is_at_work),
		cmocka_unit_test(any_name_and_any_kind_of_key_will_do),
		cmocka_unit_test(identities_and_sequences_go_on_as_they_would_have),
		cmocka_unit_test(long_values_travel_in_pieces_both_ways),
		cmocka_unit_test(ending_a_query_for_a_long_value_ends_no_transaction),
		cmocka_unit_test(a_login_that_sees_too_little_makes_no_backup),
		cmocka_unit_test(rows_that_a_policy_hides_are_missed_even_where_the_policy_is_hidden),
		cmocka_unit_test(a_policy_that_comes_while_tables_are_read_makes_no_backup),
		cmocka_unit_test(a_check_names_each_right_that_is_missing_and_its_remedy),
		cmocka_unit_test(what_is_said_breaks_no_rule_of_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
