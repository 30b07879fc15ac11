/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in's wire against a client that shares nothing with it, in front of an engine double that echoes what it
 * is given: what is checked is what travels and what is refused, not what SQL does.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/sqlserver/chat.h"
#include "tests/sqlserver/control.h"
#include "tests/sqlserver/server.h"
#include "tests/sqlserver/wire_text.h"
#include "tests/support/tds_client.h"

/* --- the engine double ------------------------------------------------------------------------------------------- */

struct engine {
	int unused;
};

struct session {
	atomic_bool interrupted;
	bool expects_bulk;
	uint64_t descriptor;
};

static struct {
	atomic_int closed_sessions, resets;
	bool odbc;
	char bulk_names[16][32];
	uint8_t bulk_types[16];
	uint64_t bulk_rows, bulk_nulls, bulk_bytes;
	bool bulk_complete, bulk_refuses;
} seen;

static const uint8_t latin1[5] = { 0x09, 0x04, 0xd0, 0x00, 0x34 };

int engine_open(struct engine **engine, const char *directory, int version)
{
	(void)directory, (void)version;
	*engine = calloc(1, sizeof(**engine));
	return *engine ? 0 : -ENOMEM;
}

void engine_close(struct engine *engine)
{
	free(engine);
}

int engine_set(struct engine *engine, const char *setting)
{
	(void)engine;
	return strcmp(setting, "known=1") ? -EINVAL : 0;
}

int engine_add_login(struct engine *engine, const char *login, const char *password, bool administrator)
{
	(void)engine, (void)login, (void)password, (void)administrator;
	return 0;
}

int session_login_trusted(struct session **session, struct engine *engine, const char *login, const char *database,
	const char *host, const char *program, int32_t *error)
{
	(void)engine, (void)login, (void)database, (void)host, (void)program, (void)error;
	*session = calloc(1, sizeof(**session));
	return *session ? 0 : -ENOMEM;
}

int session_login(struct session **session, struct engine *engine, const char *login, const char *password,
	const char *database, const char *host, const char *program, int32_t *error)
{
	bool missing = strcmp(database, "missing") == 0;

	*error = missing ? 4060 : 18456;
	if (missing || strcmp(password, "Secret~1"))
		return -EACCES;
	return session_login_trusted(session, engine, login, database, host, program, error);
}

int engine_password(struct engine *engine, const char *login, char *password, size_t size)
{
	(void)engine, (void)login, (void)password, (void)size;
	return -ENOENT;
}

void session_close(struct session *session)
{
	seen.closed_sessions++;
	free(session);
}

void session_set_odbc(struct session *session, bool odbc)
{
	(void)session;
	seen.odbc = odbc;
}

int session_id(const struct session *session)
{
	(void)session;
	return 51;
}

const char *session_database(const struct session *session)
{
	(void)session;
	return "master";
}

void session_collation(const struct session *session, uint8_t collation[5])
{
	(void)session;
	memcpy(collation, latin1, 5);
}

int session_reset(struct session *session)
{
	(void)session;
	seen.resets++;
	return 0;
}

static int send_rows(struct result_sink *sink, unsigned long count)
{
	struct result_column columns[2] = {
		{ .type = TDS_INTN, .length = 4, .name = "id" },
		{ .type = TDS_NVARCHAR, .length = TDS_MAX_LENGTH, .nullable = true, .name = "text" },
	};
	int error = sink->columns(sink, columns, 2);

	for (uint32_t i = 0; i < count && !error; i++) {
		const struct result_value values[2] = { { &i, 4 }, { "w\0o\0r\0d\0s\0", 10 } };

		error = sink->row(sink, values, 2);
	}
	return error ? error : sink->done(sink, END_STATEMENT, 0xc1, true, count, false, false);
}

static int wait_for_interrupt(struct session *session)
{
	while (!session->interrupted)
		usleep(1000);
	return -ECANCELED;
}

int session_execute(struct session *session, const void *text, size_t size, struct result_sink *sink)
{
	char statement[4096];

	utf8_from_utf16(statement, sizeof(statement), text, size / 2);
	session->interrupted = false;
	session->expects_bulk = strncmp(statement, "insert bulk", 11) == 0;
	if (strncmp(statement, "rows ", 5) == 0)
		return send_rows(sink, strtoul(statement + 5, NULL, 10));
	if (strcmp(statement, "sleep") == 0)
		return wait_for_interrupt(session);
	if (strcmp(statement, "fatal") == 0)
		sink->message(sink, 9001, 1, 21, "The log is gone.", "", 1);
	if (strcmp(statement, "begin") == 0)
		sink->transaction_changed(sink, 8, session->descriptor = 0x7700000051);
	return sink->done(sink, END_STATEMENT, 0, false, 0, false, false);
}

/* Answers with its parameters: as one row, then each output parameter. */
int session_call(struct session *session, const char *procedure, const struct parameter *parameters, size_t count,
	struct result_sink *sink)
{
	struct result_column columns[8];
	struct result_value values[8];
	int error;

	(void)session;
	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) {
		columns[i] = parameters[i].type;
		values[i] = parameters[i].value;
		snprintf(columns[i].name, sizeof(columns[i].name), "%s", procedure);
	}
	error = sink->columns(sink, columns, count);
	if (!error)
		error = sink->row(sink, values, count);
	for (size_t i = 0; i < count && !error; i++)
		if (parameters[i].output)
			error = sink->output(sink, parameters[i].name, &parameters[i].type, &parameters[i].value);
	return error ? error : sink->done(sink, END_PROC, 0xe0, false, 0, false, false);
}

int session_transaction(struct session *session, uint16_t request, uint8_t isolation, const char *name,
	struct result_sink *sink)
{
	(void)isolation, (void)name;
	session->descriptor = request == 5 ? 0x99 : 0;
	sink->transaction_changed(sink, request == 5 ? 8 : 9, 0x99);
	return sink->done(sink, END_STATEMENT, 0, false, 0, false, false);
}

bool session_expects_bulk(const struct session *session)
{
	return session->expects_bulk;
}

int session_bulk_begin(struct session *session, const struct result_column *columns, size_t count)
{
	(void)session;
	assert_true(count <= 16);
	seen.bulk_rows = seen.bulk_nulls = seen.bulk_bytes = 0;
	for (size_t i = 0; i < count; i++) {
		snprintf(seen.bulk_names[i], sizeof(seen.bulk_names[i]), "%.31s", columns[i].name);
		seen.bulk_types[i] = (uint8_t)columns[i].type;
	}
	return 0;
}

int session_bulk_row(struct session *session, const struct result_value *values, size_t count)
{
	(void)session;
	if (seen.bulk_refuses)
		return -EINVAL;
	seen.bulk_rows++;
	for (size_t i = 0; i < count; i++) {
		seen.bulk_nulls += values[i].data == NULL;
		seen.bulk_bytes += values[i].data ? values[i].size : 0;
	}
	return 0;
}

int session_bulk_end(struct session *session, bool complete, struct result_sink *sink)
{
	session->expects_bulk = false;
	seen.bulk_complete = complete;
	if (seen.bulk_refuses)
		sink->message(sink, 4815, 1, 16, "Received an invalid column length.", "", 1);
	return sink->done(sink, END_STATEMENT, 0xf0, true, seen.bulk_rows, seen.bulk_refuses, false);
}

uint64_t session_transaction_descriptor(const struct session *session)
{
	return session->descriptor;
}

void session_interrupt(struct session *session)
{
	session->interrupted = true;
}

int chat_night(struct engine *engine, uint32_t messages)
{
	(void)engine, (void)messages;
	return 0;
}

/* --- a server and a client for each test ---------------------------------------------------------------------------- */

static char directory[64];

struct world {
	struct server server;
	pthread_t thread;
	struct tds_client client;
	struct tds_bytes answer;
};

static void *run_server(void *argument)
{
	server_run(argument);
	return NULL;
}

static void make_certificates(void)
{
	char command[256];

	snprintf(directory, sizeof(directory), "/tmp/wire-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof(command), "tests/support/certificates %s", directory);
	assert_int_equal(system(command), 0);
}

static int open_world_with(void **state, bool strict, int version)
{
	static char certificate[128], key[128];
	struct world *world = calloc(1, sizeof(*world));

	if (!directory[0])
		make_certificates();
	snprintf(certificate, sizeof(certificate), "%s/server.pem", directory);
	snprintf(key, sizeof(key), "%s/server.key", directory);
	const struct server_options options = { .directory = directory, .address = "127.0.0.1", .name = "STANDIN",
		.instance = "MSSQLSERVER", .version = version, .strict = strict, .request_limit = 8u << 20,
		.row_limit = 8u << 20, .tls = { certificate, key, 12, 12, NULL } };
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(server_open(&world->server, &options), 0);
	assert_int_equal(pthread_create(&world->thread, NULL, run_server, &world->server), 0);
	*state = world;
	return 0;
}

static int open_world(void **state)
{
	return open_world_with(state, false, 16);
}

static int open_strict_world(void **state)
{
	return open_world_with(state, true, 16);
}

static int open_2012(void **state)
{
	return open_world_with(state, false, 11);
}

static int close_world(void **state)
{
	struct world *world = *state;

	server_stop(&world->server);
	pthread_join(world->thread, NULL);
	server_close(&world->server);
	tds_free(&world->answer);
	free(world);
	return 0;
}

static const struct tds_login good_login = { .user = "sa", .password = "Secret~1" };

static void log_in(struct world *world, enum tds_security security)
{
	assert_true(tds_connect(&world->client, world->server.port, security) >= 0);
	assert_true(tds_login(&world->client, &good_login, &world->answer));
	assert_int_equal(tds_last_done(&world->answer, NULL), 0);
}

static void ask(struct world *world, const char *command, char *answer, size_t size)
{
	FILE *to = fmemopen(answer, size, "w");

	control_command(&world->server, command, to);
	fclose(to);
}

static void set_fault(struct world *world, const char *setting)
{
	if (faults_set(&world->server.faults, setting))
		fail_msg("the server does not know %s", setting);
}

/* The server has dropped the connection, and says why. */
static void assert_violation(struct world *world, const char *words)
{
	char violations[2048] = "";

	while (tds_receive(&world->client, &world->answer))
		;
	ask(world, "violations", violations, sizeof(violations));
	if (!strstr(violations, words))
		fail_msg("no violation says \"%s\": %s", words, violations);
}

static void assert_no_violation(struct world *world)
{
	char violations[2048] = "";

	ask(world, "violations", violations, sizeof(violations));
	assert_string_equal(violations, "ok\n");
}

static void run(struct world *world, const char *statement)
{
	assert_true(tds_send_batch(&world->client, statement));
	assert_true(tds_receive(&world->client, &world->answer));
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

/* --- types ------------------------------------------------------------------------------------------------------- */

/* TYPE_INFO and a value, as an RPC parameter has them and as a row has them. */
struct example {
	const char *name;
	const char *type;      /* TYPE_INFO of the parameter */
	size_t type_size;
	const char *value;     /* with its length, in both directions */
	size_t value_size;
	const char *column;    /* TYPE_INFO in COLMETADATA, up to the name; NULL: as the parameter's */
	size_t column_size;
	const char *in_row;    /* the value in ROW; NULL: as the parameter's */
	size_t in_row_size;
};

#define BYTES(text) text, sizeof(text) - 1
#define COLLATED(text) BYTES(text "\x09\x04\xd0\x00\x34")

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
	tds_put(message, BYTES("\xa5\xff\xff\x01" "b\0"));
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
	tds_put(message, BYTES("\x10" "0123456789abcdef" "01234567" "\x02\0\0\0ok"));
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

static void a_value_beyond_the_row_limit_is_dropped_and_costs_no_memory(void **state)
{
	struct world *world = *state;
	struct tds_bytes message = { 0 };

	log_in(world, TDS_CLEAR);
	make_bulk(world, &message, 0);
	tds_put(&message, BYTES("\xd1\0\0\0\0\xff\xff"));
	tds_put64(&message, UINT64_MAX - 1);
	tds_put32(&message, 0x7fffffff);
	tds_put(&message, "x", 1);
	tds_send(&world->client, 7, &message);
	assert_violation(world, "a malformed bulk stream after 0 rows");
	tds_free(&message);
	tds_close(&world->client);
}

/* --- faults ------------------------------------------------------------------------------------------------------ */

static bool session_survives(struct world *world)
{
	bool survived = tds_connect(&world->client, world->server.port, TDS_ENCRYPTED) >= 0 &&
		tds_login(&world->client, &good_login, &world->answer) &&
		tds_send_batch(&world->client, "rows 2000") && tds_receive(&world->client, &world->answer);

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

static int remove_certificates(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return directory[0] && system(command) ? -1 : 0;
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_world(every_way_to_encrypt_ends_in_a_login),
		in_world(a_wrong_password_is_18456_and_a_missing_database_4060_as_well),
		in_world(the_odbc_flag_reaches_the_engine),
		in_world(the_packet_size_is_what_the_client_asked_for),
		cmocka_unit_test_setup_teardown(a_strict_server_hangs_up_on_tds_7, open_strict_world, close_world),
		cmocka_unit_test_setup_teardown(a_server_of_2012_does_not_speak_tds_8, open_2012, close_world),
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
		in_world(an_attention_ends_rows_that_nobody_reads),
		in_world(a_late_attention_is_acknowledged),
		in_world(a_client_that_leaves_interrupts_its_statement),
		in_world(a_fatal_message_ends_the_connection_after_it),
		in_world(a_reset_is_acknowledged_before_the_answer),
		in_world(transaction_requests_carry_their_descriptors),
		in_world(every_type_comes_back_as_it_was_sent),
		in_world(two_calls_in_one_message_are_answered_in_turn),
		in_world(a_truncated_call_is_dropped),
		in_world(bulk_rows_reach_the_engine_value_by_value),
		in_world(a_bulk_stream_without_done_is_tolerated_unless_required),
		in_world(a_bulk_stream_cut_anywhere_is_never_complete),
		in_world(bulk_rows_after_a_refused_one_are_read_and_the_error_comes_at_the_end),
		in_world(a_bulk_load_taken_back_by_the_ignore_bit_is_not_complete),
		in_world(bulk_rows_that_nobody_announced_are_dropped),
		in_world(a_value_beyond_the_row_limit_is_dropped_and_costs_no_memory),
		in_world(a_cut_strikes_at_every_packet_and_then_no_more),
		in_world(a_cut_strikes_at_a_byte_in_the_stream),
		in_world(a_stall_lasts_until_the_client_leaves),
		in_world(malformed_rows_are_malformed),
		in_world(settings_that_nobody_knows_are_refused),
		in_world(the_control_tells_what_was_said),
	};

	return cmocka_run_group_tests_name("sqlserver_wire", tests, NULL, remove_certificates);
}
