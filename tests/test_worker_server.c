/* SPDX-License-Identifier: Apache-2.0 */
/* A real coffret-worker reads from the stand-in server, which then misbehaves in every way it can on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sql/worker_private.h"
#include "tests/support/standin.h"
#include "tests/support/tls_peer.h"

struct reading {
	struct standin server;
	struct worker *worker;
	struct worker_watcher watcher;
	struct sql_error error;
	char password[32];
	/* What was read. */
	size_t catalogue_size;
	uint64_t rows, tables, chunks;
	struct table_digest digest;
};

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	(void)bytes;
	((struct reading *)arg)->catalogue_size = size;
	return 0;
}

static int take_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	(void)kind;
	(void)bytes;
	(void)size;
	((struct reading *)arg)->rows += rows;
	((struct reading *)arg)->chunks++;
	return 0;
}

static int take_table_end(void *arg, uint32_t table, const struct table_digest *digest)
{
	(void)table;
	((struct reading *)arg)->tables++;
	table_digest_add(&((struct reading *)arg)->digest, digest);
	return 0;
}

static void forget_what_was_read(struct reading *reading)
{
	reading->catalogue_size = 0;
	reading->rows = reading->tables = reading->chunks = 0;
	memset(&reading->digest, 0, sizeof(reading->digest));
	memset(&reading->error, 0, sizeof(reading->error));
}

static struct reading *with_server(const char *const *options)
{
	struct reading *reading = calloc(1, sizeof(*reading));

	assert_non_null(reading);
	reading->watcher = (struct worker_watcher){
		.arg = reading,
		.catalogue = take_catalogue,
		.chunk = take_chunk,
		.table_end = take_table_end,
	};
	standin_start(&reading->server, options);
	return reading;
}

static void end(struct reading *reading)
{
	standin_stop(&reading->server);
	free(reading);
}

static struct worker_login usual_login(struct reading *reading)
{
	strcpy(reading->password, "Secret-1");
	return (struct worker_login){
		.host = "localhost",
		.port = reading->server.port,
		.authorities = reading->server.authorities,
		.login = "sa",
		.password = reading->password,
		.database = "mgc",
		.connect_seconds = 5,
		.login_seconds = 5,
		.stall_seconds = 2,
		.catalogue_seconds = 10,
		.lock_timeout_ms = 5000,
	};
}

/* Logs in and reads all: 0 only where all of it was read. */
static int read_with(struct reading *reading, struct worker_login *login)
{
	const struct worker_place place = { .program = reading->server.worker,
		.browser_port = reading->server.browser_port };
	struct rowgroup_params params = rowgroup_params_default;

	forget_what_was_read(reading);
	params.seed[0] = 1;

	int result = worker_start_at(&reading->worker, login, &reading->watcher, &place, &reading->error);

	if (!result)
		result = worker_read(reading->worker, CONSISTENCY_LOOSE, &params, true, NULL, 0, &reading->error);
	worker_stop(reading->worker);
	reading->worker = NULL;
	return result;
}

static int read_all(struct reading *reading)
{
	struct worker_login login = usual_login(reading);

	return read_with(reading, &login);
}

static void expect_good(struct reading *reading, int result)
{
	if (result)
		fail_msg("error %d, number %d, [%s] %s (%s)", reading->error.kind, reading->error.number, reading->error.object,
			reading->error.detail, reading->error.doing);
	assert_true(reading->catalogue_size > 1000);
	assert_true(reading->tables > 20);
	assert_true(reading->rows > 100);
}

static void tell(struct reading *reading, const char *format, uint64_t number)
{
	char command[200];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(command, sizeof(command), format, (unsigned long long)number);
#pragma GCC diagnostic pop
	if (!standin_tell(&reading->server, command))
		fail_msg("the stand-in server refused \"%s\"", command);
}

#define CHAT "--login", "sa=Secret-1", "--chat", "messages=300,rooms=5,users=100,seed=1"

static void a_database_is_read_without_a_violation_of_the_protocol(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, NULL });
	struct table_digest first;

	expect_good(reading, read_all(reading));
	first = reading->digest;
	expect_good(reading, read_all(reading));
	assert_true(table_digest_equal(&first, &reading->digest));

	char *violations = standin_violations(&reading->server);

	assert_string_equal(violations, "");
	free(violations);
	end(reading);
}

static void a_strict_server_is_read_as_well(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, "--strict", NULL });
	struct worker_login login = usual_login(reading);

	login.strict = true;
	expect_good(reading, read_with(reading, &login));
	/* And TDS 7 is no way in. */
	assert_int_equal(read_all(reading), -EIO);
	end(reading);
}

static void a_named_instance_is_found_by_sql_browser_and_its_lies_lead_nowhere(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, "--instance", "RTC", NULL });
	struct worker_login login = usual_login(reading);

	login.port = 0;
	login.connect_seconds = 1;
	login.instance = "RTC";
	expect_good(reading, read_with(reading, &login));
	login = usual_login(reading);
	login.instance = "OTHER";
	login.connect_seconds = 1;
	assert_int_equal(read_with(reading, &login), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_BROWSER);
	tell(reading, "wire browser=ServerName;X;InstanceName;RTC;tcp;%llu;;", 1);
	login = usual_login(reading);
	login.instance = "RTC";
	assert_int_equal(read_with(reading, &login), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_CONNECT);
	end(reading);
}

static void a_windows_login_proves_itself_by_ntlmv2(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, "--login", "BRANCH\\backup=Secret-1", NULL });
	struct worker_login login = usual_login(reading);

	login.login = "BRANCH\\backup";
	expect_good(reading, read_with(reading, &login));
	login = usual_login(reading);
	login.login = "BRANCH\\backup";
	strcpy(reading->password, "wrong");
	assert_int_equal(read_with(reading, &login), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_LOGIN);
	end(reading);
}

static void wrong_logins_are_known_by_number(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, NULL });
	struct worker_login login = usual_login(reading);

	strcpy(reading->password, "wrong");
	assert_int_equal(read_with(reading, &login), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_LOGIN);
	assert_int_equal(reading->error.number, 18456);
	login = usual_login(reading);
	login.database = "nowhere";
	assert_int_equal(read_with(reading, &login), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_LOGIN);
	assert_int_equal(reading->error.number, 4060);
	end(reading);
}

static void refusals_on_the_wire_have_their_names(void **state)
{
	(void)state;
	static const struct {
		const char *fault;
		enum sql_error_kind kind;
	} cases[] = {
		{ "wire encryption=off", SQL_ERROR_NO_ENCRYPTION },
		{ "wire encryption=not-supported", SQL_ERROR_NO_ENCRYPTION },
		{ "wire route=elsewhere.example.test:1433", SQL_ERROR_REDIRECT },
	};
	struct reading *reading = with_server((const char *const[]){ CHAT, NULL });

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tell(reading, "wire none", 0);
		assert_true(standin_tell(&reading->server, cases[i].fault));
		assert_int_equal(read_all(reading), -EIO);
		if (reading->error.kind != cases[i].kind)
			fail_msg("%s is error %d: %s", cases[i].fault, reading->error.kind, reading->error.detail);
	}
	end(reading);

	reading = with_server(
		(const char *const[]){ CHAT, "--tls", "10-10", "--ciphers", "TLS-ECDHE-ECDSA-WITH-AES-256-CBC-SHA", NULL });
	assert_int_equal(read_all(reading), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_TLS_OLD);

	struct worker_login login = usual_login(reading);

	login.legacy_tls = true;
	expect_good(reading, read_with(reading, &login));
	end(reading);
}

static void malformed_rows_are_errors_and_end_in_time(void **state)
{
	(void)state;
	static const char *const faults[] = {
		"wire malformed=short-row:3",
		"wire malformed=bad-token:3",
		"wire malformed=length-beyond:3",
		"wire malformed=huge-plp:3",
		"wire malformed=error-in-row:3",
		"wire malformed=wrong-type:3",
	};
	struct reading *reading = with_server((const char *const[]){ CHAT, NULL });

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		uint64_t before = standin_number(&reading->server, "strikes");

		assert_true(standin_tell(&reading->server, faults[i]));

		int result = read_all(reading);

		if (standin_number(&reading->server, "strikes") == before)
			fail_msg("%s did not strike", faults[i]);
		if (result == 0)
			fail_msg("%s was taken for a good answer", faults[i]);
		tell(reading, "wire none", 0);
	}
	expect_good(reading, read_all(reading));
	end(reading);
}

static void a_stall_in_mid_answer_is_one(void **state)
{
	(void)state;
	/* So many messages that most packets are in the middle of their one answer. */
	struct reading *reading = with_server(
		(const char *const[]){ "--login", "sa=Secret-1", "--chat", "messages=20000,rooms=20,users=100,seed=1", NULL });
	uint64_t before = standin_number(&reading->server, "packets");

	expect_good(reading, read_all(reading));
	tell(reading, "wire stall-at-packet=%llu:ever", (standin_number(&reading->server, "packets") - before) * 6 / 10);
	assert_int_equal(read_all(reading), -EIO);
	assert_int_equal(reading->error.kind, SQL_ERROR_STALLED);
	end(reading);
}

static void a_server_that_dies_at_any_packet_never_makes_a_reading_look_whole(void **state)
{
	(void)state;
	struct reading *reading = with_server((const char *const[]){ CHAT, NULL });
	uint64_t before = standin_number(&reading->server, "packets");

	expect_good(reading, read_all(reading));

	uint64_t packets = standin_number(&reading->server, "packets") - before;

	for (uint64_t n = 1; n <= packets; n++) {
		uint64_t strikes = standin_number(&reading->server, "strikes");

		tell(reading, "wire cut-after-packets=%llu", n);

		int result = read_all(reading);

		if (standin_number(&reading->server, "strikes") == strikes)
			fail_msg("cut %llu of %llu did not strike", (unsigned long long)n, (unsigned long long)packets);
		/* After the last packet all has been said: whether that is noticed does not matter. */
		if (result == 0 && n + 1 < packets)
			fail_msg("cut %llu of %llu looked whole", (unsigned long long)n, (unsigned long long)packets);
		if (result && reading->error.kind != SQL_ERROR_LOST && reading->error.kind != SQL_ERROR_STALLED)
			fail_msg("cut %llu of %llu is error %d: %s", (unsigned long long)n, (unsigned long long)packets,
				reading->error.kind, reading->error.detail);
	}
	end(reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_is_read_without_a_violation_of_the_protocol),
		cmocka_unit_test(a_strict_server_is_read_as_well),
		cmocka_unit_test(a_named_instance_is_found_by_sql_browser_and_its_lies_lead_nowhere),
		cmocka_unit_test(a_windows_login_proves_itself_by_ntlmv2),
		cmocka_unit_test(wrong_logins_are_known_by_number),
		cmocka_unit_test(refusals_on_the_wire_have_their_names),
		cmocka_unit_test(malformed_rows_are_errors_and_end_in_time),
		cmocka_unit_test(a_stall_in_mid_answer_is_one),
		cmocka_unit_test(a_server_that_dies_at_any_packet_never_makes_a_reading_look_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
