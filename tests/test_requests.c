/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation of keeper and worker: each request has one answer, whatever happens in between. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/sql/catalogue.h"
#include "agent/sql/requests.h"
#include "agent/sql/worker.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_catalogue.h"
#include "tests/support/table_rows.h"

static const struct column_sample columns[] = { { "id", "int", 4, 10, 0, false },
	{ "b", "varbinary", -1, 0, 0, true } };
static const struct fake_type types[] = { { "\x38", 1, 8 }, { "\xa5\xff\xff", 3, 9 } };
static const uint8_t one[4] = { 1 };
static const struct value granted = { one, 4 };
static uint8_t keeper_buffer[MESSAGE_SIZE_MAX], worker_buffer[MESSAGE_SIZE_MAX];

struct world {
	struct catalogue *catalogue;
	struct fake_answer answers[5 + FAKE_CATALOGUE_ANSWERS];
	struct chunk_list chunks;
	struct table_digest digest;
	struct rowgroup_params params;
	struct uplink uplink;
	struct worker_setting setting;
	pthread_t worker;
	int keeper, result;
};

static void *serve(void *arg)
{
	struct world *world = arg;
	struct session *session = fake_session(13, world->answers);

	fake_session_types(types, 2);
	fake_session_count(2);
	world->result = requests_run(session, &world->uplink, &world->setting, worker_buffer);
	return NULL;
}

static void make_chunks(struct world *world)
{
	struct catalogue_layout layout;
	struct rowgroup_writer *writer;
	static uint8_t large[3000];

	assert_int_equal(catalogue_layout(&layout, &world->catalogue->tables[0]), 0);
	assert_int_equal(rowgroup_create(&writer, &layout.layout, &world->params, chunk_list_emit, &world->chunks), 0);
	assert_int_equal(rowgroup_row(writer, (const struct value[]){ { "\1\0\0\0", 4 }, { "x", 1 } }), 0);
	assert_int_equal(rowgroup_row(writer, (const struct value[]){ { "\2\0\0\0", 4 }, { large, sizeof large } }), 0);
	assert_int_equal(rowgroup_finish(writer, &world->digest), 0);
	rowgroup_free(writer);
	catalogue_layout_free(&layout);
}

static void start(struct world *world, bool restore)
{
	int sockets[2];

	memset(world, 0, sizeof *world);
	assert_int_equal(catalogue_new(&world->catalogue), 0);
	world->catalogue->database.name = "mgc";
	world->catalogue->database.snapshot_isolation = 1;
	sample_index(
		world->catalogue, sample_table(world->catalogue, "dbo", "t", columns, 2), 1, true, (const int[]){ 1, 0 });
	world->params = rowgroup_params_default;
	world->params.inline_limit = 100;
	world->params.piece_size = 1024;
	make_chunks(world);
	world->answers[0] =
		(struct fake_answer){ .part = "sp_getapplock", .values = &granted, .columns = 1, .rows = 1, .again = true };
	world->answers[1] = (struct fake_answer){ .part = "XACT_STATE", .values = &granted, .columns = 1, .rows = 1 };
	world->answers[2] = (struct fake_answer){
		.part = "'DATABASE', 'VIEW DEFINITION'", .values = &granted, .columns = 1, .rows = 1, .again = true
	};
	world->answers[3] = (struct fake_answer){ .part = "SUBSTRING(" };
	world->answers[4] = (struct fake_answer){
		.part = "SELECT CAST(@@TRANCOUNT", .values = &granted, .columns = 1, .rows = 1, .again = true
	};
	fake_catalogue(world->catalogue, world->answers + 5);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	uplink_init(&world->uplink, sockets[0]);
	world->keeper = sockets[1];
	world->setting = (struct worker_setting){ .restore = restore, .database = "mgc" };
	assert_int_equal(pthread_create(&world->worker, NULL, serve, world), 0);
}

static void stop(struct world *world)
{
	close(world->keeper);
	pthread_join(world->worker, NULL);
	close(world->uplink.socket);
	chunk_list_free(&world->chunks);
	catalogue_free(world->catalogue);
	fake_catalogue_free();
}

static void say(struct world *world, enum message_type type, const void *payload, size_t size)
{
	assert_int_equal(message_send(world->keeper, type, payload, size), 0);
}

/* The next message that is no sign of life, progress or note. */
static enum message_type hear(struct world *world, struct unpacker *unpacker)
{
	enum message_type type;
	size_t size;

	do {
		int got = message_receive(world->keeper, 5000, &type, keeper_buffer, &size);
		if (got != 1)
			fail_msg("no answer: %d", got);
	} while (type == MESSAGE_ALIVE || type == MESSAGE_PROGRESS || type == MESSAGE_NOTE);
	*unpacker = (struct unpacker){ .bytes = keeper_buffer, .size = size };
	return type;
}

static uint64_t hear_done(struct world *world)
{
	struct unpacker unpacker;
	enum message_type type = hear(world, &unpacker);

	if (type == MESSAGE_ERROR) {
		struct sql_error error;
		unpack_error(&unpacker, &error);
		fail_msg("error %d: %s %s %s", (int)error.kind, error.object, error.detail, error.doing);
	}
	assert_int_equal(type, MESSAGE_DONE);
	return unpack_u64(&unpacker);
}

static void hear_error(struct world *world, enum sql_error_kind kind)
{
	struct unpacker unpacker;
	struct sql_error error;

	assert_int_equal(hear(world, &unpacker), MESSAGE_ERROR);
	unpack_error(&unpacker, &error);
	assert_int_equal(error.kind, kind);
}

static void pack_params(struct packer *packer, const struct rowgroup_params *params)
{
	const uint32_t numbers[] = { params->rare_rows, params->frequent_rows, params->group_rows, params->max_rows,
		params->max_bytes, params->inline_limit, params->piece_size, params->least_bytes };

	pack_u32(packer, MESSAGE_PARAMS_SIZE);
	pack_bytes(packer, params->seed, 16);
	for (size_t i = 0; i < 8; i++)
		pack_u32(packer, numbers[i]);
}

static void begin(struct world *world)
{
	uint8_t bytes[64], *wanted;
	size_t size;
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	assert_int_equal(catalogue_encode(world->catalogue, &wanted, &size), 0);
	say(world, MESSAGE_WANTED, wanted, 10);
	say(world, MESSAGE_WANTED, wanted + 10, size - 10);
	say(world, MESSAGE_WANTED, NULL, 0);
	pack_params(&packer, &world->params);
	pack_u32(&packer, 0); /* every table can be read */
	say(world, MESSAGE_BEGIN, bytes, packer.size);
	hear_done(world);
	free(wanted);
	say(world, MESSAGE_PREPARE, "\1\0\0\0\1\0\0\0\0\0\0\0", 12);
	hear_done(world);
}

static void send_chunk(struct world *world, const struct chunk *chunk, size_t size)
{
	uint8_t head[5] = { (uint8_t)chunk->kind, (uint8_t)chunk->rows };

	assert_int_equal(message_send2(world->keeper, MESSAGE_CHUNK, head, 5, chunk->bytes, size), 0);
}

static void a_whole_restore_is_answered_step_by_step(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	assert_int_equal(world.chunks.count, 4);
	begin(&world);
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	send_chunk(&world, &world.chunks.chunks[3], world.chunks.chunks[3].size);
	for (int i = 0; i < 3; i++)
		send_chunk(&world, &world.chunks.chunks[i], world.chunks.chunks[i].size);
	say(&world, MESSAGE_END, NULL, 0);
	assert_int_equal(hear_done(&world), 2);
	say(&world, MESSAGE_PUT_BACK, NULL, 0);
	hear_done(&world);
	say(&world, MESSAGE_COMMIT, NULL, 0);
	hear_done(&world);
	assert_non_null(strstr(fake_session_said(), "COMMIT TRANSACTION"));
	assert_null(strstr(fake_session_said(), "UPDATE STATISTICS"));
	say(&world, MESSAGE_STATISTICS, NULL, 0);
	hear_done(&world);
	assert_non_null(strstr(fake_session_said(), "UPDATE STATISTICS"));
	say(&world, MESSAGE_STATISTICS, NULL, 0);
	hear_error(&world, SQL_ERROR_WORKER);
	stop(&world);
	assert_int_equal(world.result, 0);
}

static void an_undo_is_over_when_its_lock_is_free_and_the_lock_is_given_back(void **state)
{
	static const uint8_t no[4] = { 0xff, 0xff, 0xff, 0xff };
	static const struct value refused = { no, 4 };

	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		struct world world;

		start(&world, true);
		if (busy)
			world.answers[0].values = &refused;
		say(&world, MESSAGE_AWAIT_UNDO, NULL, 0);
		if (busy)
			hear_error(&world, SQL_ERROR_BUSY);
		else
			hear_done(&world);
		assert_non_null(strstr(fake_session_said(), "BEGIN TRANSACTION"));
		assert_non_null(strstr(strstr(fake_session_said(), "sp_getapplock"), "ROLLBACK TRANSACTION"));
		stop(&world);
	}
}

static void a_damaged_chunk_is_told_at_once_and_the_rest_is_dropped(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	begin(&world);
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	send_chunk(&world, &world.chunks.chunks[3], world.chunks.chunks[3].size - 1);
	hear_error(&world, SQL_ERROR_SNAPSHOT);
	for (int i = 0; i < 3; i++)
		send_chunk(&world, &world.chunks.chunks[i], world.chunks.chunks[i].size);
	say(&world, MESSAGE_END, NULL, 0);
	say(&world, MESSAGE_ROLLBACK, NULL, 0);
	hear_done(&world);
	assert_null(strstr(fake_session_said(), "COMMIT TRANSACTION"));
	assert_non_null(strstr(fake_session_said(), "ROLLBACK TRANSACTION"));
	stop(&world);
}

static void a_rollback_in_the_middle_of_a_table_has_one_answer(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	begin(&world);
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	say(&world, MESSAGE_ROLLBACK, NULL, 0);
	hear_done(&world);
	say(&world, MESSAGE_PUT_BACK, NULL, 0);
	hear_error(&world, SQL_ERROR_WORKER);
	stop(&world);
}

static void a_rollback_in_the_middle_of_a_row_says_that_it_waits_for_the_connection_s_end(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	begin(&world);
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	send_chunk(&world, &world.chunks.chunks[3], world.chunks.chunks[3].size);
	say(&world, MESSAGE_ROLLBACK, NULL, 0);
	hear_error(&world, SQL_ERROR_LOST);
	stop(&world);
}

static void a_cancel_between_chunks_ends_the_load(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	begin(&world);
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	say(&world, MESSAGE_CANCEL, NULL, 0);
	hear_error(&world, SQL_ERROR_CANCELLED);
	say(&world, MESSAGE_END, NULL, 0);
	say(&world, MESSAGE_ROLLBACK, NULL, 0);
	hear_done(&world);
	stop(&world);
}

static void a_key_of_another_shape_deletes_nothing(void **state)
{
	static const struct value key[] = { { "\1\0\0\0", 4 }, { "\2\0\0\0", 4 } };
	struct world world;

	(void)state;
	start(&world, true);
	begin(&world);
	for (size_t count = 0; count <= 2; count++) {
		uint8_t bytes[64];
		struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
		pack_u32(&packer, 0);
		pack_u32(&packer, 1);
		pack_u64(&packer, 1);
		pack_key(&packer, key, count);
		pack_key(&packer, key, 2 - count);
		say(&world, MESSAGE_DELETE, bytes, packer.size);
		/* With its one column at both ends it is sent, and this server counts nothing. */
		hear_error(&world, count == 1 ? SQL_ERROR_DIFFERS : SQL_ERROR_WORKER);
		assert_int_equal(strstr(fake_session_said(), "DELETE FROM") != NULL, count >= 1);
	}
	say(&world, MESSAGE_DELETE, "\0\0\0\0\0\0\0\0", 8); /* no range */
	hear_error(&world, SQL_ERROR_WORKER);
	say(&world, MESSAGE_DELETE, "\0\0\0\0\145\0\0\0", 8); /* 101 of them */
	hear_error(&world, SQL_ERROR_WORKER);
	say(&world, MESSAGE_EMPTY, "\7\0\0\0\1\0\0\0\0\0\0\0", 12);
	hear_error(&world, SQL_ERROR_WORKER);
	stop(&world);
}

static void steps_out_of_order_are_refused(void **state)
{
	static const enum message_type early[] = { MESSAGE_PREPARE, MESSAGE_DELETE, MESSAGE_EMPTY, MESSAGE_PUT_BACK,
		MESSAGE_COMMIT, MESSAGE_STATISTICS };
	struct world world;

	(void)state;
	start(&world, true);
	for (size_t i = 0; i < sizeof early / sizeof early[0]; i++) {
		say(&world, early[i], "\0\0\0\0", 4);
		hear_error(&world, SQL_ERROR_WORKER);
	}
	say(&world, MESSAGE_REPLACE, "\0\0\0\0", 4);
	hear_error(&world, SQL_ERROR_WORKER);
	say(&world, MESSAGE_END, NULL, 0);
	say(&world, MESSAGE_ROLLBACK, NULL, 0);
	hear_done(&world);
	stop(&world);
}

static void the_backup_login_s_session_never_changes_anything(void **state)
{
	static const enum message_type changes[] = { MESSAGE_BEGIN, MESSAGE_PREPARE, MESSAGE_PUT_BACK, MESSAGE_COMMIT,
		MESSAGE_STATISTICS, MESSAGE_AWAIT_UNDO, MESSAGE_UNDO_VALUES };
	struct world world;

	(void)state;
	start(&world, false);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		say(&world, changes[i], "\0\0\0\0", 4);
		hear_error(&world, SQL_ERROR_WORKER);
	}
	stop(&world);
	assert_string_equal(fake_session_said(), "");
}

static void a_message_that_is_no_request_ends_the_worker(void **state)
{
	struct world world;

	(void)state;
	start(&world, true);
	say(&world, MESSAGE_DONE, NULL, 0);
	pthread_join(world.worker, NULL);
	assert_int_equal(world.result, -EPROTO);
	world.result = pthread_create(&world.worker, NULL, serve, &world);
	stop(&world);
}

static void a_backup_sends_catalogue_tables_and_the_catalogue_with_its_last_values(void **state)
{
	uint8_t bytes[128], digest_sum[16] = { 0 };
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
	struct unpacker unpacker;
	struct world world;

	(void)state;
	start(&world, false);
	pack_u8(&packer, CONSISTENCY_SNAPSHOT);
	pack_params(&packer, &world.params);
	pack_u8(&packer, 1);
	pack_u32(&packer, 0);
	say(&world, MESSAGE_READ, bytes, packer.size);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_CATALOGUE);
	assert_true(unpacker.size > 0);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_CATALOGUE);
	assert_int_equal(unpacker.size, 0);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_TABLE);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_TABLE_END);
	assert_int_equal(unpack_u32(&unpacker), 0);
	assert_memory_equal(unpack_bytes(&unpacker, 16), digest_sum, 16);
	assert_int_equal(unpack_u64(&unpacker), 0);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_CATALOGUE);
	assert_int_equal(hear(&world, &unpacker), MESSAGE_CATALOGUE);
	assert_int_equal(hear_done(&world), 0);
	assert_non_null(strstr(fake_session_said(), "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION"));
	stop(&world);
}

static void tables_that_are_left_out_are_not_read(void **state)
{
	uint8_t bytes[128];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
	struct unpacker unpacker;
	struct world world;

	(void)state;
	start(&world, false);
	pack_u8(&packer, CONSISTENCY_SNAPSHOT);
	pack_params(&packer, &world.params);
	pack_u8(&packer, 1);
	pack_u32(&packer, 1);
	pack_string(&packer, "dbo.T");
	say(&world, MESSAGE_READ, bytes, packer.size);
	for (int i = 0; i < 4; i++)
		assert_int_equal(hear(&world, &unpacker), MESSAGE_CATALOGUE);
	hear_done(&world);
	assert_null(strstr(fake_session_said(), "FROM [dbo].[t]"));
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_restore_is_answered_step_by_step),
		cmocka_unit_test(an_undo_is_over_when_its_lock_is_free_and_the_lock_is_given_back),
		cmocka_unit_test(a_damaged_chunk_is_told_at_once_and_the_rest_is_dropped),
		cmocka_unit_test(a_rollback_in_the_middle_of_a_table_has_one_answer),
		cmocka_unit_test(a_rollback_in_the_middle_of_a_row_says_that_it_waits_for_the_connection_s_end),
		cmocka_unit_test(a_cancel_between_chunks_ends_the_load),
		cmocka_unit_test(a_key_of_another_shape_deletes_nothing),
		cmocka_unit_test(steps_out_of_order_are_refused),
		cmocka_unit_test(the_backup_login_s_session_never_changes_anything),
		cmocka_unit_test(a_message_that_is_no_request_ends_the_worker),
		cmocka_unit_test(a_backup_sends_catalogue_tables_and_the_catalogue_with_its_last_values),
		cmocka_unit_test(tables_that_are_left_out_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
