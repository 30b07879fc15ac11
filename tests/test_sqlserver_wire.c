/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in's wire against a client that shares nothing with it, in front of an engine double: logins, framing,
 * requests, control. What is checked is what travels and what is refused, not what SQL does.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/sqlserver/browser.h"
#include "tests/support/wire_world.h"

static int open_strict_world(void **state)
{
	return open_world_with(state, true, 16);
}

static int open_2012(void **state)
{
	return open_world_with(state, false, 11);
}

/* --- login ------------------------------------------------------------------------------------------------------- */

static void every_way_to_encrypt_ends_in_a_login(void **state)
{
	struct world *world = *state;

	for (enum tds_security security = TDS_CLEAR; security <= TDS_STRICT; security++) {
		uint64_t rows = 0;

		log_in(world, security);
		run(world, "rows 1000");
		assert_int_equal(tds_last_done(&world->answer, &rows), 0x10);
		assert_int_equal(rows, 1000);
		tds_close(&world->client);
	}
	assert_no_violation(world);
}

static void a_wrong_password_is_18456_and_a_missing_database_4060_as_well(void **state)
{
	struct world *world = *state;
	const struct tds_login wrong = { .user = "sa", .password = "guess" };
	const struct tds_login missing = { .user = "sa", .password = "Secret~1", .database = "missing" };

	tds_connect(&world->client, world->server.port, TDS_ENCRYPTED);
	assert_true(tds_login(&world->client, &wrong, &world->answer));
	assert_true(tds_has_message(&world->answer, 18456));
	assert_int_equal(tds_last_done(&world->answer, NULL), 2);
	assert_false(tds_receive(&world->client, &world->answer));
	tds_close(&world->client);

	tds_connect(&world->client, world->server.port, TDS_ENCRYPTED);
	assert_true(tds_login(&world->client, &missing, &world->answer));
	assert_true(tds_has_message(&world->answer, 4060));
	assert_true(tds_has_message(&world->answer, 18456));
	tds_close(&world->client);
}

static void the_odbc_flag_reaches_the_engine(void **state)
{
	struct world *world = *state;
	struct tds_login login = good_login;

	for (int odbc = 0; odbc < 2; odbc++) {
		login.odbc = odbc;
		tds_connect(&world->client, world->server.port, TDS_CLEAR);
		assert_true(tds_login(&world->client, &login, &world->answer));
		assert_int_equal(seen.odbc, odbc);
		tds_close(&world->client);
	}
}

static void the_packet_size_is_what_the_client_asked_for(void **state)
{
	struct world *world = *state;
	const uint32_t sizes[] = { 512, 4096, 8000, 16383, 32767 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tds_login login = good_login;
		struct tds_bytes first = { 0 };

		login.packet_size = sizes[i];
		tds_connect(&world->client, world->server.port, TDS_CLEAR);
		assert_true(tds_login(&world->client, &login, &world->answer));
		assert_true(tds_send_batch(&world->client, "rows 5000"));
		assert_int_equal(tds_receive_packet(&world->client, &first), 0);
		assert_int_equal(first.size, sizes[i] - 8);
		tds_free(&first);
		tds_close(&world->client);
	}
}

static void a_strict_server_hangs_up_on_tds_7(void **state)
{
	struct world *world = *state;

	assert_int_equal(tds_connect(&world->client, world->server.port, TDS_ENCRYPTED), -1);
	assert_violation(world, "this server is strict");
	tds_close(&world->client);
	log_in(world, TDS_STRICT);
	tds_close(&world->client);
}

static void a_server_of_2012_does_not_speak_tds_8(void **state)
{
	struct world *world = *state;

	assert_int_equal(tds_connect(&world->client, world->server.port, TDS_STRICT), -1);
	assert_violation(world, "TDS 8.0, which version 11");
	tds_close(&world->client);
}

static void tds_8_without_its_alpn_is_dropped(void **state)
{
	struct world *world = *state;

	assert_int_equal(tds_connect(&world->client, world->server.port, TDS_NO_ALPN), -1);
	assert_violation(world, "does not offer the ALPN");
	tds_close(&world->client);
}

static void prelogin_answers_what_a_fault_says(void **state)
{
	struct world *world = *state;
	const struct {
		const char *setting;
		int answer;
	} answers[] = { { "encryption=not-supported", 2 }, { "encryption=off", 0 }, { "encryption=normal", 1 } };

	for (size_t i = 0; i < 3; i++) {
		set_fault(world, answers[i].setting);
		assert_int_equal(tds_connect(&world->client, world->server.port, TDS_ENCRYPTED), answers[i].answer);
		tds_close(&world->client);
	}
}

static void routing_follows_the_login(void **state)
{
	struct world *world = *state;
	static const uint8_t routing[] = { 0xe3, 14, 0, 20, 9, 0, 0, 0x57, 0x04, 2, 0, 'a', 0, 'b', 0, 0, 0 };

	set_fault(world, "route=ab:1111");
	log_in(world, TDS_ENCRYPTED);
	assert_non_null(memmem(world->answer.data, world->answer.size, routing, sizeof(routing)));
	tds_close(&world->client);
}

/* --- framing ----------------------------------------------------------------------------------------------------- */

/* A batch of 6000 code units: four packets of 4096. */
static void make_long_batch(struct world *world, struct tds_bytes *message)
{
	tds_put_headers(message, &world->client);
	for (int i = 0; i < 6000; i++)
		tds_put_ascii(message, "x");
}

static void a_long_statement_in_whole_packets_is_taken(void **state)
{
	struct world *world = *state;

	for (enum tds_security security = TDS_CLEAR; security <= TDS_STRICT; security++) {
		struct tds_bytes message = { 0 };

		log_in(world, security);
		make_long_batch(world, &message);
		assert_true(tds_send(&world->client, 1, &message));
		assert_true(tds_receive(&world->client, &world->answer));
		assert_int_equal(tds_last_done(&world->answer, NULL), 0);
		tds_free(&message);
		tds_close(&world->client);
	}
	assert_no_violation(world);
}

static void a_short_packet_before_the_last_one_is_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	make_long_batch(world, &message);
	tds_send_packet(&world->client, 1, 0, message.data, 1000);
	tds_send_packet(&world->client, 1, 1, message.data + 1000, 1000);
	assert_violation(world, "a packet of 1008 bytes before the end of its message");
	tds_free(&message);
	tds_close(&world->client);
}

static void a_packet_larger_than_negotiated_is_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	make_long_batch(world, &message);
	tds_send_packet(&world->client, 1, 1, message.data, 4096);
	assert_violation(world, "a packet of 4104 bytes exceeds the negotiated 4096");
	tds_free(&message);
	tds_close(&world->client);
}

static void a_tls_record_larger_than_the_packet_is_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };
	uint8_t record[8192] = { 1, 0, 0x10, 0, 0, 0, 1, 0 }, second[8] = { 1, 0, 0x10, 0, 0, 0, 2, 0 };

	log_in(world, TDS_ENCRYPTED);
	make_long_batch(world, &message);
	memcpy(record + 8, message.data, 4088);
	memcpy(record + 4096, second, 8);
	memcpy(record + 4104, message.data + 4088, 4088);
	tds_send_raw(&world->client, record, sizeof(record));
	assert_violation(world, "a TLS record of 8192 bytes exceeds the negotiated packet of 4096");
	tds_free(&message);
	tds_close(&world->client);
}

static void two_packets_or_half_a_packet_in_a_record_are_dropped_unless_loose(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };
	uint8_t record[4096] = { 1, 1, 0, 0, 0, 0, 1, 0 };
	size_t size = 0;

	for (int loose = 0; loose < 2; loose++) {
		set_fault(world, loose ? "records=loose" : "records=strict");
		log_in(world, TDS_ENCRYPTED);
		message.size = 0;
		tds_put_headers(&message, &world->client);
		tds_put_ascii(&message, "rows 1");
		size = 8 + message.size;
		record[3] = (uint8_t)size;
		memcpy(record + 8, message.data, message.size);
		tds_send_raw(&world->client, record, 20);
		tds_send_raw(&world->client, record + 20, size - 20);
		if (loose) {
			assert_true(tds_receive(&world->client, &world->answer));
			assert_int_equal(tds_last_done(&world->answer, NULL), 0x10);
		} else {
			assert_violation(world, "a TLS record of 20 bytes is not exactly one TDS packet");
		}
		tds_close(&world->client);
	}
	set_fault(world, "none");
	log_in(world, TDS_ENCRYPTED);
	memcpy(record + size, record, size);
	tds_send_raw(&world->client, record, 2 * size);
	assert_violation(world, "is not exactly one TDS packet");
	tds_free(&message);
	tds_close(&world->client);
}

static void a_statement_with_a_stale_descriptor_is_3989_and_the_end(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	run(world, "begin");
	world->client.descriptor = 0x7700000051;
	run(world, "rows 1");
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x10);
	world->client.descriptor = 0;
	run(world, "rows 1");
	assert_true(tds_has_message(&world->answer, 3989));
	assert_violation(world, "transaction descriptor 0, but the open one is 7700000051");
	tds_close(&world->client);
}

static void a_batch_without_headers_is_dropped(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	tds_put32(&message, 4);
	tds_put_ascii(&message, "rows 1");
	tds_send(&world->client, 1, &message);
	assert_violation(world, "ALL_HEADERS");
	tds_free(&message);
	tds_close(&world->client);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static void an_attention_ends_a_silent_statement(void **state)
{
	struct world *world = *state;

	for (enum tds_security security = TDS_CLEAR; security <= TDS_STRICT; security++) {
		log_in(world, security);
		assert_true(tds_send_batch(&world->client, "sleep"));
		assert_true(tds_send_packet(&world->client, 6, 1, NULL, 0));
		assert_true(tds_receive(&world->client, &world->answer));
		assert_int_equal(tds_last_done(&world->answer, NULL), 0x02);
		assert_true(tds_receive(&world->client, &world->answer));
		assert_int_equal(tds_last_done(&world->answer, NULL), 0x20);
		run(world, "rows 3");
		assert_int_equal(tds_last_done(&world->answer, NULL), 0x10);
		tds_close(&world->client);
	}
}

static void an_attention_that_comes_before_the_statement_has_begun_is_not_lost(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	assert_true(tds_send_batch(&world->client, "deaf"));
	assert_true(tds_send_packet(&world->client, 6, 1, NULL, 0));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x20);
	tds_close(&world->client);
}

static void a_batch_taken_back_by_the_ignore_bit_does_not_run(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };
	char answer[2048] = "";

	log_in(world, TDS_CLEAR);
	tds_put_headers(&message, &world->client);
	tds_put_ascii(&message, "rows 7");
	assert_true(tds_send_packet(&world->client, 1, 0x03, message.data, message.size));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(world->answer.size, 13);
	ask(world, "statements", answer, sizeof(answer));
	assert_null(strstr(answer, "rows 7"));
	tds_free(&message);
	tds_close(&world->client);
}

static void an_attention_ends_rows_that_nobody_reads(void **state)
{
	struct world *world = *state;
	struct tds_bytes packet = { 0 };

	log_in(world, TDS_ENCRYPTED);
	/* Far more than sockets hold: the server is stuck in sending when the attention comes. */
	assert_true(tds_send_batch(&world->client, "rows 3000000"));
	assert_int_equal(tds_receive_packet(&world->client, &packet), 0);
	assert_true(tds_send_packet(&world->client, 6, 1, NULL, 0));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_true(world->answer.size < 80000000);
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x20);
	tds_free(&packet);
	tds_close(&world->client);
}

static void a_late_attention_is_acknowledged(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	run(world, "rows 1");
	assert_true(tds_send_packet(&world->client, 6, 1, NULL, 0));
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(world->answer.size, 13);
	assert_int_equal(tds_last_done(&world->answer, NULL), 0x20);
	tds_close(&world->client);
}

static void a_client_that_leaves_interrupts_its_statement(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	assert_true(tds_send_batch(&world->client, "sleep"));
	tds_close(&world->client);
	while (seen.closed_sessions == 0)
		usleep(1000);
}

static void a_fatal_message_ends_the_connection_after_it(void **state)
{
	struct world *world = *state;

	log_in(world, TDS_CLEAR);
	run(world, "fatal");
	assert_true(tds_has_message(&world->answer, 9001));
	assert_false(tds_receive(&world->client, &world->answer));
	tds_close(&world->client);
}

static void a_reset_is_acknowledged_before_the_answer(void **state)
{
	struct world *world = *state;
	static const uint8_t acknowledged[] = { 0xe3, 3, 0, 18, 0, 0 };
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	tds_put_headers(&message, &world->client);
	tds_put_ascii(&message, "rows 1");
	tds_send_packet(&world->client, 1, 0x09, message.data, message.size);
	assert_true(tds_receive(&world->client, &world->answer));
	assert_int_equal(seen.resets, 1);
	assert_memory_equal(world->answer.data, acknowledged, sizeof(acknowledged));
	tds_free(&message);
	tds_close(&world->client);
}

static void transaction_requests_carry_their_descriptors(void **state)
{
	struct world *world = *state;
	static const uint8_t began[] = { 0xe3, 11, 0, 8, 8, 0x99, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t ended[] = { 0xe3, 11, 0, 9, 0, 8, 0x99, 0, 0, 0, 0, 0, 0, 0 };
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	tds_put_headers(&message, &world->client);
	tds_put16(&message, 5);
	tds_put16(&message, 0);
	tds_send(&world->client, 0x0e, &message);
	assert_true(tds_receive(&world->client, &world->answer));
	assert_memory_equal(world->answer.data, began, sizeof(began));
	world->client.descriptor = 0x99;
	message.size = 0;
	tds_put_headers(&message, &world->client);
	tds_put16(&message, 7);
	tds_put16(&message, 0);
	tds_send(&world->client, 0x0e, &message);
	assert_true(tds_receive(&world->client, &world->answer));
	assert_memory_equal(world->answer.data, ended, sizeof(ended));
	tds_free(&message);
	tds_close(&world->client);
}

/* --- browser ----------------------------------------------------------------------------------------------------- */

/* Asks and waits a moment; "" where nobody answers. */
static const char *ask_browser(uint16_t port, const char *question, size_t size)
{
	static char answer[2048];
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	const struct timeval moment = { .tv_usec = 200000 };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment)), 0);
	assert_int_equal(sendto(fd, question, size, 0, (struct sockaddr *)&address, sizeof(address)), (ssize_t)size);
	ssize_t got = recv(fd, answer, sizeof(answer) - 1, 0);
	close(fd);
	if (got < 3)
		return "";
	assert_int_equal((uint8_t)answer[0], 5);
	assert_int_equal((uint8_t)answer[1] | (uint8_t)answer[2] << 8, got - 3);
	answer[got] = 0;
	return answer + 3;
}

static void the_browser_knows_its_instance_and_lies_when_told_to(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char port[32];

	assert_int_equal(browser_open(&browser, &world->server, 0), 0);
	snprintf(port, sizeof(port), ";tcp;%u;;", world->server.port);
	assert_non_null(strstr(ask_browser(browser.port, "\x04mssqlserver", 13), port));
	assert_non_null(strstr(ask_browser(browser.port, "\x03", 1), port));
	assert_string_equal(ask_browser(browser.port,
							"\x04"
							"OTHER",
							6),
		"");
	assert_string_equal(ask_browser(browser.port, "", 0), "");
	set_fault(world, "browser=ServerName;EVIL;tcp;1;;");
	assert_string_equal(ask_browser(browser.port, "\x03", 1), "ServerName;EVIL;tcp;1;;");
	set_fault(world, "browser=silent");
	assert_string_equal(ask_browser(browser.port, "\x03", 1), "");
	browser_close(&browser);
}

/* --- control ---------------------------------------------------------------------------------------------------- */

static void settings_that_nobody_knows_are_refused(void **state)
{
	struct world *world = *state;
	const char *wrong[] = { "cut-after-packets=", "cut-after-packets=-1", "cut-after-packet=1", "stall-at-packet=3",
		"malformed=unheard-of", "malformed=short-row:x", "encryption=maybe", "route=host", "records=", "",
		"cut-at-byte" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (faults_set(&world->server.faults, wrong[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void the_control_tells_what_was_said(void **state)
{
	struct world *world = *state;
	char answer[4096] = "";

	log_in(world, TDS_ENCRYPTED);
	run(world, "rows 1");
	ask(world, "statements", answer, sizeof(answer));
	assert_non_null(strstr(answer, "51 batch rows 1\nok\n"));
	assert_non_null(strstr(answer, "encrypted=all TLSv1.2"));
	ask(world, "sessions", answer, sizeof(answer));
	assert_non_null(strstr(answer, "user=sa"));
	ask(world, "set known=1", answer, sizeof(answer));
	assert_string_equal(answer, "ok\n");
	ask(world, "set unknown=1", answer, sizeof(answer));
	assert_non_null(strstr(answer, "error: set unknown=1"));
	ask(world, "kill 52", answer, sizeof(answer));
	assert_non_null(strstr(answer, "error"));
	ask(world, "kill 51", answer, sizeof(answer));
	assert_string_equal(answer, "ok\n");
	assert_false(tds_receive(&world->client, &world->answer));
	tds_close(&world->client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(every_way_to_encrypt_ends_in_a_login),
		in_world(a_wrong_password_is_18456_and_a_missing_database_4060_as_well),
		in_world(the_odbc_flag_reaches_the_engine),
		in_world(the_packet_size_is_what_the_client_asked_for),
		cmocka_unit_test_setup_teardown(a_strict_server_hangs_up_on_tds_7, open_strict_world, close_world),
		cmocka_unit_test_setup_teardown(a_server_of_2012_does_not_speak_tds_8, open_2012, close_world),
		in_world(tds_8_without_its_alpn_is_dropped),
		in_world(prelogin_answers_what_a_fault_says),
		in_world(routing_follows_the_login),
		in_world(a_long_statement_in_whole_packets_is_taken),
		in_world(a_short_packet_before_the_last_one_is_dropped),
		in_world(a_packet_larger_than_negotiated_is_dropped),
		in_world(a_tls_record_larger_than_the_packet_is_dropped),
		in_world(two_packets_or_half_a_packet_in_a_record_are_dropped_unless_loose),
		in_world(a_statement_with_a_stale_descriptor_is_3989_and_the_end),
		in_world(a_batch_without_headers_is_dropped),
		in_world(an_attention_ends_a_silent_statement),
		in_world(an_attention_that_comes_before_the_statement_has_begun_is_not_lost),
		in_world(a_batch_taken_back_by_the_ignore_bit_does_not_run),
		in_world(an_attention_ends_rows_that_nobody_reads),
		in_world(a_late_attention_is_acknowledged),
		in_world(a_client_that_leaves_interrupts_its_statement),
		in_world(a_fatal_message_ends_the_connection_after_it),
		in_world(a_reset_is_acknowledged_before_the_answer),
		in_world(transaction_requests_carry_their_descriptors),
		in_world(the_browser_knows_its_instance_and_lies_when_told_to),
		in_world(settings_that_nobody_knows_are_refused),
		in_world(the_control_tells_what_was_said),
	};

	return cmocka_run_group_tests_name("sqlserver_wire", tests, NULL, remove_certificates);
}
