/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a catalogue, and rows whose values are too long to come as one. */
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

#include "agent/sql/message.h"
#include "agent/sql/reader.h"
#include "agent/sql/variant.h"
#include "agent/table/bytes.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_catalogue.h"
#include "tests/support/table_rows.h"

/* ---- the catalogue ---- */

static const struct column_sample chat[] = { { "room", "int", 4, 10, 0, false }, { "no", "bigint", 8, 19, 0, false },
	{ "text", "nvarchar", -1, 0, 0, true } };

static struct catalogue *make_catalogue(void)
{
	struct catalogue *catalogue;

	assert_int_equal(catalogue_new(&catalogue), 0);
	catalogue->database.name = "m\xc3\xa9moire \xf0\x9f\x99\x82";
	catalogue->database.snapshot_isolation = 1;
	catalogue->database.code_page = 1252;
	for (int i = 0; i < 3; i++)
		sample_index(catalogue, sample_table(catalogue, "dbo", (const char *[]){ "a", "b", "c" }[i], chat, 3), 1, true,
			(const int[]){ 1, -2, 0 });
	catalogue->tables[1].columns[0].identity = true;
	catalogue->tables[1].columns[0].identity_last = "-7";
	return catalogue;
}

static void what_the_server_tells_becomes_the_catalogue(void **state)
{
	struct catalogue *told = make_catalogue(), *read;
	struct fake_answer answers[FAKE_CATALOGUE_ANSWERS];
	struct sql_error error = { .kind = SQL_OK };
	uint8_t *a, *b;
	size_t a_size, b_size;

	(void)state;
	fake_catalogue(told, answers);
	assert_int_equal(catalogue_read(&read, fake_session(15, answers), &error), 0);
	assert_int_equal(catalogue_encode(told, &a, &a_size), 0);
	assert_int_equal(catalogue_encode(read, &b, &b_size), 0);
	assert_int_equal(a_size, b_size);
	assert_memory_equal(a, b, a_size);
	free(a);
	free(b);
	catalogue_free(read);
	catalogue_free(told);
	fake_catalogue_free();
}

static void features_come_from_columns_and_indexes_too(void **state)
{
	struct catalogue *told = make_catalogue(), *read;
	struct fake_answer answers[FAKE_CATALOGUE_ANSWERS];
	struct sql_error error = { .kind = SQL_OK };

	(void)state;
	told->tables[0].columns[2].encrypted = true;
	told->tables[1].columns[2].type = "vector";
	told->tables[2].indexes[0].type = 5;
	fake_catalogue(told, answers);
	assert_int_equal(catalogue_read(&read, fake_session(12, answers), &error), 0);
	assert_int_equal(read->tables[0].features, FEATURE_ENCRYPTED);
	assert_int_equal(read->tables[1].features, FEATURE_UNKNOWN_TYPE);
	assert_int_equal(read->tables[2].features, FEATURE_COLUMNSTORE_OLD);
	catalogue_free(read);
	catalogue_free(told);
	fake_catalogue_free();
}

/* ---- what may not be seen ---- */

struct hidden_case {
	const char *query; /* that answers this */
	struct value value;
	enum sql_error_kind kind;
	const char *object;
};

static void what_may_not_be_seen_is_an_error_that_names_it(void **state)
{
	static const uint8_t no[4] = { 0 }, yes[4] = { 1 }, two[8] = { 2 };
	const struct hidden_case cases[] = { { "'DATABASE', 'VIEW DEFINITION'", { no, 4 }, SQL_ERROR_RIGHTS,
											 "m\xc3\xa9moire \xf0\x9f\x99\x82" },
		{ "FROM sys.partitions p WHERE", { two, 8 }, SQL_ERROR_RIGHTS, "m\xc3\xa9moire \xf0\x9f\x99\x82" },
		{ "FROM sys.database_permissions p WHERE", { two, 8 }, SQL_ERROR_RIGHTS, "m\xc3\xa9moire \xf0\x9f\x99\x82" },
		{ "m.definition IS NULL", { "[\0p\0]\0", 6 }, SQL_ERROR_RIGHTS, "[p]" },
		{ "FROM sys.check_constraints c JOIN sys.tables t ON t.object_id = c.parent_object_id WHERE",
			{ "[\0c\0]\0", 6 }, SQL_ERROR_RIGHTS, "[c]" },
		{ "FROM sys.default_constraints c", { "[\0d\0]\0", 6 }, SQL_ERROR_RIGHTS, "[d]" },
		{ "FROM sys.computed_columns c", { "[\0x\0]\0", 6 }, SQL_ERROR_RIGHTS, "[x]" } };
	struct catalogue *catalogue = make_catalogue();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct value granted = { yes, 4 };
		struct fake_answer answers[] = { { .part = cases[i].query, .values = &cases[i].value, .columns = 1, .rows = 1 },
			{ .part = "'DATABASE', 'VIEW D", .values = &granted, .columns = 1, .rows = 1, .again = true },
			{ .part = NULL } };
		struct sql_error error = { .kind = SQL_OK };
		assert_true(catalogue_check_complete(catalogue, fake_session(15, answers), NULL, 0, &error) < 0);
		assert_int_equal(error.kind, cases[i].kind);
		assert_string_equal(error.object, cases[i].object);
	}
	catalogue_free(catalogue);
}

static int check_with(struct catalogue *catalogue, int version, const struct value *unmask, const char *const *left_out,
	size_t left_out_count, struct sql_error *error)
{
	static const uint8_t yes[4] = { 1 };
	static uint8_t ids[3][4];
	static struct value selects[6];
	const struct value granted = { yes, 4 };
	struct fake_answer answers[] = { { .part = "UNMASK", .values = unmask, .columns = 1, .rows = 1, .again = true },
		{ .part = "'DATABASE', 'VIEW DEFINITION'", .values = &granted, .columns = 1, .rows = 1 },
		{ .part = "'OBJECT', 'SELECT'", .values = selects, .columns = 2, .rows = 3 }, { .part = NULL } };

	for (int i = 0; i < 3; i++) {
		put_number(ids[i], (uint64_t)catalogue->tables[i].object_id, 4);
		selects[2 * i] = (struct value){ ids[i], 4 };
		selects[2 * i + 1] = (struct value){ yes, 4 };
	}
	*error = (struct sql_error){ .kind = SQL_OK };
	return catalogue_check_complete(catalogue, fake_session(version, answers), left_out, left_out_count, error);
}

static void a_table_without_select_must_be_left_out_or_refused(void **state)
{
	static const uint8_t no[4] = { 0 }, yes[4] = { 1 };
	struct catalogue *catalogue = make_catalogue();
	uint8_t id[4];
	const struct value granted = { yes, 4 };
	static const char *const left_out[] = { "dbo.b" };

	(void)state;
	put_number(id, (uint64_t)catalogue->tables[1].object_id, 4);
	for (size_t count = 0; count < 2; count++) {
		const struct value select[] = { { id, 4 }, { no, 4 } };
		struct fake_answer answers[] = {
			{ .part = "'DATABASE', 'VIEW DEFINITION'", .values = &granted, .columns = 1, .rows = 1 },
			{ .part = "'OBJECT', 'SELECT'", .values = select, .columns = 2, .rows = 1 }, { .part = NULL }
		};
		struct sql_error error = { .kind = SQL_OK };
		int result = catalogue_check_complete(catalogue, fake_session(15, answers), left_out, count, &error);
		assert_int_equal(result < 0, count == 0);
		if (count == 0)
			assert_string_equal(error.object, "[dbo].[b]");
		/* NULL: the server cannot tell, and the reading will. */
		answers[0].used = answers[1].used = false;
		answers[1].values = (const struct value[]){ { id, 4 }, { NULL, 0 } };
		error = (struct sql_error){ .kind = SQL_OK };
		assert_int_equal(catalogue_check_complete(catalogue, fake_session(15, answers), left_out, count, &error), 0);
	}
	catalogue_free(catalogue);
}

static void masked_columns_need_unmask(void **state)
{
	static const uint8_t no[4] = { 0 }, yes[4] = { 1 };
	struct catalogue *catalogue = make_catalogue();
	struct sql_error error;

	(void)state;
	catalogue->tables[2].features = FEATURE_MASKED;
	assert_int_equal(check_with(catalogue, 15, &(struct value){ yes, 4 }, NULL, 0, &error), 0);
	assert_true(check_with(catalogue, 15, &(struct value){ no, 4 }, NULL, 0, &error) < 0);
	assert_int_equal(error.kind, SQL_ERROR_RIGHTS);
	assert_string_equal(error.object, "[dbo].[c]");
	assert_true(check_with(catalogue, 16, &(struct value){ no, 4 }, NULL, 0, &error) < 0);
	assert_non_null(strstr(fake_session_said(), "HAS_PERMS_BY_NAME(N'[dbo].[c]', 'OBJECT', 'UNMASK')"));
	catalogue_free(catalogue);
}

/* ---- long values ---- */

#define LONG_SIZE 5000u
static uint8_t long_value[LONG_SIZE];
static uint8_t long_size[8];

struct world {
	struct catalogue *catalogue;
	struct reader reader;
	struct uplink uplink;
	struct rowgroup_params params;
	struct sql_error error;
	int keeper;
};

static void make_world(struct world *world, struct session *session)
{
	int sockets[2];

	memset(world, 0, sizeof *world);
	for (size_t i = 0; i < LONG_SIZE; i++)
		long_value[i] = (uint8_t)(i / 7);
	put64(long_size, LONG_SIZE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	uplink_init(&world->uplink, sockets[0]);
	world->keeper = sockets[1];
	world->catalogue = make_catalogue();
	world->params = rowgroup_params_default;
	world->params.piece_size = 1024;
	world->params.inline_limit = 100;
	world->reader = (struct reader){ .session = session,
		.uplink = &world->uplink,
		.params = &world->params,
		.with_chunks = true,
		.phase = PHASE_READ,
		.error = &world->error,
		.catalogue = world->catalogue };
}

static void free_world(struct world *world)
{
	catalogue_free(world->catalogue);
	close(world->uplink.socket);
	close(world->keeper);
}

static const uint8_t room[4] = { 3 }, numbers[3][8] = { { 30 }, { 20 }, { 10 } };
static const struct value first_rows[] = { { room, 4 }, { numbers[0], 8 }, { "a\0", 2 }, { NULL, 0 }, { room, 4 },
	{ numbers[1], 8 }, { NULL, 0 }, { long_size, 8 } };
static const struct value later_rows[] = { { room, 4 }, { numbers[2], 8 }, { "", 0 }, { NULL, 0 } };

/* The digest of the same rows with their values whole. */
static struct table_digest expected_digest(struct world *world)
{
	struct catalogue_layout layout;
	struct rowgroup_writer *writer;
	struct chunk_list chunks = { 0 };
	struct table_digest digest;
	const struct value long_row[] = { first_rows[4], first_rows[5], { long_value, LONG_SIZE } };

	assert_int_equal(catalogue_layout(&layout, &world->catalogue->tables[0]), 0);
	assert_int_equal(rowgroup_create(&writer, &layout.layout, &world->params, chunk_list_emit, &chunks), 0);
	assert_int_equal(rowgroup_row(writer, first_rows), 0);
	assert_int_equal(rowgroup_row(writer, long_row), 0);
	assert_int_equal(rowgroup_row(writer, later_rows), 0);
	assert_int_equal(rowgroup_finish(writer, &digest), 0);
	rowgroup_free(writer);
	chunk_list_free(&chunks);
	catalogue_layout_free(&layout);
	return digest;
}

static void a_long_value_comes_in_pieces_and_reading_goes_on_after_its_key(void **state)
{
	const struct value parts[] = { { long_value, 4096 }, { long_value + 4096, LONG_SIZE - 4096 } };
	struct fake_answer answers[] = {
		{ .part = "FROM [dbo].[a] ORDER BY", .values = first_rows, .columns = 4, .rows = 2 },
		{ .part = "SUBSTRING(CAST([text] AS varbinary(max)), 1, 4096) FROM [dbo].[a] WHERE [room] = CAST(3 AS int) AND "
				  "[no] = CAST(20 AS bigint)",
			.values = &parts[0],
			.columns = 1,
			.rows = 1 },
		{ .part = ", 4097, 904) FROM [dbo].[a] WHERE", .values = &parts[1], .columns = 1, .rows = 1 },
		{ .part = "FROM [dbo].[a] WHERE [room] = CAST(3 AS int) AND [no] = CAST(20 AS bigint)",
			.values = first_rows + 4,
			.columns = 4,
			.rows = 1 },
		{ .part = "FROM [dbo].[a] WHERE ([room] >= CAST(3 AS int)) AND (",
			.values = later_rows,
			.columns = 4,
			.rows = 1 },
		{ .part = NULL }
	};
	struct table_digest digest, expected;
	struct world world;

	(void)state;
	make_world(&world, fake_session(13, answers));
	assert_int_equal(reader_table(&world.reader, 0, &digest), 0);
	expected = expected_digest(&world);
	assert_true(table_digest_equal(&digest, &expected));
	assert_int_equal(digest.rows, 3);
	for (size_t i = 0; answers[i].part; i++)
		assert_true(answers[i].used);
	assert_non_null(
		strstr(fake_session_said(), " ORDER BY [room], [no] DESC OPTION (MAXDOP 1)\n<cancel>\nSELECT SUBSTRING"));
	free_world(&world);
}

static void a_long_value_in_a_table_without_a_key_is_refused_by_name(void **state)
{
	struct fake_answer answers[] = { { .part = "FROM [dbo].[a]", .values = first_rows, .columns = 4, .rows = 2 },
		{ .part = NULL } };
	struct table_digest digest;
	struct world world;

	(void)state;
	/* A heap, and a clustered index that two rows may share. */
	for (uint32_t indexes = 0; indexes < 2; indexes++) {
		answers[0].used = false;
		make_world(&world, fake_session(13, answers));
		world.catalogue->tables[0].index_count = indexes;
		world.catalogue->tables[0].indexes[0].unique = false;
		assert_true(reader_table(&world.reader, 0, &digest) < 0);
		assert_int_equal(world.error.kind, SQL_ERROR_UNSUPPORTED);
		assert_string_equal(world.error.object, "[dbo].[a]");
		free_world(&world);
	}
}

static void a_long_value_that_changes_meanwhile_starts_the_backup_again(void **state)
{
	const struct value shorter = { long_value, 4000 };
	struct fake_answer answers[] = {
		{ .part = "FROM [dbo].[a] ORDER BY", .values = first_rows, .columns = 4, .rows = 2 },
		{ .part = "SUBSTRING", .values = &shorter, .columns = 1, .rows = 1 }, { .part = NULL }
	};
	struct table_digest digest;
	struct world world;

	(void)state;
	make_world(&world, fake_session(13, answers));
	assert_true(reader_table(&world.reader, 0, &digest) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_RETRY);
	free_world(&world);
}

static void a_row_too_large_for_a_chunk_is_refused_with_table_and_limit(void **state)
{
	enum { COLUMNS = 10 };
	struct column_sample samples[COLUMNS];
	struct value row[COLUMNS];
	struct fake_answer answers[] = { { .part = "FROM [dbo].[wide]", .values = row, .columns = COLUMNS, .rows = 1 },
		{ .part = NULL } };
	struct table_digest digest;
	struct world world;

	(void)state;
	for (size_t i = 0; i < COLUMNS; i++) {
		samples[i] = (struct column_sample){ "c", "varchar", 100, 0, 0, true };
		row[i] = (struct value){ long_value, 48 }; /* too short to leave the row */
	}
	make_world(&world, fake_session(13, answers));
	catalogue_free(world.catalogue);
	assert_int_equal(catalogue_new(&world.catalogue), 0);
	sample_table(world.catalogue, "dbo", "wide", samples, COLUMNS);
	world.reader.catalogue = world.catalogue;
	world.params.max_bytes = 1024;
	world.params.least_bytes = 0;
	assert_true(reader_table(&world.reader, 0, &digest) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_ROW_TOO_LARGE);
	assert_string_equal(world.error.object, "[dbo].[wide]");
	assert_non_null(strstr(world.error.detail, "1024 bytes"));
	free_world(&world);
}

/* ---- consistency ---- */

static void a_backup_without_snapshot_isolation_says_what_to_run(void **state)
{
	struct fake_answer answers[FAKE_CATALOGUE_ANSWERS];
	struct world world;

	(void)state;
	make_world(&world, NULL);
	world.catalogue->database.name = "odd]name";
	world.catalogue->database.snapshot_isolation = 0;
	fake_catalogue(world.catalogue, answers);
	world.reader.session = fake_session(13, answers);
	world.reader.catalogue = NULL;
	assert_true(reader_run(&world.reader) < 0);
	assert_int_equal(world.error.kind, SQL_ERROR_CONSISTENCY);
	assert_non_null(strstr(world.error.detail, "ALTER DATABASE [odd]]name] SET ALLOW_SNAPSHOT_ISOLATION ON"));
	assert_null(strstr(fake_session_said(), "BEGIN TRANSACTION"));
	fake_catalogue_free();
	free_world(&world);
}

static int run_with(uint8_t open_transactions, enum consistency consistency, struct sql_error *error)
{
	const uint8_t open[4] = { open_transactions }, yes[4] = { 1 };
	const struct value count = { open, 4 }, granted = { yes, 4 };
	struct fake_answer answers[2 + FAKE_CATALOGUE_ANSWERS] = {
		{ .part = "SELECT CAST(@@TRANCOUNT AS int)", .values = &count, .columns = 1, .rows = 1 },
		{ .part = "'DATABASE', 'VIEW DEFINITION'", .values = &granted, .columns = 1, .rows = 1 }
	};
	struct world world;
	int result;

	make_world(&world, NULL);
	fake_catalogue(world.catalogue, answers + 2);
	world.reader.session = fake_session(13, answers);
	world.reader.consistency = consistency;
	world.reader.catalogue = NULL;
	result = reader_run(&world.reader);
	*error = world.error;
	catalogue_free(world.reader.catalogue);
	fake_catalogue_free();
	free_world(&world);
	return result;
}

static void a_transaction_that_was_gone_at_the_last_row_makes_no_backup(void **state)
{
	struct sql_error error;

	(void)state;
	assert_int_equal(run_with(1, CONSISTENCY_SNAPSHOT, &error), 0);
	assert_non_null(strstr(fake_session_said(), "SET XACT_ABORT OFF; SET TRANSACTION ISOLATION LEVEL SNAPSHOT"));
	assert_non_null(strstr(fake_session_said(), "SET XACT_ABORT ON; IF @@TRANCOUNT > 0 ROLLBACK"));
	assert_true(run_with(0, CONSISTENCY_SNAPSHOT, &error) < 0);
	assert_int_equal(error.kind, SQL_ERROR_RETRY);
	assert_true(run_with(0, CONSISTENCY_LOCK, &error) < 0);
	assert_int_equal(run_with(0, CONSISTENCY_LOOSE, &error), 0);
}

/* ---- sql_variant ---- */

struct variant_case {
	const char *base;
	int32_t precision, scale, max_length;
	const void *bytes;
	size_t size;
	const void *moment, *datetime;
	const char *body;
	size_t body_size;
};

#define BODY(literal) literal, sizeof(literal) - 1

static void variants_become_what_tds_sends(void **state)
{
	static const struct variant_case cases[] = { { "int", 10, 0, 4, "\xff\xff\xff\xff\xff\xff\xff\xd6", 8, NULL, NULL,
													 BODY("\x38\0\xd6\xff\xff\xff") },
		{ "bit", 1, 0, 1, "\0\0\0\0\0\0\0\1", 8, NULL, NULL, BODY("\x32\0\1") },
		{ "bigint", 19, 0, 8, "\1\2\3\4\5\6\7\x08", 8, NULL, NULL, BODY("\x7f\0\x08\7\6\5\4\3\2\1") },
		{ "float", 53, 0, 8, "\x3f\xf0\0\0\0\0\0\0", 8, NULL, NULL, BODY("\x3e\0\0\0\0\0\0\0\xf0\x3f") },
		{ "real", 24, 0, 4, "\x3f\x80\0\0", 4, NULL, NULL, BODY("\x3b\0\0\0\x80\x3f") },
		{ "money", 19, 4, 8, "\1\2\3\4\5\6\7\x08", 8, NULL, NULL, BODY("\x3c\0\4\3\2\1\x08\7\6\5") },
		{ "smallmoney", 10, 4, 4, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, NULL, NULL, BODY("\x7a\0\xff\xff\xff\xff") },
		{ "decimal", 5, 2, 5,
			"-\0"
			"1\0"
			".\0"
			"2\0"
			"3\0",
			10, NULL, NULL, BODY("\x6a\2\5\2\0\x7b\0\0\0") },
		{ "numeric", 38, 0, 17, "7\0", 2, NULL, NULL, BODY("\x6c\2\x26\0\1\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
		{ "date", 10, 0, 3, "x", 1, "\0\0\0\0\0\xda\xb9\x37\0\0", NULL, BODY("\x28\0\xda\xb9\x37") },
		{ "time", 11, 2, 3, "x", 1, "\x40\x0d\x03\0\0\0\0\0\0\0", NULL, BODY("\x29\1\2\2\0\0") },
		{ "datetime2", 27, 7, 8, "x", 1, "\1\0\0\0\0\xda\xb9\x37\0\0", NULL, BODY("\x2a\1\7\1\0\0\0\0\xda\xb9\x37") },
		{ "datetimeoffset", 34, 7, 10, "x", 1, "\1\0\0\0\0\xda\xb9\x37\xc4\xff", NULL,
			BODY("\x2b\1\7\1\0\0\0\0\xda\xb9\x37\xc4\xff") },
		{ "datetime", 23, 3, 8, "x", 1, NULL, "\1\2\3\4\5\6\7\x08", BODY("\x3d\0\1\2\3\4\5\6\7\x08") },
		{ "smalldatetime", 16, 0, 4, "x", 1, NULL, "\1\2\0\0\x50\x46\0\0", BODY("\x3a\0\1\2\1\0") },
		{ "uniqueidentifier", 0, 0, 16, "0123456789abcdef", 16, NULL, NULL,
			BODY("\x24\0"
				 "0123456789abcdef") },
		{ "varbinary", 0, 0, 20, "", 0, NULL, NULL, BODY("\xa5\2\x14\0") },
		{ "nvarchar", 0, 0, 20, "\0\xd8", 2, NULL, NULL, BODY("\xe7\7\1\2\3\4\5\x14\0\0\xd8") },
		{ "varchar", 0, 0, 300, "\xe9", 1, NULL, NULL, BODY("\xa7\7\1\2\3\4\5\x2c\1\xe9") } };
	static const struct variant_collations collations = { .list = { { "C_A", { 1, 2, 3, 4, 5 } } }, .count = 1 };
	uint8_t body[VARIANT_BODY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct variant_case *at = &cases[i];
		char base[64];
		size_t length = strlen(at->base);
		for (size_t j = 0; j < length; j++) {
			base[2 * j] = at->base[j];
			base[2 * j + 1] = 0;
		}
		const struct value bytes = { at->bytes, at->size };
		const struct value extra[VARIANT_EXTRAS] = { [VARIANT_BASE] = { base, 2 * length },
			[VARIANT_PRECISION] = { &at->precision, 4 },
			[VARIANT_SCALE] = { &at->scale, 4 },
			[VARIANT_MAX_LENGTH] = { &at->max_length, 4 },
			[VARIANT_COLLATION] = { "C\0_\0A\0", 6 },
			[VARIANT_MOMENT] = { at->moment, at->moment ? 10 : 0 },
			[VARIANT_DATETIME] = { at->datetime, at->datetime ? 8 : 0 } };
		int size = variant_body(body, &bytes, extra, &collations);
		if (size != (int)at->body_size || memcmp(body, at->body, at->body_size) != 0)
			fail_msg("%s is another: %d bytes", at->base, size);
	}
}

static void a_null_variant_is_null_and_an_unknown_one_an_error(void **state)
{
	static const struct variant_collations none;
	const struct value null[VARIANT_EXTRAS] = { { NULL, 0 } };
	const struct value unknown[VARIANT_EXTRAS] = { [VARIANT_BASE] = { "x\0m\0l\0", 6 } };
	const struct value collated[VARIANT_EXTRAS] = {
		[VARIANT_BASE] = { "c\0h\0a\0r\0", 8 }, [VARIANT_COLLATION] = { "C\0", 2 }
	};
	uint8_t body[VARIANT_BODY_MAX];

	(void)state;
	assert_int_equal(variant_body(body, &(struct value){ NULL, 0 }, null, &none), 0);
	assert_int_equal(variant_body(body, &(struct value){ "x", 1 }, unknown, &none), -EPROTO);
	assert_int_equal(variant_body(body, &(struct value){ "x", 1 }, collated, &none), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_the_server_tells_becomes_the_catalogue),
		cmocka_unit_test(features_come_from_columns_and_indexes_too),
		cmocka_unit_test(what_may_not_be_seen_is_an_error_that_names_it),
		cmocka_unit_test(a_table_without_select_must_be_left_out_or_refused),
		cmocka_unit_test(masked_columns_need_unmask),
		cmocka_unit_test(a_long_value_comes_in_pieces_and_reading_goes_on_after_its_key),
		cmocka_unit_test(a_long_value_in_a_table_without_a_key_is_refused_by_name),
		cmocka_unit_test(a_long_value_that_changes_meanwhile_starts_the_backup_again),
		cmocka_unit_test(a_row_too_large_for_a_chunk_is_refused_with_table_and_limit),
		cmocka_unit_test(a_backup_without_snapshot_isolation_says_what_to_run),
		cmocka_unit_test(a_transaction_that_was_gone_at_the_last_row_makes_no_backup),
		cmocka_unit_test(variants_become_what_tds_sends),
		cmocka_unit_test(a_null_variant_is_null_and_an_unknown_one_an_error) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
