/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore says to the server, and in which order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/sql/catalogue_fields.h"
#include "agent/sql/next_value.h"
#include "agent/sql/replace.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_catalogue.h"

/* Room for the answers of a test before those of the catalogue: the first that fits is taken. */
#define OWN_ANSWERS 12

struct world {
	struct catalogue *wanted, *present;
	struct fake_answer answers[OWN_ANSWERS + FAKE_CATALOGUE_ANSWERS];
	size_t own;
	struct session *session;
	struct uplink uplink;
	int keeper;
	struct rowgroup_params params;
	struct replace *replace;
	struct sql_error error;
};

static const struct column_sample parent_columns[] = { { "id", "int", 4, 10, 0, false },
	{ "n", "int", 4, 10, 0, true } };

static struct catalogue_foreign_key *add_key(
	struct catalogue *catalogue, struct catalogue_table *table, int32_t to, const char *name)
{
	struct catalogue_foreign_key *keys = catalogue_allocate(catalogue, 4 * sizeof *keys);

	if (table->foreign_key_count)
		memcpy(keys, table->foreign_keys, table->foreign_key_count * sizeof *keys);
	table->foreign_keys = keys;
	keys += table->foreign_key_count++;
	catalogue_record_init(&catalogue_record_foreign_key, keys);
	keys->table_id = table->object_id;
	keys->object_id = 5000 + table->object_id * 10 + (int32_t)table->foreign_key_count;
	keys->referenced_id = to;
	keys->name = name;
	return keys;
}

/* room (identity, trigger, check) <- chat -> room; chat -> chat; other, which nobody refers to. */
static struct catalogue *make_catalogue(void)
{
	struct catalogue *catalogue;
	struct catalogue_table *room, *chat;

	assert_int_equal(catalogue_new(&catalogue), 0);
	catalogue->database.name = "mgc";
	catalogue->database.server_major = 13;
	for (int i = 0; i < 3; i++)
		sample_index(catalogue,
			sample_table(catalogue, "dbo", (const char *[]){ "chat", "other", "room" }[i], parent_columns, 2), 1, true,
			(const int[]){ 1, 0 });
	chat = &catalogue->tables[0];
	room = &catalogue->tables[2];
	add_key(catalogue, chat, room->object_id, "FK_room")->on_delete = 1;
	add_key(catalogue, chat, chat->object_id, "FK_self")->not_trusted = true;
	add_key(catalogue, chat, room->object_id, "FK_off")->disabled = true;
	chat->foreign_keys[2].not_trusted = true;
	room->columns[0].identity = true;
	room->columns[0].identity_seed = "1";
	room->columns[0].identity_increment = "1";
	room->columns[0].identity_last = "40";
	room->checks = catalogue_allocate(catalogue, 2 * sizeof *room->checks);
	room->triggers = catalogue_allocate(catalogue, 2 * sizeof *room->triggers);
	room->check_count = room->trigger_count = 2;
	for (int i = 0; i < 2; i++) {
		catalogue_record_init(&catalogue_record_check, &room->checks[i]);
		catalogue_record_init(&catalogue_record_trigger, &room->triggers[i]);
		room->checks[i].table_id = room->triggers[i].table_id = room->object_id;
		room->checks[i].disabled = room->checks[i].not_trusted = room->triggers[i].disabled = i == 1;
	}
	room->checks[0].name = "CK]on";
	room->checks[1].name = "CK_off";
	room->triggers[0].name = "tr_on";
	room->triggers[1].name = "tr_off";
	return catalogue;
}

static struct value number_value(const void *bytes)
{
	return (struct value){ bytes, 4 };
}

static const uint8_t yes[4] = { 1 };

static void add_answer(struct world *world, const char *part, const struct value *value)
{
	assert_true(world->own < OWN_ANSWERS);
	world->answers[world->own++] = (struct fake_answer){
		.part = part, .values = value, .columns = value ? 1 : 0, .rows = value ? 1 : 0, .again = true
	};
}

static void make_world(struct world *world)
{
	static struct value granted;
	int sockets[2];

	memset(world, 0, sizeof *world);
	granted = number_value(yes);
	world->wanted = make_catalogue();
	world->present = make_catalogue();
	world->params = rowgroup_params_default;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	uplink_init(&world->uplink, sockets[0]);
	world->keeper = sockets[1];
	add_answer(world, "sp_getapplock", &granted);
	add_answer(world, "SELECT CASE WHEN XACT_STATE() = 1", &granted);
	add_answer(world, "d.delayed_durability", &granted); /* allowed, not forced */
}

static int begin(struct world *world)
{
	struct fake_answer *at = &world->answers[world->own];

	fake_catalogue(world->present, at);
	world->session = fake_session(13, world->answers);
	return replace_begin(&world->replace, world->session, &world->uplink,
		&(struct replace_wanted){ .catalogue = world->wanted, .params = &world->params }, &world->error);
}

static void free_world(struct world *world)
{
	replace_free(world->replace);
	catalogue_free(world->wanted);
	catalogue_free(world->present);
	fake_catalogue_free();
	close(world->uplink.socket);
	close(world->keeper);
}

/* The parts appear in what was said, in this order. */
static void assert_said(const char *const *parts)
{
	const char *at = fake_session_said();

	for (; *parts; parts++) {
		at = strstr(at, *parts);
		if (!at)
			fail_msg("not said, or not then: %s", *parts);
		at += strlen(*parts);
	}
}

static void assert_not_said(const char *part)
{
	if (strstr(fake_session_said(), part))
		fail_msg("said: %s", part);
}

static void everything_is_locked_before_shapes_are_compared(void **state)
{
	static const char *const parts[] = {
		"SET XACT_ABORT ON; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRAN", "FROM sys.databases d",
		"@LockMode = 'Exclusive', @LockOwner = 'Transaction'",
		"SELECT TOP (1) 1 FROM [dbo].[chat] WITH (TABLOCKX, HOLDLOCK)",
		"SELECT TOP (1) 1 FROM [dbo].[other] WITH (TABLOCKX, HOLDLOCK)",
		"SELECT TOP (1) 1 FROM [dbo].[room] WITH (TABLOCKX, HOLDLOCK)", "FROM sys.columns c", NULL
	};
	struct world world;

	(void)state;
	make_world(&world);
	assert_int_equal(begin(&world), 0);
	assert_said(parts);
	assert_not_said("ALTER");
	assert_not_said("DELETE FROM");
	free_world(&world);
}

static void a_second_restore_is_told_who_holds_the_lock(void **state)
{
	static const uint8_t timeout[4] = { 0xff, 0xff, 0xff, 0xff };
	struct value denied = number_value(timeout), granted = number_value(yes);
	struct value holder = { "b\0o\0x\0", 6 };
	struct world world;

	(void)state;
	make_world(&world);
	world.answers[0].values = &denied;
	add_answer(&world, "VIEW SERVER STATE", &granted);
	add_answer(&world, "FROM sys.dm_tran_locks", &holder);
	assert_true(begin(&world) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_BUSY);
	assert_non_null(strstr(world.error.detail, "box"));
	assert_not_said("TABLOCKX");
	free_world(&world);
}

static void another_shape_is_refused_by_name(void **state)
{
	struct world world;

	(void)state;
	make_world(&world);
	world.present->tables[2].columns[1].type = "bigint";
	assert_true(begin(&world) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_SCHEMA);
	assert_string_equal(world.error.object, "[dbo].[room].[n]");
	free_world(&world);
}

static void a_read_only_database_is_refused(void **state)
{
	struct world world;

	(void)state;
	make_world(&world);
	world.present->database.read_only = true;
	assert_true(begin(&world) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_DATABASE_STATE);
	free_world(&world);
}

static void constraints_and_triggers_go_off_and_come_back_in_their_states(void **state)
{
	static const char *const off[] = { "ALTER TABLE [dbo].[chat] NOCHECK CONSTRAINT [FK_room]\n",
		"ALTER TABLE [dbo].[room] NOCHECK CONSTRAINT [CK]]on]\n", "ALTER TABLE [dbo].[room] DISABLE TRIGGER [tr_on]\n",
		NULL };
	static const char *const on[] = { "ALTER TABLE [dbo].[chat] WITH CHECK CHECK CONSTRAINT [FK_room]\n",
		"ALTER TABLE [dbo].[room] WITH CHECK CHECK CONSTRAINT [CK]]on]\n",
		"ALTER TABLE [dbo].[room] ENABLE TRIGGER [tr_on]\n", NULL };
	struct world world;

	(void)state;
	make_world(&world);
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 2 }, 1, 1, &world.error), 0);
	assert_said(off);
	assert_not_said("FK_self"); /* neither of its ends changes */
	assert_not_said("FK_off");
	assert_not_said("CK_off");
	assert_not_said("tr_off");
	assert_int_equal(replace_put_back(world.replace, &world.error), 0);
	assert_said(on);
	assert_not_said("FK_off");
	assert_not_said("CK_off");
	assert_not_said("tr_off");
	free_world(&world);
}

static void a_key_that_was_not_trusted_is_not_checked(void **state)
{
	struct world world;

	(void)state;
	make_world(&world);
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 0 }, 1, 1, &world.error), 0);
	assert_int_equal(replace_put_back(world.replace, &world.error), 0);
	assert_said((const char *const[]){
		"[chat] NOCHECK CONSTRAINT [FK_self]", "[chat] WITH NOCHECK CHECK CONSTRAINT [FK_self]", NULL });
	assert_not_said("[room] NOCHECK");
	free_world(&world);
}

static int delete_range(struct world *world, uint32_t table, uint64_t rows)
{
	static const uint8_t three[4] = { 3 }, seven[4] = { 7 };
	const struct value first = number_value(three), last = number_value(seven);

	const struct replace_range ranges[] = { { .rows = rows - 1, .first = &first, .last = &last },
		{ .rows = 1, .first = &last, .last = &last } };

	return replace_delete(world->replace, table, ranges, 2, &world->error);
}

static void the_server_must_count_the_rows_that_were_to_go(void **state)
{
	static const uint8_t two[8] = { 2 };
	const struct value counted = { two, 8 };
	struct world world;

	(void)state;
	make_world(&world);
	add_answer(&world, "SELECT @deleted", &counted);
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 0 }, 1, 1, &world.error), 0);
	assert_int_equal(delete_range(&world, 0, 2), 0);
	assert_said((const char *const[]){
		"DECLARE @deleted bigint = 0; DELETE FROM [dbo].[chat] WITH (TABLOCKX) WHERE ([id] >= CAST(3 AS int)) AND "
		"([id] <= CAST(7 AS int)); SET @deleted = @deleted + ROWCOUNT_BIG(); "
		"DELETE FROM [dbo].[chat] WITH (TABLOCKX) WHERE [id] = CAST(7 AS int); "
		"SET @deleted = @deleted + ROWCOUNT_BIG(); SELECT @deleted\n",
		NULL });
	for (uint64_t rows = 1; rows <= 3; rows += 2) {
		world.error = (struct sql_error){ .kind = SQL_OK };
		assert_true(delete_range(&world, 0, rows) < 0);
		assert_int_equal(world.error.kind, SQL_ERROR_DIFFERS);
		assert_string_equal(world.error.object, "[dbo].[chat]");
	}
	world.error = (struct sql_error){ .kind = SQL_OK };
	assert_true(delete_range(&world, 1, 2) < 0); /* not prepared */
	assert_int_equal(world.error.kind, SQL_ERROR_WORKER);
	assert_not_said("[other] WITH (TABLOCKX) WHERE");
	free_world(&world);
}

struct truncate_case {
	const char *why;
	void (*forbid)(struct catalogue *catalogue, struct catalogue_table *chat);
};

static void by_nothing(struct catalogue *catalogue, struct catalogue_table *chat)
{
	(void)catalogue;
	(void)chat;
}

static void by_another_s_key(struct catalogue *catalogue, struct catalogue_table *chat)
{
	add_key(catalogue, &catalogue->tables[1], chat->object_id, "FK_other")->disabled = true;
}

static void by_a_feature(struct catalogue *catalogue, struct catalogue_table *chat)
{
	(void)catalogue;
	chat->features = FEATURE_CHANGE_TRACKING;
}

static void by_a_disabled_index(struct catalogue *catalogue, struct catalogue_table *chat)
{
	sample_index(catalogue, chat, 2, false, (const int[]){ 2, 0 })->disabled = true;
}

static void by_a_bound_view(struct catalogue *catalogue, struct catalogue_table *chat)
{
	(void)chat;
	catalogue->modules = catalogue_allocate(catalogue, sizeof *catalogue->modules);
	catalogue_record_init(&catalogue_record_module, catalogue->modules);
	catalogue->modules->schema = "dbo";
	catalogue->modules->name = "v";
	catalogue->modules->type = "V";
	catalogue->modules->schema_bound = true;
	catalogue->module_count = 1;
}

static void a_table_is_truncated_only_where_nothing_forbids_it(void **state)
{
	static const struct truncate_case cases[] = { { NULL, by_nothing }, { "another's key", by_another_s_key },
		{ "a feature", by_a_feature }, { "a disabled index", by_a_disabled_index },
		{ "a bound view", by_a_bound_view } };
	static const uint8_t two[8] = { 2 };
	const struct value counted = { two, 8 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world world;
		make_world(&world);
		cases[i].forbid(world.present, &world.present->tables[0]);
		add_answer(&world, "SELECT ROWCOUNT_BIG()", &counted);
		assert_int_equal(begin(&world), 0);
		assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 0 }, 1, 1, &world.error), 0);
		assert_int_equal(replace_empty(world.replace, 0, 2, &world.error), 0);
		if (cases[i].why) {
			assert_not_said("TRUNCATE");
			assert_said(
				(const char *const[]){ "DELETE FROM [dbo].[chat] WITH (TABLOCKX); SELECT ROWCOUNT_BIG()\n", NULL });
			assert_true(replace_empty(world.replace, 0, 3, &world.error) < 0);
			assert_int_equal(world.error.kind, SQL_ERROR_DIFFERS);
		} else {
			assert_said((const char *const[]){ "TRUNCATE TABLE [dbo].[chat]\n", NULL });
			assert_not_said("DELETE FROM");
		}
		free_world(&world);
	}
}

static void nothing_changes_outside_of_prepared_tables(void **state)
{
	struct world world;

	(void)state;
	make_world(&world);
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 1 }, 1, 1, &world.error), 0);
	assert_not_said("ALTER TABLE");
	assert_true(replace_table(world.replace, 0, &world.error) < 0);
	assert_not_said("DELETE FROM");
	free_world(&world);
}

static void tables_that_must_not_be_replaced_are_refused_by_name(void **state)
{
	struct world world;

	(void)state;
	make_world(&world);
	world.present->tables[0].features = FEATURE_TEMPORAL;
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 1 }, 1, 1, &world.error), 0);
	assert_true(replace_prepare(world.replace, (const uint32_t[]){ 0 }, 1, 1, &world.error) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_UNSUPPORTED);
	assert_string_equal(world.error.object, "[dbo].[chat]");
	free_world(&world);
}

static void an_enabled_ddl_trigger_is_refused_by_name(void **state)
{
	struct value name = { "g\0u\0a\0r\0d\0", 10 };
	struct world world;

	(void)state;
	make_world(&world);
	add_answer(&world, "r.parent_class = 0", &name);
	assert_int_equal(begin(&world), 0);
	assert_true(replace_prepare(world.replace, (const uint32_t[]){ 0 }, 1, 1, &world.error) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_UNSUPPORTED);
	assert_string_equal(world.error.object, "guard");
	assert_not_said("ALTER TABLE");
	free_world(&world);
}

struct identity_case {
	const char *wanted, *seed, *increment, *type;
	const char *now; /* UTF-16 of digits, NULL: never used */
	size_t now_size;
	const char *said;     /* NULL: nothing */
	const char *furthest; /* UTF-16 of digits: what the rows hold; NULL: no rows */
	size_t furthest_size;
};

static void identities_are_reseeded_by_what_was_used(void **state)
{
	static const struct identity_case cases[] = {
		{ "40", "1", "1", "int",
			"5\0"
			"0\0",
			4, "DBCC CHECKIDENT (N'[dbo].[room]', RESEED, 40) WITH NO_INFOMSGS", NULL, 0 },
		{ "40", "1", "1", "int",
			"4\0"
			"0\0",
			4, NULL, NULL, 0 },
		{ "40", "1", "1", "int", NULL, 0, "RESEED, 41)", NULL, 0 }, /* never used here: RESEED is the next value */
		{ NULL, "1", "1", "int", "7\0", 2, "RESEED, 0)", NULL, 0 }, /* shall count as never used */
		{ NULL, "1", "1", "int", NULL, 0, NULL, NULL, 0 },
		{ "-8", "-1", "-2", "int",
			"-\0"
			"9\0",
			4, "RESEED, -8)", NULL, 0 },
		{ "-8", "-1", "-2", "int", NULL, 0, "RESEED, -10)", NULL, 0 },
		{ NULL, "0", "1", "tinyint", "7\0", 2, NULL, NULL, 0 }, /* there is nothing before the seed */
		/* What the rows hold must not come again, whichever way the values go. */
		{ "40", "1", "1", "int",
			"5\0"
			"0\0",
			4, "RESEED, 45)",
			"4\0"
			"5\0",
			4 },
		{ "40", "1", "1", "int",
			"5\0"
			"0\0",
			4, "RESEED, 40)",
			"3\0"
			"5\0",
			4 },
		{ "-8", "-1", "-2", "int",
			"-\0"
			"9\0",
			4, "RESEED, -11)",
			"-\0"
			"1\0"
			"1\0",
			6 },
		{ "-8", "-1", "-2", "int",
			"-\0"
			"9\0",
			4, "RESEED, -8)",
			"-\0"
			"3\0",
			4 },
		{ NULL, "1", "1", "int", "7\0", 2, "RESEED, 3)", "3\0", 2 },
		{ "99999999999999999999999999999999999998", "1", "1", "decimal", NULL, 0,
			"RESEED, 99999999999999999999999999999999999999)", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct value now = { cases[i].now, cases[i].now_size };
		struct value furthest = { cases[i].furthest, cases[i].furthest_size };
		struct world world;
		make_world(&world);
		for (int j = 0; j < 2; j++) {
			struct catalogue_column *column = &(j ? world.wanted : world.present)->tables[2].columns[0];
			column->identity_last = j ? cases[i].wanted : NULL;
			column->identity_seed = cases[i].seed;
			column->identity_increment = cases[i].increment;
			column->type = cases[i].type;
		}
		add_answer(&world, "WHERE i.object_id = OBJECT_ID(N'[dbo].[room]')", &now);
		add_answer(&world, *cases[i].increment == '-' ? "MIN([id])" : "MAX([id])", &furthest);
		assert_int_equal(begin(&world), 0);
		assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 2 }, 1, 1, &world.error), 0);
		assert_int_equal(replace_put_back(world.replace, &world.error), 0);
		if (cases[i].said)
			assert_said((const char *const[]){ cases[i].said, NULL });
		else
			assert_not_said("CHECKIDENT");
		free_world(&world);
	}
}

/* Rows are equal, the value alone has moved: it is put back all the same; and where nothing moved, nobody asks. */
static void an_identity_that_alone_has_moved_is_put_back(void **state)
{
	(void)state;
	for (int moved = 0; moved < 2; moved++) {
		const struct value now = { moved ? "7\0"
										   "0\0"
										 : "4\0"
										   "0\0",
			4 };
		struct world world;
		make_world(&world);
		world.wanted->tables[2].columns[0].identity_last = "40";
		world.present->tables[2].columns[0].identity_last = moved ? "70" : "40";
		add_answer(&world, "WHERE i.object_id = OBJECT_ID(N'[dbo].[room]')", &now);
		assert_int_equal(begin(&world), 0);
		assert_true(identity_differs(&world.wanted->tables[2], &world.present->tables[2]) == (moved == 1));
		assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 2 }, 1, 0, &world.error), 0);
		assert_int_equal(replace_put_back(world.replace, &world.error), 0);
		if (moved)
			assert_said((const char *const[]){ "DBCC CHECKIDENT (N'[dbo].[room]', RESEED, 40)", NULL });
		else
			assert_not_said("OBJECT_ID(N'[dbo].[room]')");
		free_world(&world);
	}
}

/* The server's ROLLBACK gives no identity value back. What others have inserted since must not come twice. */
static void after_a_rollback_identities_are_put_back(void **state)
{
	static const struct {
		const char *before, *now, *furthest, *said;
	} cases[] = {
		{ "40",
			"7\0"
			"0\0",
			"3\0"
			"9\0",
			"RESEED, 40)" },
		{ "40",
			"7\0"
			"0\0",
			"7\0"
			"0\0",
			NULL },
		{ "40",
			"4\0"
			"0\0",
			"3\0"
			"9\0",
			NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct value now = { cases[i].now, 4 }, furthest = { cases[i].furthest, 4 };
		struct world world;
		make_world(&world);
		world.present->tables[2].columns[0].identity_last = cases[i].before;
		add_answer(&world, "WHERE i.object_id = OBJECT_ID(N'[dbo].[room]')", &now);
		add_answer(&world, "MAX([id])", &furthest);
		assert_int_equal(begin(&world), 0);
		assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 2 }, 1, 1, &world.error), 0);
		replace_undo_values(world.replace);
		if (cases[i].said)
			assert_said((const char *const[]){ "BEGIN TRANSACTION\n", "\nBEGIN TRANSACTION\n",
				"FROM [dbo].[room] WITH (TABLOCKX, HOLDLOCK)", cases[i].said, "COMMIT TRANSACTION\n", NULL });
		else
			assert_not_said("CHECKIDENT");
		free_world(&world);
	}
}

static struct catalogue_sequence *add_sequence(
	struct catalogue *catalogue, const char *start, const char *current, const char *last_used)
{
	catalogue->sequences = catalogue_allocate(catalogue, sizeof *catalogue->sequences);
	catalogue->sequence_count = 1;
	catalogue_record_init(&catalogue_record_sequence, catalogue->sequences);
	catalogue->sequences[0].schema = "dbo";
	catalogue->sequences[0].name = "ids";
	catalogue->sequences[0].start = start;
	catalogue->sequences[0].increment = "5";
	catalogue->sequences[0].minimum = "1";
	catalogue->sequences[0].maximum = "100";
	catalogue->sequences[0].current = current;
	catalogue->sequences[0].last_used = last_used;
	return catalogue->sequences;
}

struct sequence_case {
	int32_t version;
	const char *wanted, *wanted_used, *present, *present_used;
	bool cycling;
	const char *said;
	const char *start, *present_start; /* NULL: 1 */
};

static void sequences_go_on_where_the_snapshot_s_would(void **state)
{
	static const struct sequence_case cases[] = {
		{ 14, "11", "11", "21", "21", false, "ALTER SEQUENCE [dbo].[ids] RESTART WITH 16", NULL, NULL },
		{ 14, "11", NULL, "21", "21", false, "RESTART WITH 11", "11",
			NULL }, /* never used: its current value is next */
		{ 11, "11", NULL, "21", NULL, false, "RESTART WITH 16", "11",
			NULL },                                              /* not told: better one lost than two alike */
		{ 11, "11", NULL, "16", NULL, false, NULL, NULL, "16" }, /* as our own RESTART left it */
		{ 11, "11", NULL, "11", NULL, false, NULL, "11", "11" }, /* not told, and the same */
		{ 11, "11", NULL, "16", NULL, false, "RESTART WITH 16", NULL, NULL },
		{ 14, "11", "11", "16", NULL, false, NULL, NULL, "16" },
		{ 14, "11", NULL, "11", "11", false, "RESTART WITH 11", "11", "11" },
		{ 14, "98", "98", "21", "21", true, "RESTART WITH 1\n", NULL, NULL },
		{ 14, "98", "98", "21", "21", false, NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct world world;
		make_world(&world);
		world.wanted->database.server_major = world.present->database.server_major = cases[i].version;
		add_sequence(world.wanted, cases[i].start ? cases[i].start : "1", cases[i].wanted, cases[i].wanted_used)
			->cycling = cases[i].cycling;
		add_sequence(world.present, cases[i].present_start ? cases[i].present_start : "1", cases[i].present,
			cases[i].present_used);
		assert_int_equal(begin(&world), 0);
		assert_int_equal(replace_put_back(world.replace, &world.error), 0);
		if (cases[i].said)
			assert_said((const char *const[]){ cases[i].said, NULL });
		else
			assert_not_said("RESTART");
		free_world(&world);
	}
}

static void a_commit_without_an_answer_is_unknown(void **state)
{
	static const enum sql_error_kind kinds[] = { SQL_ERROR_LOST, SQL_ERROR_STALLED, SQL_ERROR_SERVER };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world world;
		make_world(&world);
		add_answer(&world, "COMMIT TRANSACTION", NULL);
		world.answers[world.own - 1].error = kinds[i];
		assert_int_equal(begin(&world), 0);
		assert_true(replace_commit(world.replace, &world.error) < 0);
		assert_int_equal(world.error.kind, kinds[i] == SQL_ERROR_SERVER ? SQL_ERROR_SERVER : SQL_ERROR_UNKNOWN_OUTCOME);
		free_world(&world);
	}
}

static void a_doomed_transaction_is_never_committed(void **state)
{
	static const uint8_t no[4] = { 0 };
	struct value doomed = number_value(no);
	struct world world;

	(void)state;
	make_world(&world);
	world.answers[1].values = &doomed;
	assert_int_equal(begin(&world), 0);
	assert_true(replace_commit(world.replace, &world.error) < 0);
	assert_not_said("COMMIT TRANSACTION");
	free_world(&world);
}

static void a_log_that_is_flushed_later_is_flushed_before_the_restore_is_done(void **state)
{
	static const uint8_t forced[4] = { 2 };
	struct value durability = number_value(forced);
	struct world world;

	(void)state;
	make_world(&world);
	world.answers[2].values = &durability;
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_commit(world.replace, &world.error), 0);
	assert_said((const char *const[]){ "COMMIT TRANSACTION", "EXEC sys.sp_flush_log", NULL });
	free_world(&world);

	make_world(&world);
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_commit(world.replace, &world.error), 0);
	assert_not_said("sp_flush_log");
	free_world(&world);
}

static void statistics_come_after_the_commit_and_may_fail(void **state)
{
	struct world world;
	uint8_t notes[4096];

	(void)state;
	make_world(&world);
	add_answer(&world, "UPDATE STATISTICS", NULL);
	world.answers[world.own - 1].error = SQL_ERROR_RETRY;
	assert_int_equal(begin(&world), 0);
	assert_int_equal(replace_prepare(world.replace, (const uint32_t[]){ 1 }, 1, 1, &world.error), 0);
	assert_int_equal(replace_commit(world.replace, &world.error), 0);
	assert_not_said("UPDATE STATISTICS"); /* the commit is told before they begin */
	replace_statistics(world.replace);
	assert_said((const char *const[]){ "COMMIT TRANSACTION", "UPDATE STATISTICS [dbo].[other]", NULL });
	ssize_t size = recv(world.keeper, notes, sizeof notes, MSG_DONTWAIT);
	assert_true(size > 0);
	assert_non_null(memmem(notes, (size_t)size, "Statistics of [dbo].[other]", 27));
	free_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_locked_before_shapes_are_compared),
		cmocka_unit_test(a_second_restore_is_told_who_holds_the_lock),
		cmocka_unit_test(another_shape_is_refused_by_name),
		cmocka_unit_test(a_read_only_database_is_refused),
		cmocka_unit_test(constraints_and_triggers_go_off_and_come_back_in_their_states),
		cmocka_unit_test(a_key_that_was_not_trusted_is_not_checked),
		cmocka_unit_test(the_server_must_count_the_rows_that_were_to_go),
		cmocka_unit_test(a_table_is_truncated_only_where_nothing_forbids_it),
		cmocka_unit_test(nothing_changes_outside_of_prepared_tables),
		cmocka_unit_test(tables_that_must_not_be_replaced_are_refused_by_name),
		cmocka_unit_test(an_enabled_ddl_trigger_is_refused_by_name),
		cmocka_unit_test(identities_are_reseeded_by_what_was_used),
		cmocka_unit_test(an_identity_that_alone_has_moved_is_put_back),
		cmocka_unit_test(after_a_rollback_identities_are_put_back),
		cmocka_unit_test(sequences_go_on_where_the_snapshot_s_would),
		cmocka_unit_test(a_commit_without_an_answer_is_unknown),
		cmocka_unit_test(a_doomed_transaction_is_never_committed),
		cmocka_unit_test(a_log_that_is_flushed_later_is_flushed_before_the_restore_is_done),
		cmocka_unit_test(statistics_come_after_the_commit_and_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
