/* SPDX-License-Identifier: Apache-2.0 */
/* The relay between a test that plays FreeTDS and a peer that plays the server. Time is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "agent/net/tds.h"
#include "agent/net/tds_relay.h"
#include "tests/support/fake_clock.h"
#include "tests/support/tds_reply.h"
#include "tests/support/tls_peer.h"

#define LOGIN_SECONDS 20
#define STALL_SECONDS 30
#define TEN_MINUTES 600

struct line {
	struct relay *relay;
	struct tls_peer *peer;
	int local; /* what FreeTDS would have */
	char *authorities;
	struct sql_error error;
	int connected;
	sem_t go_on;   /* the script may go on */
	sem_t reached; /* the script has come to where the test waits for it */
	/* What the script is to do, and what it has seen. */
	struct tds_reply reply;
	uint8_t packet[65536];
	size_t records[64], record_count;
};

static int set_up(void **state)
{
	(void)state;
	fake_clock_install();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_clock_remove();
	return 0;
}

static void dial(struct line *line, struct tls_peer_options options, bool strict)
{
	struct relay_options relay = {
		.host = "localhost",
		.strict = strict,
		.login_seconds = LOGIN_SECONDS,
		.stall_seconds = STALL_SECONDS,
	};

	sem_init(&line->go_on, 0, 0);
	sem_init(&line->reached, 0, 0);
	line->local = -1;
	line->authorities = tls_peer_file("ca.pem");
	options.certificate = options.certificate ? options.certificate : "server.pem";
	options.key = options.key ? options.key : "server.key";
	options.prelogin = !strict;
	options.arg = line;
	line->peer = tls_peer_start(&options, &relay.socket);
	relay.authorities = line->authorities;
	assert_int_equal(relay_open(&line->relay, &relay, &line->error), 0);
	line->connected = relay_connect(line->relay, &line->error);
	if (!line->connected) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		line->local = pair[0];
		/* A test that would wait for ever fails instead. */
		setsockopt(line->local, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 5 }, sizeof(struct timeval));
		relay_start(line->relay, pair[1]);
	}
}

static void hang_up(struct line *line)
{
	relay_close(line->relay);
	sem_post(&line->go_on);
	tls_peer_end(line->peer);
	if (line->local >= 0)
		close(line->local);
	free(line->authorities);
	free(line);
}

static void await(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	if (sem_timedwait(semaphore, &until))
		fail_msg("the script did not come to its place");
}

static struct line *new_line(void)
{
	struct line *line = calloc(1, sizeof(*line));

	assert_non_null(line);
	return line;
}

static void expect_error(struct line *line, enum sql_error_kind kind, const char *word)
{
	struct sql_error error = { .kind = SQL_OK };
	char byte;

	/* The relay ends what it cannot go on with. */
	while (recv(line->local, &byte, 1, 0) > 0)
		;
	assert_true(relay_error(line->relay, &error));
	assert_int_equal(error.kind, kind);
	if (!strstr(error.detail, word))
		fail_msg("\"%s\" does not say \"%s\"", error.detail, word);
}

/* ---- FreeTDS's part ---- */

static void say(struct line *line, uint8_t type, bool last, const void *payload, size_t size)
{
	uint8_t packet[TDS_PACKET_SIZE] = { 0 };

	tds_put_header(packet, type, last, size, 1);
	memcpy(packet + TDS_HEADER_SIZE, payload, size);
	for (size_t at = 0; at < size + TDS_HEADER_SIZE;) {
		ssize_t sent = send(line->local, packet + at, size + TDS_HEADER_SIZE - at, MSG_NOSIGNAL);

		assert_true(sent > 0);
		at += (size_t)sent;
	}
}

/* One packet from the relay; its payload is in line->packet. */
static size_t hear(struct line *line)
{
	uint8_t header[TDS_HEADER_SIZE];

	assert_int_equal(recv(line->local, header, sizeof(header), MSG_WAITALL), sizeof(header));

	size_t size = tds_packet_length(header) - TDS_HEADER_SIZE;

	assert_int_equal(header[0], TDS_REPLY);
	assert_int_equal(recv(line->local, line->packet, size, MSG_WAITALL), size);
	return size;
}

static void say_prelogin(struct line *line)
{
	uint8_t payload[64];
	size_t size = tds_prelogin_request(payload, TDS_ENCRYPT_NOT_SUPPORTED);

	say(line, TDS_PRELOGIN, true, payload, size);
	size = hear(line);
	assert_true(tds_prelogin_encryption(line->packet, size) >= 0);
	assert_int_equal(line->packet[tds_prelogin_encryption(line->packet, size)], TDS_ENCRYPT_NOT_SUPPORTED);
}

static void say_login(struct line *line)
{
	say_prelogin(line);
	say(line, TDS_LOGIN7, true, "the login", 9);
}

/* A connection that is logged in; the script has done its part of it by accept_login. */
static struct line *logged_in(tls_peer_script *script)
{
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .encryption = -1, .script = script }, false);
	assert_int_equal(line->connected, 0);
	say_login(line);
	hear(line);
	return line;
}

/* ---- the server's part ---- */

static void accept_login(struct tls_peer *peer)
{
	static struct tds_reply reply;
	static uint8_t packet[65536];

	reply.size = 0;
	assert_true(tls_peer_read_packet(peer, packet) > 0);
	reply_packet_size(&reply, "16000");
	reply_login_ack(&reply, 14);
	reply_done(&reply, 0, 0);
	tls_peer_write_packet(peer, TDS_REPLY, true, reply.bytes, reply.size);
}

static void answer_login_with_reply(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	if (tls_peer_read_packet(peer, line->packet) > 0)
		tls_peer_write_packet(peer, TDS_REPLY, true, line->reply.bytes, line->reply.size);
	tls_peer_read_packet(peer, line->packet);
}

static void read_to_the_end(struct tls_peer *peer, void *arg)
{
	static uint8_t packet[65536];

	(void)arg;
	while (tls_peer_read_packet(peer, packet) > 0)
		;
}

static void accept_login_and_be_silent(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;
	static uint8_t packet[65536];

	accept_login(peer);
	while (tls_peer_read_packet(peer, packet) > 0)
		sem_post(&line->reached);
}

/* ---- before the login ---- */

static void a_server_that_would_not_encrypt_is_refused(void **state)
{
	(void)state;
	const int answers[] = { TDS_ENCRYPT_OFF, TDS_ENCRYPT_NOT_SUPPORTED, 4, 255 };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct line *line = new_line();

		dial(line, (struct tls_peer_options){ .encryption = answers[i] }, false);
		assert_int_equal(line->connected, -EIO);
		assert_int_equal(line->error.kind, SQL_ERROR_NO_ENCRYPTION);
		hang_up(line);
	}
}

static void a_server_that_demands_encryption_is_as_good_as_one_that_agrees_to_it(void **state)
{
	(void)state;
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .encryption = TDS_ENCRYPT_REQUIRED, .script = read_to_the_end }, false);
	assert_int_equal(line->connected, 0);
	hang_up(line);
}

static void a_malformed_prelogin_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} answers[] = {
		{ "", 0 },
		{ "\xff", 1 },                     /* no ENCRYPTION */
		{ "\x01\x00\x06\x00\x01\xff", 6 }, /* its byte is behind the end */
		{ "\x01\xff\xff\x00\x01\xff\x01", 7 },
		{ "\x01\x00\x06\x00\x00\xff\x01", 7 },                          /* of no bytes */
		{ "\x01\x00\x0b\x00\x01\x01\x00\x0c\x00\x01\xff\x01\x01", 13 }, /* twice */
		{ "\x01\x00", 2 },
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct line *line = new_line();
		const struct tls_peer_options options = {
			.encryption = -1,
			.prelogin_answer = (const uint8_t *)answers[i].bytes,
			.prelogin_answer_size = answers[i].size,
		};

		dial(line, options, false);
		assert_int_equal(line->connected, -EIO);
		if (line->error.kind != SQL_ERROR_PROTOCOL)
			fail_msg("answer %zu is error %d (%s)", i, line->error.kind, line->error.detail);
		hang_up(line);
	}
}

static void an_old_server_is_told_which_update_brings_tls_1_2(void **state)
{
	(void)state;
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .encryption = -1, .maximum = 10 }, false);
	assert_int_equal(line->error.kind, SQL_ERROR_TLS_OLD);
	assert_non_null(strstr(line->error.detail, "KB 3135244"));
	hang_up(line);
}

static void a_wrong_certificate_is_refused_inside_prelogin_too(void **state)
{
	(void)state;
	static const struct {
		const char *certificate;
		enum sql_error_kind kind;
	} cases[] = {
		{ "wrong-name.pem", SQL_ERROR_NAME },
		{ "expired.pem", SQL_ERROR_CERTIFICATE },
		{ "self-signed.pem", SQL_ERROR_CERTIFICATE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line *line = new_line();

		dial(line, (struct tls_peer_options){ .encryption = -1, .certificate = cases[i].certificate }, false);
		assert_int_equal(line->connected, -EIO);
		assert_int_equal(line->error.kind, cases[i].kind);
		hang_up(line);
	}
}

static void answer_prelogin_inside_tls(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;
	static const uint8_t answer[] = { 1, 0, 6, 0, 1, 0xff, 2 };

	assert_true(tls_peer_read_packet(peer, line->packet) > 0);
	tls_peer_write_packet(peer, TDS_REPLY, true, answer, sizeof(answer));
	accept_login(peer);
	tls_peer_read_packet(peer, line->packet);
}

static void a_strict_server_is_met_by_tls_first(void **state)
{
	(void)state;
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .alpn = "tds/8.0", .script = answer_prelogin_inside_tls }, true);
	assert_int_equal(line->connected, 0);
	say_login(line);
	hear(line);
	assert_int_equal(relay_server_version(line->relay), 14);
	hang_up(line);
}

static void a_server_that_does_not_agree_to_tds_8_is_refused_where_it_is_asked_for(void **state)
{
	(void)state;
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .script = read_to_the_end }, true);
	assert_int_equal(line->connected, -EIO);
	assert_int_equal(line->error.kind, SQL_ERROR_TLS);
	assert_non_null(strstr(line->error.detail, "TDS 8.0"));
	hang_up(line);
}

/* ---- the login ---- */

static void a_redirection_is_refused_and_its_target_named(void **state)
{
	(void)state;
	struct line *line = new_line();
	struct sql_error error = { .kind = SQL_OK };

	reply_login_ack(&line->reply, 14);
	reply_routing(&line->reply, "elsewhere.example.test", 1433);
	reply_done(&line->reply, 0, 0);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_login_with_reply }, false);
	say_login(line);
	expect_error(line, SQL_ERROR_REDIRECT, "sends its clients on");
	relay_error(line->relay, &error);
	assert_string_equal(error.object, "elsewhere.example.test");
	hang_up(line);
}

static void packets_larger_than_a_record_are_refused(void **state)
{
	(void)state;
	struct line *line = new_line();

	reply_packet_size(&line->reply, "32767");
	reply_login_ack(&line->reply, 14);
	reply_done(&line->reply, 0, 0);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_login_with_reply }, false);
	say_login(line);
	expect_error(line, SQL_ERROR_PROTOCOL, "packets of a size");
	hang_up(line);
}

static void an_answer_to_the_login_that_is_no_tds_is_refused(void **state)
{
	(void)state;
	static const char *const answers[] = { "", "\xd1row", "\xe3\xff\xff", "\xad", "\xfd" };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct line *line = new_line();

		reply_bytes(&line->reply, answers[i], strlen(answers[i]));
		dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_login_with_reply }, false);
		say_login(line);
		if (i)
			expect_error(line, SQL_ERROR_PROTOCOL, "no TDS");
		hang_up(line);
	}
}

static void a_server_that_never_answers_the_login_is_given_up(void **state)
{
	(void)state;
	struct line *line = new_line();

	dial(line, (struct tls_peer_options){ .encryption = -1, .script = read_to_the_end }, false);
	say_login(line);
	fake_clock_advance(LOGIN_SECONDS - 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = line->local, .events = POLLIN }, 1, 20), 0);
	fake_clock_advance(2);
	expect_error(line, SQL_ERROR_TIMEOUT, "login");
	hang_up(line);
}

/* ---- packets ---- */

static void count_records(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;
	ssize_t got;

	accept_login(peer);
	while ((got = tls_peer_read_record(peer, line->packet, sizeof(line->packet))) > 0) {
		line->records[line->record_count++] = (size_t)got;
		if (line->packet[1] & TDS_STATUS_EOM)
			sem_post(&line->reached);
	}
}

static void packets_that_come_in_one_piece_leave_in_a_record_each(void **state)
{
	(void)state;
	struct line *line = logged_in(count_records);
	static uint8_t two[2 * TDS_PACKET_SIZE + 20];

	tds_put_header(two, TDS_BULK, false, TDS_PACKET_SIZE - TDS_HEADER_SIZE, 1);
	tds_put_header(two + TDS_PACKET_SIZE, TDS_BULK, false, TDS_PACKET_SIZE - TDS_HEADER_SIZE, 2);
	tds_put_header(two + 2 * TDS_PACKET_SIZE, TDS_BULK, true, 12, 3);
	assert_int_equal(send(line->local, two, sizeof(two), 0), sizeof(two));
	await(&line->reached);
	assert_int_equal(line->record_count, 3);
	assert_int_equal(line->records[0], TDS_PACKET_SIZE);
	assert_int_equal(line->records[1], TDS_PACKET_SIZE);
	assert_int_equal(line->records[2], 20);
	hang_up(line);
}

static void a_packet_that_comes_byte_by_byte_leaves_in_one_record(void **state)
{
	(void)state;
	struct line *line = logged_in(count_records);
	uint8_t packet[30] = { 0 };

	tds_put_header(packet, TDS_BATCH, true, sizeof(packet) - TDS_HEADER_SIZE, 1);
	for (size_t i = 0; i < sizeof(packet); i++)
		assert_int_equal(send(line->local, packet + i, 1, 0), 1);
	await(&line->reached);
	assert_int_equal(line->record_count, 1);
	assert_int_equal(line->records[0], sizeof(packet));
	hang_up(line);
}

static void answer_once(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	accept_login(peer);
	if (tls_peer_read_packet(peer, line->packet) < 0)
		return;
	/* Each byte in a record of its own. */
	for (size_t i = 0; i < line->reply.size; i++)
		tls_peer_write(peer, line->reply.bytes + i, 1);
	tls_peer_read_packet(peer, line->packet);
}

static void the_columns_of_an_answer_are_kept_however_it_is_cut(void **state)
{
	(void)state;
	struct line *line = new_line();
	struct tds_reply payload = { .size = 0 };
	uint8_t header[TDS_HEADER_SIZE];
	const void *bytes;
	uint16_t flags;

	reply_done(&payload, 1, 0);
	reply_int_columns(&payload, 2);
	reply_int_row(&payload, (const int32_t[]){ 1, 2 }, 2);
	reply_done(&payload, 0x10, 1);
	/* Two packets, cut inside COLMETADATA. */
	tds_put_header(header, TDS_REPLY, false, 20, 1);
	reply_bytes(&line->reply, header, sizeof(header));
	reply_bytes(&line->reply, payload.bytes, 20);
	tds_put_header(header, TDS_REPLY, true, payload.size - 20, 2);
	reply_bytes(&line->reply, header, sizeof(header));
	reply_bytes(&line->reply, payload.bytes + 20, payload.size - 20);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_once }, false);
	say_login(line);
	hear(line);
	say(line, TDS_BATCH, true, "q", 1);
	assert_int_equal(hear(line), 20);
	assert_int_equal(hear(line), payload.size - 20);
	assert_int_equal(relay_type_info(line->relay, 1, &bytes, &flags), 2);
	assert_memory_equal(bytes, "\x26\x04", 2);
	assert_int_equal(flags, 9);
	assert_int_equal(relay_type_info(line->relay, 2, &bytes, &flags), 0);
	hang_up(line);
}

static void send_rubbish(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	accept_login(peer);
	tls_peer_read_packet(peer, line->packet);
	tls_peer_write(peer, line->reply.bytes, line->reply.size);
	tls_peer_read_packet(peer, line->packet);
}

static void packets_that_no_server_sends_end_the_connection(void **state)
{
	(void)state;
	static const uint8_t headers[][TDS_HEADER_SIZE] = {
		{ TDS_BATCH, 1, 0, 9, 0, 0, 1, 0 },
		{ TDS_PRELOGIN, 1, 0, 9, 0, 0, 1, 0 },
		{ TDS_REPLY, 1, 0, 7, 0, 0, 1, 0 },
		{ TDS_REPLY, 1, 0xff, 0xff, 0, 0, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct line *line = new_line();

		reply_bytes(&line->reply, headers[i], TDS_HEADER_SIZE);
		dial(line, (struct tls_peer_options){ .encryption = -1, .script = send_rubbish }, false);
		say_login(line);
		hear(line);
		say(line, TDS_BATCH, true, "q", 1);
		expect_error(line, SQL_ERROR_PROTOCOL, "no TDS");
		hang_up(line);
	}
}

static void hang_up_after_login(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	accept_login(peer);
	tls_peer_read_packet(peer, line->packet);
	tls_peer_cut(peer);
}

static void a_connection_that_the_server_ends_is_lost_by_name(void **state)
{
	(void)state;
	struct line *line = logged_in(hang_up_after_login);

	say(line, TDS_BATCH, true, "q", 1);
	expect_error(line, SQL_ERROR_LOST, "closed the connection");
	hang_up(line);
}

/* ---- time ---- */

static void a_request_with_a_limit_is_given_up_when_no_answer_begins(void **state)
{
	(void)state;
	struct line *line = logged_in(accept_login_and_be_silent);

	relay_expect(line->relay, 60);
	say(line, TDS_BATCH, true, "q", 1);
	await(&line->reached);
	fake_clock_advance(59);
	assert_int_equal(poll(&(struct pollfd){ .fd = line->local, .events = POLLIN }, 1, 20), 0);
	fake_clock_advance(2);
	expect_error(line, SQL_ERROR_TIMEOUT, "did not answer in time");
	hang_up(line);
}

static void answer_when_told(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	accept_login(peer);
	while (tls_peer_read_packet(peer, line->packet) > 0) {
		sem_post(&line->reached);
		sem_wait(&line->go_on);
		tls_peer_write(peer, line->reply.bytes, line->reply.size);
	}
}

static void a_request_without_a_limit_may_take_ten_minutes(void **state)
{
	(void)state;
	struct line *line = new_line();
	struct tds_reply payload = { .size = 0 };
	uint8_t header[TDS_HEADER_SIZE];
	struct sql_error error = { .kind = SQL_OK };

	reply_done(&payload, 0, 0);
	tds_put_header(header, TDS_REPLY, true, payload.size, 1);
	reply_bytes(&line->reply, header, sizeof(header));
	reply_bytes(&line->reply, payload.bytes, payload.size);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_when_told }, false);
	say_login(line);
	hear(line);
	relay_expect(line->relay, 0);
	relay_enter(line->relay);
	say(line, TDS_BATCH, true, "COMMIT", 6);
	await(&line->reached);
	for (int i = 0; i < TEN_MINUTES; i += 10) {
		fake_clock_advance(10);
		poll(NULL, 0, 2);
	}
	assert_false(relay_error(line->relay, &error));
	sem_post(&line->go_on);
	assert_int_equal(hear(line), TDS_DONE_SIZE);
	relay_leave(line->relay);
	hang_up(line);
}

static void an_answer_that_begins_and_stops_is_a_stall(void **state)
{
	(void)state;
	struct line *line = new_line();
	uint8_t byte[TDS_HEADER_SIZE + 5];

	/* All of a packet's header and a part of what it announces. */
	tds_put_header(byte, TDS_REPLY, true, 100, 1);
	reply_bytes(&line->reply, byte, TDS_HEADER_SIZE);
	reply_bytes(&line->reply, "\xab\x01\x02\x03\x04", 5);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_when_told }, false);
	say_login(line);
	hear(line);
	sem_post(&line->go_on);
	say(line, TDS_BATCH, true, "q", 1);
	assert_int_equal(recv(line->local, byte, sizeof(byte), MSG_WAITALL), sizeof(byte));
	fake_clock_advance(STALL_SECONDS - 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = line->local, .events = POLLIN }, 1, 20), 0);
	fake_clock_advance(2);
	expect_error(line, SQL_ERROR_STALLED, "stopped");
	hang_up(line);
}

static void take_nothing(struct tls_peer *peer, void *arg)
{
	struct line *line = arg;

	accept_login(peer);
	sem_wait(&line->go_on);
}

static void a_server_that_takes_nothing_more_is_a_stall(void **state)
{
	(void)state;
	struct line *line = logged_in(take_nothing);
	uint8_t packet[4096] = { 0 };
	struct pollfd item = { .fd = line->local, .events = POLLOUT };
	size_t sent = 0;

	tds_put_header(packet, TDS_BULK, false, sizeof(packet) - TDS_HEADER_SIZE, 1);
	while (poll(&item, 1, 200) == 1 && sent < 64 << 20)
		if (send(line->local, packet + sent % sizeof(packet), sizeof(packet) - sent % sizeof(packet), MSG_DONTWAIT) > 0)
			sent += sizeof(packet);
	assert_true(sent < 64 << 20);
	fake_clock_advance(STALL_SECONDS + 1);
	expect_error(line, SQL_ERROR_STALLED, "takes no more");
	hang_up(line);
}

static void a_reader_that_is_slow_is_no_stall(void **state)
{
	(void)state;
	struct line *line = new_line();
	struct tds_reply payload = { .size = 0 };
	struct sql_error error = { .kind = SQL_OK };
	uint8_t header[TDS_HEADER_SIZE];

	/* Much more than fits between: the relay cannot deliver it until somebody reads. */
	tds_put_header(header, TDS_REPLY, false, TDS_PACKET_SIZE - TDS_HEADER_SIZE, 1);
	for (int i = 0; i < 4; i++) {
		reply_bytes(&line->reply, header, sizeof(header));
		line->reply.size += TDS_PACKET_SIZE - TDS_HEADER_SIZE;
	}
	(void)payload;
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_when_told }, false);
	say_login(line);
	hear(line);
	for (int i = 0; i < 40; i++) {
		say(line, TDS_BATCH, true, "q", 1);
		sem_post(&line->go_on);
	}
	/* Until nothing more moves: the socketpair is full, and the relay waits for us. */
	uint64_t before;

	do {
		before = relay_received(line->relay);
		poll(NULL, 0, 50);
	} while (relay_received(line->relay) != before);
	fake_clock_advance(10 * STALL_SECONDS);
	poll(NULL, 0, 20);
	assert_false(relay_error(line->relay, &error));
	hang_up(line);
}

static void somebody_who_waits_for_an_answer_that_has_ended_is_hung_up_on(void **state)
{
	(void)state;
	struct line *line = new_line();
	uint8_t header[TDS_HEADER_SIZE];
	struct sql_error error = { .kind = SQL_OK };

	/* A whole message, but what is in it promises more: FreeTDS 1.3.17 would wait for that for ever. */
	tds_put_header(header, TDS_REPLY, true, 3, 1);
	reply_bytes(&line->reply, header, sizeof(header));
	reply_bytes(&line->reply, "\xd1\x01\x02", 3);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_when_told }, false);
	say_login(line);
	hear(line);
	sem_post(&line->go_on);
	relay_enter(line->relay);
	say(line, TDS_BATCH, true, "q", 1);
	assert_int_equal(hear(line), 3);
	poll(NULL, 0, 20);
	fake_clock_advance(RELAY_HANG_SECONDS - 2);
	poll(NULL, 0, 20);
	assert_false(relay_error(line->relay, &error));
	fake_clock_advance(4);
	expect_error(line, SQL_ERROR_PROTOCOL, "ended before it was complete");
	relay_leave(line->relay);
	hang_up(line);
}

static void nobody_who_does_not_wait_is_hung_up_on(void **state)
{
	(void)state;
	struct line *line = logged_in(accept_login_and_be_silent);
	struct sql_error error = { .kind = SQL_OK };

	for (int i = 0; i < TEN_MINUTES; i += 10) {
		fake_clock_advance(10);
		poll(NULL, 0, 2);
	}
	assert_false(relay_error(line->relay, &error));
	hang_up(line);
}

static void a_cancel_that_is_not_acknowledged_ends_the_connection(void **state)
{
	(void)state;
	struct line *line = logged_in(accept_login_and_be_silent);

	relay_expect(line->relay, 0);
	say(line, TDS_BATCH, true, "q", 1);
	await(&line->reached);
	fake_clock_advance(TEN_MINUTES);
	say(line, TDS_ATTENTION, true, "", 0);
	await(&line->reached);
	fake_clock_advance(RELAY_ATTENTION_SECONDS - 1);
	assert_int_equal(poll(&(struct pollfd){ .fd = line->local, .events = POLLIN }, 1, 20), 0);
	fake_clock_advance(2);
	expect_error(line, SQL_ERROR_TIMEOUT, "cancel");
	hang_up(line);
}

static void a_cancel_that_is_acknowledged_is_over(void **state)
{
	(void)state;
	struct line *line = new_line();
	struct tds_reply payload = { .size = 0 };
	struct sql_error error = { .kind = SQL_OK };
	uint8_t header[TDS_HEADER_SIZE];

	reply_done(&payload, TDS_DONE_ATTENTION, 0);
	tds_put_header(header, TDS_REPLY, true, payload.size, 1);
	reply_bytes(&line->reply, header, sizeof(header));
	reply_bytes(&line->reply, payload.bytes, payload.size);
	dial(line, (struct tls_peer_options){ .encryption = -1, .script = answer_when_told }, false);
	say_login(line);
	hear(line);
	say(line, TDS_ATTENTION, true, "", 0);
	sem_post(&line->go_on);
	assert_int_equal(hear(line), TDS_DONE_SIZE);
	fake_clock_advance(TEN_MINUTES);
	poll(NULL, 0, 20);
	assert_false(relay_error(line->relay, &error));
	hang_up(line);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_that_would_not_encrypt_is_refused),
		TEST(a_server_that_demands_encryption_is_as_good_as_one_that_agrees_to_it),
		TEST(a_malformed_prelogin_is_refused),
		TEST(an_old_server_is_told_which_update_brings_tls_1_2),
		TEST(a_wrong_certificate_is_refused_inside_prelogin_too),
		TEST(a_strict_server_is_met_by_tls_first),
		TEST(a_server_that_does_not_agree_to_tds_8_is_refused_where_it_is_asked_for),
		TEST(a_redirection_is_refused_and_its_target_named),
		TEST(packets_larger_than_a_record_are_refused),
		TEST(an_answer_to_the_login_that_is_no_tds_is_refused),
		TEST(a_server_that_never_answers_the_login_is_given_up),
		TEST(packets_that_come_in_one_piece_leave_in_a_record_each),
		TEST(a_packet_that_comes_byte_by_byte_leaves_in_one_record),
		TEST(the_columns_of_an_answer_are_kept_however_it_is_cut),
		TEST(packets_that_no_server_sends_end_the_connection),
		TEST(a_connection_that_the_server_ends_is_lost_by_name),
		TEST(a_request_with_a_limit_is_given_up_when_no_answer_begins),
		TEST(a_request_without_a_limit_may_take_ten_minutes),
		TEST(an_answer_that_begins_and_stops_is_a_stall),
		TEST(a_server_that_takes_nothing_more_is_a_stall),
		TEST(a_reader_that_is_slow_is_no_stall),
		TEST(somebody_who_waits_for_an_answer_that_has_ended_is_hung_up_on),
		TEST(nobody_who_does_not_wait_is_hung_up_on),
		TEST(a_cancel_that_is_not_acknowledged_ends_the_connection),
		TEST(a_cancel_that_is_acknowledged_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
