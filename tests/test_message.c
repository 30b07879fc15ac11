/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/sql/login_message.h"
#include "agent/sql/uplink.h"
#include "agent/sql/worker.h"

static uint8_t buffer[MESSAGE_SIZE_MAX];

static void make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

static void what_is_packed_comes_out_again(void **state)
{
	(void)state;
	uint8_t bytes[64];
	char string[8];
	size_t size;
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	pack_u8(&packer, 0xab);
	pack_u16(&packer, 0x1234);
	pack_u32(&packer, 0xdeadbeef);
	pack_u64(&packer, 0x0123456789abcdefull);
	pack_string(&packer, "grüß");
	pack_string(&packer, NULL);
	pack_blob(&packer, "\0\1", 2);
	assert_false(packer.failed);
	assert_memory_equal(bytes, "\xab\x34\x12\xef\xbe\xad\xde", 7);

	struct unpacker unpacker = { .bytes = bytes, .size = packer.size };

	assert_int_equal(unpack_u8(&unpacker), 0xab);
	assert_int_equal(unpack_u16(&unpacker), 0x1234);
	assert_int_equal(unpack_u32(&unpacker), 0xdeadbeef);
	assert_true(unpack_u64(&unpacker) == 0x0123456789abcdefull);
	unpack_string(&unpacker, string, sizeof(string));
	assert_string_equal(string, "grüß");
	unpack_string(&unpacker, string, sizeof(string));
	assert_string_equal(string, "");
	assert_memory_equal(unpack_blob(&unpacker, &size), "\0\1", 2);
	assert_int_equal(size, 2);
	assert_false(unpacker.failed);
	assert_int_equal(unpacker.at, unpacker.size);
	unpack_u8(&unpacker);
	assert_true(unpacker.failed);
}

static void a_key_travels_with_its_nulls_and_empty_values_and_in_no_other_shape(void **state)
{
	(void)state;
	const struct value key[] = { { "\1\2\3\4", 4 }, { NULL, 0 }, { "", 0 } };
	struct value got[3];
	uint8_t bytes[64];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	pack_key(&packer, key, 3);
	assert_false(packer.failed);
	for (size_t count = 2; count <= 3; count++)
		for (size_t size = 0; size <= packer.size; size++) {
			struct unpacker unpacker = { .bytes = bytes, .size = size };
			unpack_key(&unpacker, got, count);
			assert_int_equal(unpacker.failed, count != 3 || size < packer.size);
		}
	assert_int_equal(got[0].size, 4);
	assert_memory_equal(got[0].data, key[0].data, 4);
	assert_null(got[1].data);
	assert_non_null(got[2].data);
	assert_int_equal(got[2].size, 0);
}

static void a_packer_never_writes_beyond_its_room(void **state)
{
	(void)state;
	for (size_t capacity = 0; capacity < 24; capacity++) {
		uint8_t bytes[24];
		struct packer packer = { .bytes = bytes, .capacity = capacity };

		memset(bytes, 0x55, sizeof(bytes));
		pack_u64(&packer, 0);
		pack_string(&packer, "four");
		pack_blob(&packer, "six..", 6);
		assert_true(packer.failed);
		assert_true(packer.size <= capacity);
		for (size_t i = capacity; i < sizeof(bytes); i++)
			assert_int_equal(bytes[i], 0x55);
	}
}

static void strings_that_do_not_fit_or_hide_a_nul_fail(void **state)
{
	(void)state;
	char string[4];
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = { { "\4\0abcd", 6 }, { "\3\0a\0b", 5 }, { "\5\0abc", 5 }, { "\1", 1 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unpacker unpacker = { .bytes = (const uint8_t *)cases[i].bytes, .size = cases[i].size };

		unpack_string(&unpacker, string, sizeof(string));
		assert_true(unpacker.failed);
		assert_string_equal(string, "");
	}
}

static void an_error_travels_field_by_field(void **state)
{
	(void)state;
	struct sql_error sent = { .kind = SQL_ERROR_RIGHTS, .number = -229, .severity = 14, .state = 5 }, got;
	uint8_t bytes[2048];

	strcpy(sent.object, "[dbo].[tblChat]");
	strcpy(sent.doing, "reading");
	memset(sent.detail, 'x', sizeof(sent.detail) - 1);
	for (int kind = SQL_OK; kind <= SQL_ERROR_LAST + 1; kind++) {
		struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

		sent.kind = (enum sql_error_kind)kind;
		pack_error(&packer, &sent);

		struct unpacker unpacker = { .bytes = bytes, .size = packer.size };

		unpack_error(&unpacker, &got);
		assert_int_equal(unpacker.failed, kind == SQL_OK || kind > SQL_ERROR_LAST);
		assert_int_equal(got.number, -229);
		assert_string_equal(got.detail, sent.detail);
		assert_string_equal(got.object, sent.object);
	}
}

static void the_first_error_is_kept(void **state)
{
	(void)state;
	struct sql_error error = { .kind = SQL_OK };

	assert_int_equal(sql_error_set(&error, SQL_ERROR_PIN, "host", "first %d", 1), -EIO);
	assert_int_equal(sql_error_set(&error, SQL_ERROR_LOST, NULL, "second"), -EIO);
	assert_int_equal(error.kind, SQL_ERROR_PIN);
	assert_string_equal(error.detail, "first 1");
	assert_string_equal(error.object, "host");
	assert_int_equal(sql_error_set(NULL, SQL_ERROR_LOST, NULL, "nobody asks"), -EIO);
}

static void a_login_travels_field_by_field_and_in_no_other_length(void **state)
{
	(void)state;
	char password[] = "secret";
	const struct worker_login sent = {
		.host = "sql.example.test",
		.certificate_name = NULL,
		.authorities = "PEM",
		.pin = { 1, 2, 3 },
		.strict = true,
		.restore = true,
		.login = "DOMAIN\\user",
		.password = password,
		.database = "mgc",
		.login_seconds = 7,
		.stall_seconds = 8,
		.catalogue_seconds = 9,
		.lock_timeout_ms = 10,
		.read_kib_per_second = 11,
	};
	struct packer packer = { .bytes = buffer, .capacity = sizeof(buffer) };
	struct login_message got;

	pack_login(&packer, &sent);
	for (size_t size = 0; size <= packer.size; size++) {
		struct unpacker unpacker = { .bytes = buffer, .size = size };

		assert_int_equal(unpack_login(&unpacker, &got), size == packer.size ? 0 : -EPROTO);
		if (size < packer.size)
			free(got.authorities);
	}
	assert_string_equal(got.host, "sql.example.test");
	assert_string_equal(got.certificate_name, "");
	assert_string_equal(got.authorities, "PEM");
	assert_string_equal(got.login, "DOMAIN\\user");
	assert_string_equal(got.password, "secret");
	assert_int_equal(got.pin[2], 3);
	assert_true(got.strict && got.restore && !got.legacy_tls);
	assert_int_equal(got.login_seconds, 7);
	assert_int_equal(got.stall_seconds, 8);
	assert_int_equal(got.catalogue_seconds, 9);
	assert_int_equal(got.lock_timeout_ms, 10);
	assert_int_equal(got.read_kib_per_second, 11);
	free(got.authorities);
}

/* ---- over a socket ---- */

static void *receive_one(void *arg)
{
	enum message_type type;
	size_t size;
	static uint8_t received[MESSAGE_SIZE_MAX];

	assert_int_equal(message_receive(*(int *)arg, -1, &type, received, &size), 1);
	assert_int_equal(type, MESSAGE_CHUNK);
	assert_int_equal(size, MESSAGE_SIZE_MAX);
	for (size_t i = 0; i < size; i++)
		if (received[i] != (uint8_t)(i * 31))
			fail_msg("byte %zu differs", i);
	return NULL;
}

static void a_message_of_the_largest_size_arrives_whole_in_two_parts(void **state)
{
	(void)state;
	int pair[2];
	pthread_t reader;

	make_pair(pair);
	for (size_t i = 0; i < sizeof(buffer); i++)
		buffer[i] = (uint8_t)(i * 31);
	pthread_create(&reader, NULL, receive_one, &pair[1]);
	/* A socket that does not block is waited for all the same. */
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(message_send2(pair[0], MESSAGE_CHUNK, buffer, 5, buffer + 5, sizeof(buffer) - 5), 0);
	pthread_join(reader, NULL);
	assert_int_equal(message_send2(pair[0], MESSAGE_CHUNK, buffer, 5, buffer, sizeof(buffer)), -EMSGSIZE);
	close_pair(pair);
}

static void what_is_no_message_is_refused(void **state)
{
	(void)state;
	static const uint8_t heads[][5] = { { 0, 0, 0, 0, 1 }, { 2, 0, 16, 0, 1 }, { 255, 255, 255, 255, 1 } };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		int pair[2];
		enum message_type type;
		size_t size;

		make_pair(pair);
		assert_int_equal(send(pair[0], heads[i], 5, 0), 5);
		assert_int_equal(message_receive(pair[1], 1000, &type, buffer, &size), -EPROTO);
		close_pair(pair);
	}
}

static void the_end_of_the_other_side_is_told_at_any_byte(void **state)
{
	(void)state;
	for (size_t cut = 0; cut < 9; cut++) {
		int pair[2];
		enum message_type type;
		size_t size;

		make_pair(pair);
		assert_int_equal(send(pair[0], "\5\0\0\0\46four", cut, 0), cut);
		close(pair[0]);
		assert_int_equal(message_receive(pair[1], 1000, &type, buffer, &size), -EPIPE);
		assert_int_equal(message_send(pair[1], MESSAGE_END, NULL, 0), -EPIPE);
		close(pair[1]);
	}
}

static void nothing_comes_is_no_error(void **state)
{
	(void)state;
	int pair[2];
	enum message_type type;
	size_t size;

	make_pair(pair);
	assert_int_equal(message_receive(pair[1], 5, &type, buffer, &size), 0);
	close_pair(pair);
}

/* ---- the uplink ---- */

static void an_uplink_takes_a_cancel_and_leaves_everything_else(void **state)
{
	(void)state;
	int pair[2];
	struct uplink uplink;
	enum message_type type;
	size_t size;

	make_pair(pair);
	uplink_init(&uplink, pair[1]);
	assert_false(uplink_stop(&uplink));
	message_send(pair[0], MESSAGE_CHUNK, "payload", 7);
	assert_false(uplink_stop(&uplink));
	assert_int_equal(message_receive(pair[1], 1000, &type, buffer, &size), 1);
	assert_int_equal(type, MESSAGE_CHUNK);
	message_send(pair[0], MESSAGE_CANCEL, NULL, 0);
	assert_true(uplink_stop(&uplink));
	assert_true(uplink.cancelled);
	assert_int_equal(message_receive(pair[1], 0, &type, buffer, &size), 0);
	close_pair(pair);
}

static void an_uplink_says_that_it_lives(void **state)
{
	(void)state;
	int pair[2];
	struct uplink uplink;
	enum message_type type;
	size_t size;

	make_pair(pair);
	uplink_init(&uplink, pair[1]);
	uplink.alive_at_ms -= UPLINK_ALIVE_MS;
	assert_false(uplink_stop(&uplink));
	assert_false(uplink_stop(&uplink));
	assert_int_equal(message_receive(pair[0], 0, &type, buffer, &size), 1);
	assert_int_equal(type, MESSAGE_ALIVE);
	assert_int_equal(message_receive(pair[0], 0, &type, buffer, &size), 0);
	close_pair(pair);
}

static void a_keeper_that_is_gone_ends_the_request(void **state)
{
	(void)state;
	int pair[2];
	struct uplink uplink;

	make_pair(pair);
	uplink_init(&uplink, pair[1]);
	close(pair[0]);
	assert_true(uplink_stop(&uplink));
	assert_true(uplink.gone);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_out_again),
		cmocka_unit_test(a_key_travels_with_its_nulls_and_empty_values_and_in_no_other_shape),
		cmocka_unit_test(a_packer_never_writes_beyond_its_room),
		cmocka_unit_test(strings_that_do_not_fit_or_hide_a_nul_fail),
		cmocka_unit_test(an_error_travels_field_by_field),
		cmocka_unit_test(the_first_error_is_kept),
		cmocka_unit_test(a_login_travels_field_by_field_and_in_no_other_length),
		cmocka_unit_test(a_message_of_the_largest_size_arrives_whole_in_two_parts),
		cmocka_unit_test(what_is_no_message_is_refused),
		cmocka_unit_test(the_end_of_the_other_side_is_told_at_any_byte),
		cmocka_unit_test(nothing_comes_is_no_error),
		cmocka_unit_test(an_uplink_takes_a_cancel_and_leaves_everything_else),
		cmocka_unit_test(an_uplink_says_that_it_lives),
		cmocka_unit_test(a_keeper_that_is_gone_ends_the_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
