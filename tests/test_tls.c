/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/net/tls.h"
#include "tests/support/tls_peer.h"

/* What a script saw of the client after the handshake. */
struct heard {
	uint8_t bytes[TLS_RECORD_MAX + 1];
	ssize_t size;
};

static void listen_once(struct tls_peer *peer, void *arg)
{
	struct heard *heard = arg;

	heard->size = tls_peer_read_record(peer, heard->bytes, sizeof(heard->bytes));
	if (heard->size > 0)
		tls_peer_write(peer, "welcome", 7);
}

static ssize_t socket_send(void *arg, const void *bytes, size_t size)
{
	ssize_t sent = send(*(int *)arg, bytes, size, MSG_NOSIGNAL);

	return sent < 0 ? -errno : sent;
}

static ssize_t socket_receive(void *arg, void *bytes, size_t size)
{
	ssize_t got = recv(*(int *)arg, bytes, size, 0);

	return got < 0 ? -errno : got;
}

struct meeting {
	struct tls *tls;
	struct tls_peer *peer;
	struct heard heard;
	int socket, result;
	bool server_completed;
};

static void meet(
	struct meeting *meeting, const struct tls_peer_options *server, const struct tls_client_options *client)
{
	const struct tls_transport transport = { &meeting->socket, socket_send, socket_receive };
	struct tls_peer_options options = *server;

	options.script = listen_once;
	options.arg = &meeting->heard;
	meeting->heard.size = -2;
	meeting->peer = tls_peer_start(&options, &meeting->socket);
	meeting->result = tls_client(&meeting->tls, client);
	if (!meeting->result) {
		tls_set_transport(meeting->tls, &transport);
		meeting->result = tls_handshake(meeting->tls);
	}
}

static void part(struct meeting *meeting)
{
	tls_free(meeting->tls);
	close(meeting->socket);
	meeting->server_completed = tls_peer_end(meeting->peer);
}

static const struct tls_peer_options good_server = { .certificate = "server.pem", .key = "server.key" };

static void expect_refusal(const struct tls_peer_options *server, const struct tls_client_options *client,
	enum tls_problem problem, const char *word)
{
	struct meeting meeting;

	meet(&meeting, server, client);
	assert_int_equal(meeting.result, problem == TLS_PROBLEM_SETTINGS ? -EINVAL : -EPROTO);
	assert_int_equal(tls_problem(meeting.tls), problem);
	if (!strstr(tls_detail(meeting.tls), word))
		fail_msg("\"%s\" does not say \"%s\"", tls_detail(meeting.tls), word);
	part(&meeting);
	/* Whatever it heard, it was no byte of ours. */
	assert_true(meeting.heard.size < 0);
}

static void a_server_of_the_right_authority_and_name_is_trusted(void **state)
{
	(void)state;
	struct meeting meeting;
	char *authority = tls_peer_file("ca.pem"), answer[16];
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };
	uint8_t sha256[32];

	meet(&meeting, &good_server, &client);
	assert_int_equal(meeting.result, 0);
	assert_int_equal(tls_write(meeting.tls, "hello", 5), 0);
	assert_int_equal(tls_read(meeting.tls, answer, sizeof(answer)), 7);
	assert_memory_equal(answer, "welcome", 7);
	assert_non_null(strstr(tls_description(meeting.tls), "TLS 1.2, ECDHE"));
	tls_peer_sha256("server.pem", sha256);
	assert_memory_equal(tls_certificate_sha256(meeting.tls), sha256, sizeof(sha256));
	part(&meeting);
	assert_int_equal(meeting.heard.size, 5);
	free(authority);
}

static void one_write_is_one_record(void **state)
{
	(void)state;
	struct meeting meeting;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };
	static const uint8_t full[TLS_RECORD_MAX];

	meet(&meeting, &good_server, &client);
	assert_int_equal(tls_write(meeting.tls, full, sizeof(full)), 0);

	char answer[16];

	assert_int_equal(tls_read(meeting.tls, answer, sizeof(answer)), 7);
	part(&meeting);
	assert_int_equal(meeting.heard.size, TLS_RECORD_MAX);
	free(authority);
}

static void a_wrong_authority_is_refused(void **state)
{
	(void)state;
	char *authority = tls_peer_file("other-ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };

	expect_refusal(&good_server, &client, TLS_PROBLEM_CERTIFICATE, "not correctly signed");
	free(authority);
}

static void a_wrong_name_is_refused_and_the_right_one_told(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };
	const struct tls_peer_options server = { .certificate = "wrong-name.pem", .key = "server.key" };

	expect_refusal(&server, &client, TLS_PROBLEM_NAME, "elsewhere.example.test");
	free(authority);
}

static void an_expired_certificate_is_refused(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };
	const struct tls_peer_options server = { .certificate = "expired.pem", .key = "server.key" };

	expect_refusal(&server, &client, TLS_PROBLEM_CERTIFICATE, "expired");
	free(authority);
}

static void a_self_signed_certificate_is_refused_unless_it_is_pinned(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_peer_options server = { .certificate = "self-signed.pem", .key = "server.key" };
	struct tls_client_options client = { .name = "localhost", .authorities = authority };
	struct meeting meeting;
	uint8_t pin[32];

	expect_refusal(&server, &client, TLS_PROBLEM_CERTIFICATE, "not correctly signed");
	tls_peer_sha256("self-signed.pem", pin);
	client = (struct tls_client_options){ .name = "10.0.0.1", .pin = pin };
	meet(&meeting, &server, &client);
	assert_int_equal(meeting.result, 0);
	part(&meeting);
	free(authority);
}

static void a_changed_pin_is_refused_and_both_are_told(void **state)
{
	(void)state;
	const struct tls_peer_options server = { .certificate = "new-key.pem", .key = "new-key.key" };
	uint8_t pin[32], found[32];
	char old_hex[9], new_hex[9];

	tls_peer_sha256("server.pem", pin);
	tls_peer_sha256("new-key.pem", found);
	for (int i = 0; i < 4; i++) {
		snprintf(old_hex + 2 * i, 3, "%02x", pin[i]);
		snprintf(new_hex + 2 * i, 3, "%02x", found[i]);
	}

	const struct tls_client_options client = { .name = "localhost", .pin = pin };

	expect_refusal(&server, &client, TLS_PROBLEM_PIN, old_hex);
	expect_refusal(&server, &client, TLS_PROBLEM_PIN, new_hex);
}

static void a_pin_does_not_replace_the_authority_where_both_are_set(void **state)
{
	(void)state;
	char *authority = tls_peer_file("other-ca.pem");
	uint8_t pin[32];

	tls_peer_sha256("server.pem", pin);

	const struct tls_client_options client = { .name = "localhost", .authorities = authority, .pin = pin };

	expect_refusal(&good_server, &client, TLS_PROBLEM_CERTIFICATE, "not correctly signed");
	free(authority);
}

static void an_authority_does_not_replace_the_pin_where_both_are_set(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const uint8_t pin[32] = { 1 };
	const struct tls_client_options client = { .name = "localhost", .authorities = authority, .pin = pin };

	expect_refusal(&good_server, &client, TLS_PROBLEM_PIN, "pinned 01");
	free(authority);
}

static void a_server_with_old_tls_only_is_known_as_such(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority };

	for (int version = 10; version <= 11; version++) {
		const struct tls_peer_options server = { .certificate = "server.pem", .key = "server.key", .maximum = version };

		expect_refusal(&server, &client, TLS_PROBLEM_OLD, "TLS 1.0 or 1.1");
	}
	free(authority);
}

static void old_tls_works_where_its_owner_has_accepted_it_and_a_write_stays_one_record(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem"), answer[16];
	const struct tls_client_options client = { .name = "localhost", .authorities = authority, .legacy = true };
	const struct tls_peer_options server = { .certificate = "server.pem", .key = "server.key", .maximum = 10 };
	struct meeting meeting;

	meet(&meeting, &server, &client);
	assert_int_equal(meeting.result, 0);
	assert_non_null(strstr(tls_description(meeting.tls), "TLS 1.0"));
	assert_int_equal(tls_write(meeting.tls, "a packet", 8), 0);
	assert_int_equal(tls_read(meeting.tls, answer, sizeof(answer)), 7);
	part(&meeting);
	assert_int_equal(meeting.heard.size, 8);
	free(authority);
}

static void nothing_to_trust_by_is_no_trust(void **state)
{
	(void)state;
	const struct tls_client_options client = { .name = "localhost" };
	const struct tls_client_options rubbish = { .name = "localhost", .authorities = "no PEM" };

	expect_refusal(&good_server, &client, TLS_PROBLEM_SETTINGS, "neither");
	expect_refusal(&good_server, &rubbish, TLS_PROBLEM_SETTINGS, "");
}

static void a_protocol_that_was_asked_for_must_be_agreed_on(void **state)
{
	(void)state;
	char *authority = tls_peer_file("ca.pem");
	const struct tls_client_options client = { .name = "localhost", .authorities = authority, .alpn = "tds/8.0" };
	struct meeting meeting;

	expect_refusal(&good_server, &client, TLS_PROBLEM_PROTOCOL, "tds/8.0");

	const struct tls_peer_options server = { .certificate = "server.pem", .key = "server.key", .alpn = "tds/8.0" };

	meet(&meeting, &server, &client);
	assert_int_equal(meeting.result, 0);
	part(&meeting);
	free(authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_of_the_right_authority_and_name_is_trusted),
		cmocka_unit_test(one_write_is_one_record),
		cmocka_unit_test(a_wrong_authority_is_refused),
		cmocka_unit_test(a_wrong_name_is_refused_and_the_right_one_told),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_self_signed_certificate_is_refused_unless_it_is_pinned),
		cmocka_unit_test(a_changed_pin_is_refused_and_both_are_told),
		cmocka_unit_test(a_pin_does_not_replace_the_authority_where_both_are_set),
		cmocka_unit_test(an_authority_does_not_replace_the_pin_where_both_are_set),
		cmocka_unit_test(a_server_with_old_tls_only_is_known_as_such),
		cmocka_unit_test(old_tls_works_where_its_owner_has_accepted_it_and_a_write_stays_one_record),
		cmocka_unit_test(nothing_to_trust_by_is_no_trust),
		cmocka_unit_test(a_protocol_that_was_asked_for_must_be_agreed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
