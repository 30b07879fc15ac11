/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What streams through the stand-in's wire, value by value: every type in both directions, bulk rows whole and cut, and
 * the faults that strike in mid-stream.
 */
#include "tests/support/wire_world.h"

/* --- types ------------------------------------------------------------------------------------------------------- */

/* TYPE_INFO and a value, as an RPC parameter has them and as a row has them. */
struct example {
	const char *name;
	const char *type; /* TYPE_INFO of the parameter */
	size_t type_size;
	const char *value; /* with its length, in both directions */
	size_t value_size;
	const char *column; /* TYPE_INFO in COLMETADATA, up to the name; NULL: as the parameter's */
	size_t column_size;
	const char *in_row; /* the value in ROW; NULL: as the parameter's */
	size_t in_row_size;
};

#define BYTES(text) text, sizeof(text) - 1
#define COLLATED(text) BYTES(text "\x09\x04\xd0\x00\x34")

/* clang-format off */
static const struct example examples[] = {
	{ "int", BYTES("\x26\x04"), BYTES("\x04\x01\x02\x03\x04"), NULL, 0, NULL, 0 },
	{ "int null", BYTES("\x26\x04"), BYTES("\x00"), NULL, 0, NULL, 0 },
	{ "int, fixed", BYTES("\x38"), BYTES("\x01\x02\x03\x04"), NULL, 0, NULL, 0 },
	{ "bigint", BYTES("\x26\x08"), BYTES("\x08" "abcdefgh"), NULL, 0, NULL, 0 },
	{ "bit", BYTES("\x68\x01"), BYTES("\x01\x01"), NULL, 0, NULL, 0 },
	{ "float", BYTES("\x6d\x08"), BYTES("\x08" "abcdefgh"), NULL, 0, NULL, 0 },
	{ "money", BYTES("\x6e\x08"), BYTES("\x08" "abcdefgh"), NULL, 0, NULL, 0 },
	{ "smalldatetime", BYTES("\x6f\x04"), BYTES("\x04" "abcd"), NULL, 0, NULL, 0 },
	{ "decimal(38,3)", BYTES("\x6a\x11\x26\x03"), BYTES("\x11\x01" "0123456789abcdef"), NULL, 0, NULL, 0 },
	{ "uniqueidentifier", BYTES("\x24\x10"), BYTES("\x10" "0123456789abcdef"), NULL, 0, NULL, 0 },
	{ "date", BYTES("\x28"), BYTES("\x03" "abc"), NULL, 0, NULL, 0 },
	{ "time(7)", BYTES("\x29\x07"), BYTES("\x05" "abcde"), NULL, 0, NULL, 0 },
	{ "datetime2(3)", BYTES("\x2a\x03"), BYTES("\x07" "abcdefg"), NULL, 0, NULL, 0 },
	{ "datetimeoffset(0)", BYTES("\x2b\x00"), BYTES("\x08" "abcdefgh"), NULL, 0, NULL, 0 },
	{ "varchar(10)", COLLATED("\xa7\x0a\x00"), BYTES("\x02\x00hi"), NULL, 0, NULL, 0 },
	{ "char(2)", COLLATED("\xaf\x02\x00"), BYTES("\x02\x00hi"), NULL, 0, NULL, 0 },
	{ "nvarchar(5), empty", COLLATED("\xe7\x0a\x00"), BYTES("\x00\x00"), NULL, 0, NULL, 0 },
	{ "nvarchar(5), null", COLLATED("\xe7\x0a\x00"), BYTES("\xff\xff"), NULL, 0, NULL, 0 },
	{ "nchar(1), a lone surrogate", COLLATED("\xef\x02\x00"), BYTES("\x02\x00\x00\xd8"), NULL, 0, NULL, 0 },
	{ "varbinary(4)", BYTES("\xa5\x04\x00"), BYTES("\x01\x00\x00"), NULL, 0, NULL, 0 },
	{ "binary(2)", BYTES("\xad\x02\x00"), BYTES("\x02\x00\x00\xff"), NULL, 0, NULL, 0 },
	{ "varchar, old", COLLATED("\x27\x0a"), BYTES("\x02hi"), COLLATED("\xa7\x0a\x00"), BYTES("\x02\x00hi") },
	{ "nvarchar(max), null", COLLATED("\xe7\xff\xff"), BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"), NULL, 0, NULL, 0 },
	{ "nvarchar(max), empty", COLLATED("\xe7\xff\xff"), BYTES("\0\0\0\0\0\0\0\0\0\0\0\0"), NULL, 0, NULL, 0 },
	{ "varbinary(max), pieces of unknown total", BYTES("\xa5\xff\xff"),
	  BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\x03\0\0\0abc\x01\0\0\0d\0\0\0\0"), NULL, 0,
	  BYTES("\x04\0\0\0\0\0\0\0\x04\0\0\0abcd\0\0\0\0") },
	{ "xml", BYTES("\xf1\x00"), BYTES("\x02\0\0\0\0\0\0\0\x02\0\0\0<\0\0\0\0\0"), NULL, 0, NULL, 0 },
	{ "sql_variant", BYTES("\x62\x49\x1f\0\0"), BYTES("\x06\0\0\0\x38\0abcd"), NULL, 0, NULL, 0 },
	{ "sql_variant, null", BYTES("\x62\x49\x1f\0\0"), BYTES("\0\0\0\0"), NULL, 0, NULL, 0 },
	{ "text", COLLATED("\x23\x0a\0\0\0"), BYTES("\x02\0\0\0hi"),
	  BYTES("\x23\x0a\0\0\0\x09\x04\xd0\x00\x34\x01\0\0"), BYTES("\x10stand-in pointertimestam\x02\0\0\0hi") },
	{ "image, null", BYTES("\x22\x0a\0\0\0"), BYTES("\xff\xff\xff\xff"), BYTES("\x22\x0a\0\0\0\x01\0\0"), BYTES("\0") },
};
/* clang-format on */

#define EXAMPLES (sizeof(examples) / sizeof(examples[0]))

static void put_echo(struct tds_bytes *message, const struct example *example)
{
	tds_put16(message, 4);
	tds_put_ascii(message, "echo");
	tds_put16(message, 0);
	tds_put8(message, 1);
	tds_put_ascii(message, "p");
	tds_put8(message, 1); /* by reference */
	tds_put(message, example->type, example->type_size);
	tds_put(message, example->value, example->value_size);
}

static void expect_echo(struct tds_bytes *expected, const struct example *example, bool fixed)
{
	const char *column = example->column ? example->column : example->type;
	const char *value = example->in_row ? example->in_row : example->value;

	tds_put8(expected, 0x81);
	tds_put16(expected, 1);
	tds_put32(expected, 0);
	tds_put16(expected, fixed ? 0x08 : 0x09);
	tds_put(expected, column, example->column ? example->column_size : example->type_size);
	tds_put8(expected, 4);
	tds_put_ascii(expected, "echo");
	tds_put8(expected, 0xd1);
	tds_put(expected, value, example->in_row ? example->in_row_size : example->value_size);
	tds_put8(expected, 0xac);
}

static void every_type_comes_back_as_it_was_sent(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_ENCRYPTED);
	for (size_t i = 0; i < EXAMPLES; i++) {
		struct tds_bytes message = { 0 }, expected = { 0 };

		tds_put_headers(&message, &world->client);
		put_echo(&message, &examples[i]);
		tds_send(&world->client, 3, &message);
		if (!tds_receive(&world->client, &world->answer))
			fail_msg("%s: the server hung up", examples[i].name);
		expect_echo(&expected, &examples[i], examples[i].type_size == 1 && examples[i].type[0] == 0x38);
		if (world->answer.size < expected.size || memcmp(world->answer.data, expected.data, expected.size))
			fail_msg("%s came back changed", examples[i].name);
		tds_free(&message);
		tds_free(&expected);
	}
	tds_close(&world->client);
}

static void two_calls_in_one_message_are_answered_in_turn(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	tds_put_headers(&message, &world->client);
	put_echo(&message, &examples[0]);
	tds_put8(&message, 0xff);
	put_echo(&message, &examples[1]);
	tds_send(&world->client, 3, &message);
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0);
	assert_non_null(memmem(world->answer.data, world->answer.size, "\xfe\x01\x00\xe0", 4));
	tds_free(&message);
	tds_close(&world->client);
}

static void a_truncated_call_is_dropped(void **state)
{
	struct world *world = *state;

	for (size_t cut = 1; cut < 12; cut++) {
		struct tds_bytes message = { 0 };

		log_in(world, TDS_CLEAR);
		tds_put_headers(&message, &world->client);
		put_echo(&message, &examples[3]);
		message.size -= cut;
		tds_send(&world->client, 3, &message);
		assert_violation(world, "a malformed RPC");
		ask(world, "forget", (char[64]){ "" }, 64);
		tds_free(&message);
		tds_close(&world->client);
	}
}

/* --- bulk rows --------------------------------------------------------------------------------------------------- */

static void put_bulk_metadata(struct tds_bytes *message)
{
	tds_put8(message, 0x81);
	tds_put16(message, 4);
	tds_put32(message, 0);
	tds_put16(message, 0x08);
	tds_put(message, BYTES("\x38\x02i\0d\0"));
	tds_put32(message, 0);
	tds_put16(message, 0x09);
	tds_put(message, COLLATED("\xe7\x0a\x00"));
	tds_put(message, BYTES("\x01n\0"));
	tds_put32(message, 0);
	tds_put16(message, 0x09);
	tds_put(message,
		BYTES("\xa5\xff\xff\x01"
			  "b\0"));
	tds_put32(message, 0);
	tds_put16(message, 0x09);
	tds_put(message, COLLATED("\x23\xff\xff\xff\x7f"));
	tds_put(message, BYTES("\x01\0t\0\x01t\0"));
}

/* 4 + 4 + 70000 + 2 bytes; every third row has a NULL, as a sparse row or not. */
static void put_bulk_row(struct tds_bytes *message, uint32_t number)
{
	static uint8_t piece[35000];
	bool sparse = number % 6 == 0, null = number % 3 == 0;

	tds_put8(message, sparse ? 0xd2 : 0xd1);
	if (sparse)
		tds_put8(message, 0x02);
	tds_put32(message, number);
	if (!sparse)
		tds_put(message, null ? "\xff\xff" : "\x04\0h\0i\0", null ? 2 : 6);
	tds_put64(message, UINT64_MAX - 1);
	tds_put32(message, sizeof(piece));
	tds_put(message, piece, sizeof(piece));
	tds_put32(message, sizeof(piece));
	tds_put(message, piece, sizeof(piece));
	tds_put32(message, 0);
	tds_put(message,
		BYTES("\x10"
			  "0123456789abcdef"
			  "01234567"
			  "\x02\0\0\0ok"));
}

static void put_bulk_done(struct tds_bytes *message)
{
	tds_put8(message, 0xfd);
	tds_put64(message, 0);
	tds_put32(message, 0);
}

static void make_bulk(struct world *world, struct tds_bytes *message, uint32_t rows)
{
	run(world, "insert bulk t (id int, n nvarchar(5), b varbinary(max), t text)");
	assert_int_equal(tds_last_done(&world->answer, NULL), 0);
	message->size = 0;
	put_bulk_metadata(message);
	for (uint32_t i = 0; i < rows; i++)
		put_bulk_row(message, i);
}

static void bulk_rows_reach_the_engine_value_by_value(void **state)
{
	struct world *world = *state;

	for (enum tds_security security = TDS_CLEAR; security <= TDS_STRICT; security++) {
		struct tds_bytes message = { 0 };
		uint64_t rows = 0;

		log_in(world, security);
		make_bulk(world, &message, 30);
		put_bulk_done(&message);
		assert_true(tds_send(&world->client, 7, &message));
		assert_true(tds_receive(&world->client, &world->answer));
		assert_int_equal(tds_last_done(&world->answer, &rows), 0x10);
		assert_int_equal(rows, 30);
		assert_true(seen.bulk_complete);
		assert_int_equal(seen.bulk_nulls, 10);
		assert_int_equal(seen.bulk_bytes, 30 * (4 + 70000 + 2) + 20 * 4);
		assert_string_equal(seen.bulk_names[3], "t");
		assert_memory_equal(seen.bulk_types, "\x26\xe7\xa5\x23", 4);
		tds_free(&message);
		tds_close(&world->client);
	}
	assert_no_violation(world);
}

static void a_bulk_stream_without_done_is_tolerated_unless_required(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	make_bulk(world, &message, 2);
	assert_true(tds_send(&world->client, 7, &message));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_true(seen.bulk_complete);
	set_fault(world, "bulk-done=required");
	make_bulk(world, &message, 2);
	assert_true(tds_send(&world->client, 7, &message));
	assert_violation(world, "a bulk stream of 2 rows without its DONE");
	assert_false(seen.bulk_complete);
	tds_free(&message);
	tds_close(&world->client);
}

static void a_bulk_stream_cut_anywhere_is_never_complete(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	for (size_t cut = 1; cut < 36; cut++) {
		log_in(world, TDS_CLEAR);
		make_bulk(world, &message, 1);
		put_bulk_done(&message);
		/* Without its DONE token a stream is whole, as SQL Server sees it; with a part of it, it is not. */
		message.size -= cut == 13 ? 14 : cut;
		tds_send(&world->client, 7, &message);
		assert_violation(world, "a malformed bulk stream");
		assert_false(seen.bulk_complete);
		ask(world, "forget", (char[64]){ "" }, 64);
		tds_close(&world->client);
	}
	tds_free(&message);
}

static void bulk_rows_after_a_refused_one_are_read_and_the_error_comes_at_the_end(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	seen.bulk_refuses = true;
	log_in(world, TDS_CLEAR);
	make_bulk(world, &message, 20);
	put_bulk_done(&message);
	assert_true(tds_send(&world->client, 7, &message));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_true(tds_has_message(&world->answer, 4815));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x12);
	tds_free(&message);
	tds_close(&world->client);
}

static void a_bulk_load_taken_back_by_the_ignore_bit_is_not_complete(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	make_bulk(world, &message, 0);
	assert_true(tds_send_packet(&world->client, 7, 0x03, message.data, message.size));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(world->answer.size, 13);
	assert_false(seen.bulk_complete);
	run(world, "rows 1");
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x10);
	tds_free(&message);
	tds_close(&world->client);
}

static void bulk_rows_that_nobody_announced_are_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	put_bulk_metadata(&message);
	tds_send(&world->client, 7, &message);
	assert_violation(world, "bulk rows without an INSERT BULK");
	tds_free(&message);
	tds_close(&world->client);
}

static void put_bulk_value(struct tds_bytes *message, uint64_t total, uint32_t length, size_t sent)
{
	uint8_t *value = calloc(1, sent);

	tds_put(message, BYTES("\xd1\0\0\0\0\xff\xff"));
	tds_put64(message, total);
	tds_put32(message, length);
	tds_put(message, value, sent);
	tds_put32(message, 0);
	tds_put(message, BYTES("\0"));
	put_bulk_done(message);
	free(value);
}

static void a_value_beyond_the_row_limit_is_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };
	enum { MORE = 9u << 20 };

	log_in(world, TDS_CLEAR);
	make_bulk(world, &message, 0);
	put_bulk_value(&message, UINT64_MAX - 1, MORE, MORE);
	tds_send(&world->client, 7, &message);
	assert_violation(world, "a bulk row of more than");
	assert_false(seen.bulk_complete);
	tds_free(&message);
	tds_close(&world->client);
}

static void a_total_that_lies_and_bytes_after_done_are_malformed(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	for (int lie = 0; lie < 2; lie++) {
		log_in(world, TDS_CLEAR);
		make_bulk(world, &message, 0);
		put_bulk_value(&message, lie ? 11 : 10, 10, 10);
		if (!lie)
			tds_put8(&message, 0xfd);
		tds_send(&world->client, 7, &message);
		assert_violation(world, "a malformed bulk stream");
		assert_false(seen.bulk_complete);
		ask(world, "forget", (char[64]){ "" }, 64);
		tds_close(&world->client);
	}
	tds_free(&message);
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static bool session_survives(struct world *world)
{
	bool survived = tds_connect(&world->client, world->server.port, TDS_ENCRYPTED) >= 0 &&
		tds_login(&world->client, &good_login, &world->answer) && tds_send_batch(&world->client, "rows 2000") &&
		tds_receive(&world->client, &world->answer);

	tds_close(&world->client);
	return survived;
}

static void a_cut_strikes_at_every_packet_and_then_no_more(void **state)
{
	struct world *world = *state;
	uint64_t packets = faults_packets(&world->server.faults);
	char setting[64];

	assert_true(session_survives(world));
	packets = faults_packets(&world->server.faults) - packets;
	assert_true(packets > 10);
	for (uint64_t n = 1; n <= packets; n++) {
		snprintf(setting, sizeof(setting), "cut-after-packets=%llu", (unsigned long long)n);
		set_fault(world, setting);
		bool survived = session_survives(world);
		/* The cut after the very last packet comes too late to hurt. */
		assert_int_equal(survived, n == packets);
		assert_int_equal(faults_strikes(&world->server.faults), n);
		assert_true(session_survives(world));
	}
}

static void a_cut_strikes_at_a_byte_in_the_stream(void **state)
{
	struct world *world = *state;
	const int places[] = { 1, 30, 100, 1000, 5000, 20000 };
	char setting[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(setting, sizeof(setting), "cut-at-byte=%d", places[i]);
		set_fault(world, setting);
		assert_false(session_survives(world));
		assert_int_equal(faults_strikes(&world->server.faults), i + 1);
		assert_true(session_survives(world));
	}
}

static void a_stall_lasts_until_the_client_leaves(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	set_fault(world, "stall-at-packet=2:ever");
	assert_true(tds_send_batch(&world->client, "rows 20000"));
	assert_int_equal(tds_receive_packet(&world->client, &world->answer), 0);
	assert_int_equal(faults_strikes(&world->server.faults), 1);
	tds_close(&world->client);
	while (seen.closed_sessions == 0)
		usleep(1000);
}

static void malformed_rows_are_malformed(void **state)
{
	struct world *world = *state;
	const char *kinds[] = { "short-row", "bad-token", "length-beyond", "wrong-type", "huge-plp", "error-in-row" };
	char setting[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(setting, sizeof(setting), "malformed=%s:5", kinds[i]);
		log_in(world, TDS_CLEAR);
		run(world, "rows 4");
		set_fault(world, setting);
		size_t good = world->answer.size;
		run(world, "rows 10");
		assert_int_equal(faults_strikes(&world->server.faults), i + 1);
		assert_true(world->answer.size > good - 13);
		assert_int_not_equal(tds_last_done(&world->answer, NULL), 0x10);
		assert_int_equal(tds_has_message(&world->answer, 9001), strcmp(kinds[i], "error-in-row") == 0);
		tds_close(&world->client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(every_type_comes_back_as_it_was_sent),
		in_world(two_calls_in_one_message_are_answered_in_turn),
		in_world(a_truncated_call_is_dropped),
		in_world(bulk_rows_reach_the_engine_value_by_value),
		in_world(a_bulk_stream_without_done_is_tolerated_unless_required),
		in_world(a_bulk_stream_cut_anywhere_is_never_complete),
		in_world(bulk_rows_after_a_refused_one_are_read_and_the_error_comes_at_the_end),
		in_world(a_bulk_load_taken_back_by_the_ignore_bit_is_not_complete),
		in_world(bulk_rows_that_nobody_announced_are_dropped),
		in_world(a_value_beyond_the_row_limit_is_dropped),
		in_world(a_total_that_lies_and_bytes_after_done_are_malformed),
		in_world(a_cut_strikes_at_every_packet_and_then_no_more),
		in_world(a_cut_strikes_at_a_byte_in_the_stream),
		in_world(a_stall_lasts_until_the_client_leaves),
		in_world(malformed_rows_are_malformed),
	};

	return cmocka_run_group_tests_name("sqlserver_stream", tests, NULL, remove_certificates);
}
