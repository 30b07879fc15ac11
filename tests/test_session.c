/* SPDX-License-Identifier: Apache-2.0 */
/* FreeTDS behind the relay, against scripts that answer as SQL Server does or must not. Time is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/net/tds.h"
#include "agent/net/tds_relay.h"
#include "agent/sql/interposed_connect.h"
#include "tests/support/fake_clock.h"
#include "tests/support/sql_script.h"
#include "tests/support/tds_reply.h"
#include "tests/support/tls_peer.h"

#define CATALOGUE_SECONDS 60
#define LOCK_TIMEOUT_MS 30000

struct server {
	struct sql_script *script;
	struct tls_peer *peer;
	struct session *session;
	struct sql_error error;
	char *authorities;
	char password[32];
	bool read_only;
	int opened;
};

static struct server *new_server(void)
{
	struct server *server = calloc(1, sizeof(*server));

	assert_non_null(server);
	server->script = sql_script_new();
	return server;
}

static void open_session(struct server *server)
{
	const struct tls_peer_options peer = {
		.certificate = "server.pem",
		.key = "server.key",
		.prelogin = true,
		.encryption = -1,
		.script = sql_script_run,
		.arg = server->script,
	};
	struct session_options options = {
		.host = "localhost",
		.login = "backup",
		.password = server->password,
		.database = "mgc",
		.lock_timeout_ms = LOCK_TIMEOUT_MS,
		.login_seconds = 20,
		.stall_seconds = 30,
		.catalogue_seconds = CATALOGUE_SECONDS,
		.read_only = server->read_only,
	};

	strcpy(server->password, "secret");
	server->authorities = tls_peer_file("ca.pem");
	options.authorities = server->authorities;
	server->peer = tls_peer_start(&peer, &options.socket);
	server->opened = session_open(&server->session, &options, &server->error);
}

static void close_session(struct server *server)
{
	session_close(server->session);
	sem_post(&server->script->go_on);
	tls_peer_end(server->peer);
	free(server->script);
	free(server->authorities);
	free(server);
}

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

static struct server *with_answer(const struct tds_reply *answer)
{
	struct server *server = new_server();

	if (answer) {
		server->script->answers[0] = *answer;
		server->script->answer_count = 1;
	}
	open_session(server);
	if (server->opened)
		fail_msg("error %d: %s", server->error.kind, server->error.detail);
	return server;
}

/* ---- opening ---- */

static void the_connect_of_freetds_is_ours(void **state)
{
	(void)state;
	assert_int_equal(session_self_test(), 0);
}

static void no_other_connection_over_ip_can_be_made(void **state)
{
	(void)state;
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	struct stat before, after;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(fstat(client, &before), 0);
	errno = 0;
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), -1);
	assert_int_equal(errno, EPERM);
	/* Nor was anything put in its place. */
	assert_int_equal(fstat(client, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	close(client);
	close(listener);
}

static void a_session_sets_xact_abort_first_and_checks_that_all_options_hold(void **state)
{
	(void)state;
	struct server *server = with_answer(NULL);
	const char *first = strstr(server->script->batches, "SET XACT_ABORT ON");

	assert_int_equal(session_server_version(server->session), 15);
	assert_non_null(first);
	for (const char *at = server->script->batches; at < first; at++)
		assert_false(strncmp(at, "SET ANSI", 8) == 0);
	assert_non_null(strstr(server->script->batches, "SET TEXTSIZE 2147483647"));
	assert_non_null(strstr(server->script->batches, "SET LOCK_TIMEOUT 30000"));
	close_session(server);
}

static void options_that_do_not_hold_end_the_session(void **state)
{
	(void)state;
	for (int bit = 1; bit <= 16384; bit *= 2) {
		if (!((SQL_SCRIPT_OPTIONS | 2 | 8192) & bit))
			continue;

		struct server *server = new_server();

		server->script->options = SQL_SCRIPT_OPTIONS ^ bit;
		open_session(server);
		assert_int_equal(server->opened, -EIO);
		assert_non_null(strstr(server->error.detail, "SET options"));
		close_session(server);
	}
}

static void what_runs_in_azure_is_refused(void **state)
{
	/* SQL Database, Synapse, Managed Instance, Edge, Synapse serverless: all but Edge say that they are version 12. */
	static const int32_t editions[] = { 5, 6, 8, 9, 11 };

	(void)state;
	for (size_t i = 0; i < sizeof(editions) / sizeof(editions[0]); i++) {
		struct server *server = new_server();

		server->script->edition = editions[i];
		open_session(server);
		assert_int_equal(server->opened, -EIO);
		assert_int_equal(server->error.kind, SQL_ERROR_UNSUPPORTED);
		assert_non_null(strstr(server->error.detail, "2012 to 2022"));
		close_session(server);
	}
}

static void the_password_is_wiped_whatever_comes_of_the_login(void **state)
{
	(void)state;
	struct server *server = new_server();
	static const char zeros[sizeof(server->password)];

	reply_error(&server->script->login_answer, 18456, 14, "Login failed for user 'backup'.");
	reply_done(&server->script->login_answer, TDS_DONE_ERROR, 0);
	open_session(server);
	assert_int_equal(server->opened, -EIO);
	assert_memory_equal(server->password, zeros, sizeof(zeros));
	close_session(server);
}

static void a_refused_login_is_known_by_its_number(void **state)
{
	(void)state;
	const uint32_t numbers[] = { 18456, 4060, 18452, 18470, 777777 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct server *server = new_server();

		reply_error(&server->script->login_answer, numbers[i], 14, "Nur ein Satz in einer anderen Sprache.");
		reply_done(&server->script->login_answer, TDS_DONE_ERROR, 0);
		open_session(server);
		assert_int_equal(server->error.kind, SQL_ERROR_LOGIN);
		assert_int_equal(server->error.number, numbers[i]);
		close_session(server);
	}
}

static void a_redirection_is_refused_with_the_relays_own_words(void **state)
{
	(void)state;
	struct server *server = new_server();

	reply_login_ack(&server->script->login_answer, 15);
	reply_routing(&server->script->login_answer, "elsewhere.example.test", 1433);
	reply_done(&server->script->login_answer, 0, 0);
	open_session(server);
	assert_int_equal(server->error.kind, SQL_ERROR_REDIRECT);
	assert_string_equal(server->error.object, "elsewhere.example.test");
	close_session(server);
}

static void hostile_environment_changes_nothing(void **state)
{
	(void)state;
	char dump[] = "/tmp/test_session_dump.XXXXXX";
	int fd = mkstemp(dump);

	close(fd);
	unlink(dump);
	setenv("TDSDUMP", dump, 1);
	setenv("TDSHOST", "192.0.2.1", 1);
	setenv("TDSPORT", "9", 1);
	setenv("TDSVER", "5.0", 1);
	setenv("FREETDSCONF", "/nonexistent", 1);

	struct server *server = with_answer(NULL);

	assert_int_equal(access(dump, F_OK), -1);
	close_session(server);
}

static int refuse_to_be_confined(void)
{
	return -EPERM;
}

static void a_session_that_cannot_be_confined_does_not_begin(void **state)
{
	(void)state;
	struct server *server = new_server();
	const struct tls_peer_options peer = {
		.certificate = "server.pem",
		.key = "server.key",
		.prelogin = true,
		.encryption = -1,
		.script = sql_script_run,
		.arg = server->script,
	};
	struct session_options options = {
		.host = "localhost",
		.login = "backup",
		.password = server->password,
		.database = "mgc",
		.login_seconds = 20,
		.confine = refuse_to_be_confined,
	};

	server->authorities = tls_peer_file("ca.pem");
	options.authorities = server->authorities;
	server->peer = tls_peer_start(&peer, &options.socket);
	assert_int_equal(session_open(&server->session, &options, &server->error), -EIO);
	assert_int_equal(server->error.kind, SQL_ERROR_WORKER);
	close_session(server);
}

/* ---- queries ---- */

static void rows_come_in_canonical_form_and_null_is_no_data(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };
	struct value values[2];
	int32_t number;

	reply_int_columns(&answer, 2);
	reply_int_row(&answer, (const int32_t[]){ 1, -2 }, 2);
	reply_u8(&answer, TDS_TOKEN_ROW);
	reply_u8(&answer, 0);
	reply_u8(&answer, 4);
	reply_u32(&answer, 3);
	reply_done(&answer, TDS_DONE_COUNT, 2);

	struct server *server = with_answer(&answer);
	const void *type;
	uint16_t flags;

	assert_int_equal(session_query(server->session, REQUEST_ROWS, "SELECT a, b FROM t", &server->error), 0);
	assert_int_equal(session_next(server->session, values, 2, &server->error), 1);
	assert_int_equal(values[1].size, 4);
	memcpy(&number, values[1].data, 4);
	assert_int_equal(number, -2);
	assert_int_equal(session_next(server->session, values, 2, &server->error), 1);
	assert_null(values[0].data);
	assert_non_null(values[1].data);
	assert_int_equal(session_next(server->session, values, 2, &server->error), 0);
	assert_int_equal(session_next(server->session, values, 2, &server->error), 0);
	assert_int_equal(session_type_info(server->session, 0, &type, &flags), 2);
	close_session(server);
}

static void errors_are_known_by_number(void **state)
{
	(void)state;
	static const struct {
		uint32_t number;
		enum sql_error_kind kind;
	} cases[] = {
		{ 1205, SQL_ERROR_RETRY },
		{ 1222, SQL_ERROR_RETRY },
		{ 3960, SQL_ERROR_RETRY },
		{ 3961, SQL_ERROR_RETRY },
		{ 823, SQL_ERROR_DAMAGED },
		{ 824, SQL_ERROR_DAMAGED },
		{ 605, SQL_ERROR_DAMAGED },
		{ 229, SQL_ERROR_RIGHTS },
		{ 230, SQL_ERROR_RIGHTS },
		{ 262, SQL_ERROR_RIGHTS },
		{ 297, SQL_ERROR_RIGHTS },
		{ 300, SQL_ERROR_RIGHTS },
		{ 3952, SQL_ERROR_CONSISTENCY },
		{ 3906, SQL_ERROR_DATABASE_STATE },
		{ 547, SQL_ERROR_SERVER },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tds_reply answer = { .size = 0 };

		reply_error(&answer, cases[i].number, 16, "Ce n'est pas le texte qui compte.");
		reply_done(&answer, TDS_DONE_ERROR, 0);

		struct server *server = with_answer(&answer);

		assert_int_equal(
			session_execute(server->session, REQUEST_CHANGE, "DELETE t", NULL, &server->error), -EREMOTEIO);
		assert_int_equal(server->error.kind, cases[i].kind);
		assert_int_equal(server->error.number, cases[i].number);
		/* And the session goes on. */
		assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "SET NOCOUNT ON", NULL, &server->error), 0);
		close_session(server);
	}
}

static void information_is_no_error(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };

	reply_error(&answer, 5701, 10, "Changed database context.");
	reply_done(&answer, TDS_DONE_COUNT, 7);

	struct server *server = with_answer(&answer);
	uint64_t rows;

	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "DELETE t", &rows, &server->error), 0);
	assert_int_equal(rows, 7);
	close_session(server);
}

static void damage_is_not_lost_behind_another_error(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };

	reply_error(&answer, 3621, 16, "The statement has been terminated.");
	reply_error(&answer, 824, 24, "Logical consistency-based I/O error.");
	reply_done(&answer, TDS_DONE_ERROR, 0);

	struct server *server = with_answer(&answer);

	assert_true(session_execute(server->session, REQUEST_CHANGE, "DELETE t", NULL, &server->error) < 0);
	assert_int_equal(server->error.kind, SQL_ERROR_DAMAGED);
	close_session(server);
}

static void an_error_after_rows_is_no_end_of_rows(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };
	struct value value;

	reply_int_columns(&answer, 1);
	reply_int_row(&answer, (const int32_t[]){ 1 }, 1);
	reply_error(&answer, 3961, 16, "Snapshot isolation transaction failed.");
	reply_done(&answer, TDS_DONE_ERROR, 0);

	struct server *server = with_answer(&answer);
	int got, rows = 0;

	assert_int_equal(session_query(server->session, REQUEST_ROWS, "SELECT a FROM t", &server->error), 0);
	while ((got = session_next(server->session, &value, 1, &server->error)) == 1)
		rows++;
	assert_int_equal(got, -EREMOTEIO);
	assert_int_equal(server->error.kind, SQL_ERROR_RETRY);
	assert_true(rows <= 1);
	close_session(server);
}

static void cut_the_answer(struct sql_script *script)
{
	reply_int_columns(&script->scratch, 1);
	for (int i = 0; i < 20; i++)
		reply_int_row(&script->scratch, &i, 1);
	tls_peer_write_packet(script->peer, TDS_REPLY, false, script->scratch.bytes, script->scratch.size);
	tls_peer_cut(script->peer);
}

static void a_cut_answer_is_no_end_of_rows(void **state)
{
	(void)state;
	struct server *server = new_server();
	struct value value;
	int got;

	server->script->instead = cut_the_answer;
	open_session(server);
	assert_int_equal(server->opened, 0);
	got = session_query(server->session, REQUEST_ROWS, "SELECT a FROM t", &server->error);
	while (got >= 0 && (got = session_next(server->session, &value, 1, &server->error)) == 1)
		;
	assert_int_equal(got, -EIO);
	assert_int_equal(server->error.kind, SQL_ERROR_LOST);
	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "DELETE t", NULL, NULL), -EIO);
	close_session(server);
}

static void *tick(void *arg)
{
	(void)arg;
	for (;;) {
		poll(NULL, 0, 20);
		fake_clock_advance(1);
	}
	return NULL;
}

static void an_answer_with_malformed_tokens_never_ends_well(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t size;
	} tails[] = {
		{ "\x42", 1 },                                       /* no token */
		{ "\xd1\x04\x01", 3 },                               /* a row that ends too early */
		{ "\xd1\x05\x01\x02\x03\x04\x05", 7 },               /* an int of five bytes */
		{ "\xd1\xff", 2 }, { "\xaa\xff\xff", 3 }, { "", 0 }, /* no DONE */
	};

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct tds_reply answer = { .size = 0 };
		struct value value;
		int got;

		reply_int_columns(&answer, 1);
		reply_bytes(&answer, tails[i].bytes, tails[i].size);

		struct server *server = with_answer(&answer);
		pthread_t ticker;

		/* FreeTDS may wait for more, for ever: then the relay's watchdog has to strike. */
		pthread_create(&ticker, NULL, tick, NULL);
		got = session_query(server->session, REQUEST_ROWS, "SELECT a FROM t", &server->error);
		while (got >= 0 && (got = session_next(server->session, &value, 1, &server->error)) == 1)
			;
		pthread_cancel(ticker);
		pthread_join(ticker, NULL);
		if (got >= 0)
			fail_msg("case %zu was taken for a good answer", i);
		close_session(server);
	}
}

/* ---- cancel ---- */

static atomic_bool cancel_now;

static bool stop_when_told(void *arg)
{
	(void)arg;
	return atomic_load(&cancel_now);
}

static void say_nothing(struct sql_script *script)
{
	sem_post(&script->reached);
}

static void a_request_in_silence_is_cancelled_and_the_session_goes_on(void **state)
{
	(void)state;
	struct server *server = new_server();

	server->script->instead = say_nothing;
	open_session(server);
	assert_int_equal(server->opened, 0);
	session_on_wait(server->session, stop_when_told, NULL);
	atomic_store(&cancel_now, true);
	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "DELETE t", NULL, &server->error), -ECANCELED);
	assert_int_equal(server->error.kind, SQL_ERROR_CANCELLED);
	atomic_store(&cancel_now, false);
	memset(&server->error, 0, sizeof(server->error));
	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "SET NOCOUNT ON", NULL, &server->error), 0);
	close_session(server);
}

static void *ten_minutes(void *arg)
{
	struct server *server = arg;

	sem_wait(&server->script->reached);
	for (int i = 0; i < 60; i++) {
		fake_clock_advance(10);
		poll(NULL, 0, 3);
	}
	atomic_store(&cancel_now, true);
	return NULL;
}

static void a_silent_catalogue_query_ends_after_its_limit_and_a_change_does_not(void **state)
{
	(void)state;
	for (int kind = REQUEST_CATALOGUE; kind <= REQUEST_CHANGE; kind++) {
		struct server *server = new_server();
		int result;
		pthread_t ticker;

		server->script->instead = say_nothing;
		open_session(server);
		session_on_wait(server->session, stop_when_told, NULL);
		atomic_store(&cancel_now, false);
		pthread_create(&ticker, NULL, ten_minutes, server);
		result = session_execute(server->session, (enum request_kind)kind, "EXEC x", NULL, &server->error);
		pthread_join(ticker, NULL);
		atomic_store(&cancel_now, false);
		/* Without a limit it is the cancel after the ten minutes that ends it. */
		assert_int_equal(result, kind == REQUEST_CATALOGUE ? -EIO : -ECANCELED);
		assert_int_equal(server->error.kind, kind == REQUEST_CATALOGUE ? SQL_ERROR_TIMEOUT : SQL_ERROR_CANCELLED);
		close_session(server);
	}
}

/* ---- the bulk stream ---- */

static struct server *in_bulk(const struct tds_reply *answer)
{
	struct server *server = new_server();

	reply_done(&server->script->answers[0], 0, 0);
	server->script->answer_count = 1;
	if (answer)
		server->script->answers[server->script->answer_count++] = *answer;
	open_session(server);
	assert_int_equal(server->opened, 0);
	assert_int_equal(session_bulk_begin(server->session, "INSERT BULK [t] ([a] int)", &server->error), 0);
	return server;
}

static void a_bulk_stream_arrives_whole_with_its_done_in_full_packets(void **state)
{
	(void)state;
	struct server *server = in_bulk(NULL);
	uint8_t bytes[30011];
	uint64_t rows = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	for (size_t at = 0; at < sizeof(bytes);) {
		size_t step = (at * 13) % 977 + 1;

		step = step < sizeof(bytes) - at ? step : sizeof(bytes) - at;
		assert_int_equal(session_bulk_write(server->session, bytes + at, step, &server->error), 0);
		at += step;
	}
	assert_int_equal(session_bulk_end(server->session, &rows, &server->error), 0);
	assert_int_equal(rows, 5);
	assert_int_equal(server->script->bulk_size, sizeof(bytes) + TDS_DONE_SIZE);
	assert_memory_equal(server->script->bulk, bytes, sizeof(bytes));
	assert_int_equal(server->script->bulk[sizeof(bytes)], TDS_TOKEN_DONE);
	/* 4 096 bytes is what the login agreed on, so 4 088 of payload: none but the last packet may hold less. */
	assert_int_equal(server->script->bulk_short, 0);
	assert_int_equal(server->script->bulk_packets, (sizeof(bytes) + TDS_DONE_SIZE + 4087) / 4088);
	/* FreeTDS never knew. */
	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "SET NOCOUNT ON", NULL, &server->error), 0);
	close_session(server);
}

static void a_refused_bulk_load_ends_the_session_with_the_servers_reason(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };
	uint64_t rows;

	reply_error(&answer, 2627, 14, "Violation of PRIMARY KEY constraint.");
	reply_done(&answer, TDS_DONE_ERROR, 0);

	struct server *server = in_bulk(&answer);

	assert_int_equal(session_bulk_write(server->session, "\x81", 1, &server->error), 0);
	assert_int_equal(session_bulk_end(server->session, &rows, &server->error), -EIO);
	assert_int_equal(server->error.kind, SQL_ERROR_SERVER);
	assert_int_equal(server->error.number, 2627);
	assert_non_null(strstr(server->error.detail, "PRIMARY KEY"));
	assert_int_equal(session_execute(server->session, REQUEST_CHANGE, "COMMIT", NULL, NULL), -EIO);
	close_session(server);
}

static void an_error_counts_even_where_done_does_not_say_so(void **state)
{
	(void)state;
	struct tds_reply answer = { .size = 0 };
	uint64_t rows;

	reply_error(&answer, 1105, 17, "The file is full.");
	reply_done(&answer, TDS_DONE_COUNT, 5);

	struct server *server = in_bulk(&answer);

	assert_int_equal(session_bulk_end(server->session, &rows, &server->error), -EIO);
	assert_int_equal(server->error.number, 1105);
	close_session(server);
}

static void a_session_that_only_reads_loads_nothing(void **state)
{
	(void)state;
	struct server *server = new_server();

	server->read_only = true;
	open_session(server);
	assert_int_equal(server->opened, 0);
	assert_int_equal(session_bulk_begin(server->session, "INSERT BULK [t] ([a] int)", &server->error), -EREMOTEIO);
	assert_null(strstr(server->script->batches, "INSERT BULK"));
	close_session(server);
}

static void rubbish_in_answer_to_a_bulk_load_is_no_success(void **state)
{
	(void)state;
	static const char *const answers[] = { "\x42", "\xfd\x10", "\xaa\xff\xff", "\x81\x01\x01" };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct tds_reply answer = { .size = 0 };
		uint64_t rows;

		reply_bytes(&answer, answers[i], strlen(answers[i]));

		struct server *server = in_bulk(&answer);

		assert_int_equal(session_bulk_end(server->session, &rows, &server->error), -EIO);
		assert_int_equal(server->error.kind, SQL_ERROR_PROTOCOL);
		close_session(server);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_connect_of_freetds_is_ours),
		TEST(no_other_connection_over_ip_can_be_made),
		TEST(a_session_sets_xact_abort_first_and_checks_that_all_options_hold),
		TEST(options_that_do_not_hold_end_the_session),
		TEST(what_runs_in_azure_is_refused),
		TEST(the_password_is_wiped_whatever_comes_of_the_login),
		TEST(a_refused_login_is_known_by_its_number),
		TEST(a_redirection_is_refused_with_the_relays_own_words),
		TEST(hostile_environment_changes_nothing),
		TEST(a_session_that_cannot_be_confined_does_not_begin),
		TEST(rows_come_in_canonical_form_and_null_is_no_data),
		TEST(errors_are_known_by_number),
		TEST(information_is_no_error),
		TEST(damage_is_not_lost_behind_another_error),
		TEST(an_error_after_rows_is_no_end_of_rows),
		TEST(a_cut_answer_is_no_end_of_rows),
		TEST(an_answer_with_malformed_tokens_never_ends_well),
		TEST(a_request_in_silence_is_cancelled_and_the_session_goes_on),
		TEST(a_silent_catalogue_query_ends_after_its_limit_and_a_change_does_not),
		TEST(a_bulk_stream_arrives_whole_with_its_done_in_full_packets),
		TEST(a_refused_bulk_load_ends_the_session_with_the_servers_reason),
		TEST(an_error_counts_even_where_done_does_not_say_so),
		TEST(a_session_that_only_reads_loads_nothing),
		TEST(rubbish_in_answer_to_a_bulk_load_is_no_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
